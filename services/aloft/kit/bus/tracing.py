"""The trace of an event: stored where it is emitted, the parent of what is done where it is handled."""

from contextlib import AbstractContextManager

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_tracer = trace.get_tracer("aloft.bus")


def current_traceparent() -> str:
    """Say under which span this code runs, as W3C writes it; empty if there is none."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def handling(topic: str, campaign: str, event: str, traceparent: str) -> AbstractContextManager[trace.Span]:
    """Open the span under which an event is handled, as a child of the one that emitted it."""
    parent = _PROPAGATOR.extract({"traceparent": traceparent}) if traceparent else None
    return _tracer.start_as_current_span(
        f"handle {topic}",
        context=parent,
        kind=trace.SpanKind.CONSUMER,
        attributes={"messaging.destination.name": topic, "aloft.campaign": campaign, "aloft.event": event},
    )
