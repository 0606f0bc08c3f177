"""Where an S3 store is and how to speak to it."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

SMALLEST_PART = 5 << 20
"""S3 refuses smaller parts, the last one apart."""


@dataclass(frozen=True, slots=True)
class S3Config:
    """An S3 endpoint with the keys of one account. A wrong value is refused when it is made."""

    endpoint: str
    """Where the services reach the store: `https://minio.storage:9000`, without a path."""

    access_key: str
    """The account's access key."""

    secret_key: str = field(repr=False)
    """The account's secret key."""

    region: str = "us-east-1"
    """The region that requests and URLs are signed for, said here so that signing asks nobody."""

    public_url: str | None = None
    """Where vendors reach the same store, if not at `endpoint`. A proxy there must keep the Host header."""

    ca_file: Path | None = None
    """Certificates (PEM) to trust for `endpoint`, instead of the machine's."""

    connect_timeout_s: float = 5.0
    """How long to wait for a connection."""

    read_timeout_s: float = 30.0
    """How long to wait for the next bytes of an answer."""

    attempts: int = 3
    """How often a request that may be repeated is sent before the store counts as unavailable."""

    parallel_ranges: int = 8
    """How many ranges are read at the same time."""

    part_bytes: int = 8 << 20
    """How much of a long stream is in memory and travels as one part; an object has at most 10,000."""

    def __post_init__(self) -> None:
        _endpoint("endpoint", self.endpoint)
        if self.public_url is not None:
            _endpoint("public_url", self.public_url)
        for name in ("access_key", "secret_key", "region"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty; give the one of the account that Aloft uses")
        if self.ca_file is not None and not self.ca_file.is_file():
            raise ValueError(
                f"ca_file {self.ca_file} is no file; name a PEM file with the store's certificate authority"
            )
        for name in ("connect_timeout_s", "read_timeout_s"):
            if not 0 < getattr(self, name) <= 600:
                raise ValueError(
                    f"{name} must be more than 0 and at most 600 seconds, not {getattr(self, name)}"
                )
        for name, most in (("attempts", 10), ("parallel_ranges", 64)):
            if not 1 <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be from 1 to {most}, not {getattr(self, name)}")
        if not SMALLEST_PART <= self.part_bytes <= 1 << 30:
            raise ValueError(
                f"part_bytes must be from {SMALLEST_PART} (5 MiB) to 1 GiB, not {self.part_bytes}"
            )


def _endpoint(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{name} must be a URL like https://minio.storage:9000, not {url!r}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise ValueError(
            f"{name} must be scheme, host and port alone, not {url!r}: "
            "a signature covers the path, so the store cannot lie under one"
        )
