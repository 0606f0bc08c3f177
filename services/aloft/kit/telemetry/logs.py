"""Logs: one JSON object a line, with the campaign, the trace and the service beside each message."""

import json
import logging
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TextIO

from aloft.kit.telemetry.tracing import trace_ids

_bound: ContextVar[Mapping[str, str]] = ContextVar("aloft_log_fields", default=MappingProxyType({}))


@contextmanager
def bind(**fields: str) -> Iterator[None]:
    """Put fields (`campaign`, …) on every log line of this block, in whichever thread carries its context."""
    token = _bound.set({**_bound.get(), **{name: value for name, value in fields.items() if value}})
    try:
        yield
    finally:
        _bound.reset(token)


def bound() -> Mapping[str, str]:
    """Say what is on every log line here."""
    return _bound.get()


class _Fields(logging.Filter):
    """Takes the fields when a line is written: a handler may format it in another context."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def filter(self, record: logging.LogRecord) -> bool:
        extra = getattr(record, "fields", {})
        record.fields = {"service": self._service, **_bound.get(), **trace_ids(), **extra}
        return True


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write time, level, logger and message, then the fields, then the trace of an exception."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class TextFormatter(logging.Formatter):
    """Writes a record for a person at a terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """Write the message with its fields behind it."""
        fields = getattr(record, "fields", {})
        shown = " ".join(f"{name}={value}" for name, value in fields.items() if name not in {"trace", "span"})
        return f"{super().format(record)}  [{shown}]"


def configure_logging(
    service: str, level: str = "info", json: bool = True, stream: TextIO | None = None
) -> None:
    """Send every log line of this process to standard error, or `stream`, and nowhere else."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if json else TextFormatter())
    handler.addFilter(_Fields(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Below warnings these tell each poll, request and look at the migrations.
    for chatty in ("kafka", "urllib3", "alembic"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))
