"""Reads the bytes behind a task's URL, as any client would."""

import http.client
import ssl
import urllib.error
import urllib.request
from pathlib import Path

from aloft.demo.simulated import Fetch, UrlGone
from aloft.kit.errors import Unavailable

TIMEOUT_S = 30.0


def fetcher(ca: Path | None = None) -> Fetch:
    """Make a reader of URLs that trusts the machine's authorities, or those of a PEM file."""
    context = ssl.create_default_context(cafile=ca) if ca else None

    def fetch(url: str) -> bytes:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S, context=context) as answer:
                data: bytes = answer.read()
                return data
        except urllib.error.HTTPError as refused:
            with refused:
                if refused.code < 500 and refused.code not in (408, 429):
                    raise UrlGone(f"HTTP {refused.code}") from refused
                raise Unavailable("DOWNLOAD_FAILED", f"HTTP {refused.code}") from refused
        except (OSError, http.client.HTTPException) as broken:
            raise Unavailable("DOWNLOAD_FAILED", f"{type(broken).__name__}: {broken}") from broken

    return fetch
