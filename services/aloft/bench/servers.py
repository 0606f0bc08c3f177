"""The servers that a bench runs against: those it is told of, or its own when it runs from a checkout."""

import importlib
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from aloft.kit.objects.s3_config import S3Config

DURABLE = ("-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "full_page_writes=on")
"""Commits wait for the disk, as they do wherever events matter; the servers of tests do without."""


@dataclass(frozen=True, slots=True)
class Servers:
    """How Kafka is reached, and PostgreSQL as somebody who may create databases."""

    kafka: str
    postgres: str


@contextmanager
def servers(kafka: str | None, postgres: str | None) -> Iterator[Servers]:
    """Start what no address is given for; it ends with the block."""
    with ExitStack() as exits:
        yield Servers(
            kafka or _started(exits, "kafka", "Kafka", ()).bootstrap,
            postgres or _started(exits, "postgres", "Postgres", DURABLE).admin_url,
        )


@contextmanager
def store(url: str | None) -> Iterator[S3Config]:
    """Give the object store at `http://KEY:SECRET@host:port`, or start MinIO; it ends with the block."""
    with ExitStack() as exits:
        if url is None:
            minio = _started(exits, "minio", "Minio", ())
            yield S3Config(minio.url, minio.access_key, minio.secret_key)
            return
        parts = urlsplit(url)
        if not (parts.username and parts.password and parts.hostname):
            raise ValueError("store: give it as http://KEY:SECRET@host:port")
        endpoint = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        yield S3Config(endpoint, unquote(parts.username), unquote(parts.password))


def _started(exits: ExitStack, module: str, kind: str, flags: Sequence[str]) -> Any:
    checkout = Path(__file__).parents[3]
    if not (checkout / "tests" / "stack").is_dir():
        raise RuntimeError(
            f"no address of {kind} was given, and only a checkout of the repository can start one of its own"
        )
    if str(checkout) not in sys.path:
        sys.path.append(str(checkout))
    folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="aloft-bench-")))
    folder.chmod(0o755)  # PostgreSQL runs as a user of its own
    known = getattr(importlib.import_module(f"tests.stack.{module}"), kind)
    asked = type(kind, (known,), {"command": lambda self: [*known.command(self), *flags]})
    server: Any = asked(folder)
    exits.callback(server.kill)
    server.start()
    return server
