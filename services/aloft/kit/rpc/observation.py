"""What is seen of each call: metrics, a span, and one log line."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from prometheus_client import Counter, Histogram

from aloft.kit.errors import AloftError
from aloft.kit.rpc.status import Bug, code_of
from aloft.kit.telemetry.logs import bind
from aloft.kit.telemetry.tracing import span_from

log = logging.getLogger("aloft.rpc")

_LABELS = ("grpc_type", "grpc_service", "grpc_method")
STARTED = Counter("grpc_server_started", "Calls begun.", _LABELS)
HANDLED = Counter("grpc_server_handled", "Calls ended, by their status.", (*_LABELS, "grpc_code"))
SECONDS = Histogram("grpc_server_handling_seconds", "How long calls took.", _LABELS)


@dataclass(frozen=True, slots=True)
class Method:
    """A method as metrics and logs name it."""

    kind: str
    service: str
    name: str

    @property
    def path(self) -> str:
        """The whole name, as on the wire."""
        return f"/{self.service}/{self.name}"

    @property
    def labels(self) -> tuple[str, str, str]:
        """The values of the metrics' labels."""
        return (self.kind, self.service, self.name)


class Observation:
    """One call while it is served."""

    def __init__(self, method: Method, fields: ExitStack, span: Span) -> None:
        self._method = method
        self._fields = fields
        self._span = span
        self.principal = ""
        self.code = grpc.StatusCode.OK
        self.error: AloftError | None = None

    def request(self, request: Message) -> None:
        """Put the campaign that the request names on every log line."""
        campaign = campaign_of(request)
        if campaign:
            self._fields.enter_context(bind(campaign=campaign))
            self._span.set_attribute("aloft.campaign", campaign)

    def failed(self, error: AloftError, raised: Exception) -> None:
        """Note how the call ends; a bug goes to the log whole, under the id that the client is told."""
        self.code, self.error = code_of(error), error
        self.principal = self.principal or error.metadata.get("principal", "")  # who may not call at all
        if isinstance(error, Bug):
            log.error(
                error.message,
                exc_info=raised,
                extra={"fields": {"method": self._method.path, **error.metadata}},
            )
            self._span.set_status(Status(StatusCode.ERROR, error.message))

    def finish(self, seconds: float) -> None:
        """Count the call and write its line."""
        HANDLED.labels(*self._method.labels, _camel(self.code)).inc()
        SECONDS.labels(*self._method.labels).observe(seconds)
        self._span.set_attribute("rpc.grpc.status_code", self.code.value[0])
        fields: dict[str, Any] = {
            "method": self._method.path,
            "code": self.code.name,
            "ms": round(seconds * 1e3, 1),
        }
        if self.principal:
            fields["principal"] = self.principal
        if self.error is not None:
            fields["reason"] = self.error.reason
        # Services ask one another all the time: of that only what goes wrong is for people.
        usual = self.code is grpc.StatusCode.OK and self.principal.startswith("services/")
        level = logging.DEBUG if usual else logging.INFO
        log.log(level, "%s %s", self._method.name, self.code.name, extra={"fields": fields})


@contextmanager
def observe(method: Method, metadata: Mapping[str, str]) -> Iterator[Observation]:
    """Watch a call from its beginning to its end."""
    STARTED.labels(*method.labels).inc()
    began = time.monotonic()
    with ExitStack() as fields:
        span = fields.enter_context(
            span_from(metadata.get("traceparent", ""), method.path[1:], SpanKind.SERVER)
        )
        observation = Observation(method, fields, span)
        try:
            yield observation
        finally:
            observation.finish(time.monotonic() - began)


def campaign_of(request: Message) -> str:
    """Find the campaign that a request is about in its `parent` or `name`; "" if it names none."""
    for field in ("parent", "name"):
        if field in request.DESCRIPTOR.fields_by_name:
            kind, _, rest = str(getattr(request, field)).partition("/")
            if kind == "campaigns" and rest:
                return rest.partition("/")[0]
    return ""


def _camel(code: grpc.StatusCode) -> str:
    # As the gRPC libraries for Go and Java write it, so that the usual dashboards work.
    return "OK" if code is grpc.StatusCode.OK else "".join(part.title() for part in code.name.split("_"))
