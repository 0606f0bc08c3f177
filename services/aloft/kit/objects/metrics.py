"""Counts what is asked of the object store, and how many bytes go each way."""

from prometheus_client import Counter

REQUESTS = Counter("aloft_objects_requests", "Requests to the object store.", ["operation"])
BYTES = Counter("aloft_objects_bytes", "Bytes read from and written to the object store.", ["direction"])


def requested(operation: str) -> None:
    """Count one request."""
    REQUESTS.labels(operation).inc()


def received(size: int) -> None:
    """Count bytes that were read."""
    BYTES.labels("read").inc(size)


def sent(size: int) -> None:
    """Count bytes that were written."""
    BYTES.labels("written").inc(size)
