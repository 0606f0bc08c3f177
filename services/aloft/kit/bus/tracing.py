"""The trace of an event: stored where it is emitted, the parent of what is done where it is handled.

A round of a campaign is one trace, from the selection of a batch to the next re-ranking. The event that
begins a round begins a trace; the events that move it on claim what follows from them for that trace.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from google.protobuf.message import Message as Payload
from opentelemetry.trace import Span, SpanKind

from aloft.kit.bus import topics
from aloft.kit.telemetry.tracing import Attributes, beginning, leading, span_from

_TOLD = ("batch", "version", "label_revision")
"""Fields of events that a trace is searched by."""


def emitting(topic: topics.Topic, campaign: str, event: Payload) -> AbstractContextManager[object]:
    """Begin the trace of a round where the event begins one; otherwise go on in the trace that is there."""
    if not topic.begins_round:
        return nullcontext()
    return beginning("round", {"aloft.campaign": campaign, **about(event)})


@contextmanager
def handling(topic: str, campaign: str, event: str, traceparent: str) -> Iterator[Span]:
    """Open the span under which an event is handled, as a child of the one that emitted it."""
    attributes = {"messaging.destination.name": topic, "aloft.campaign": campaign, "aloft.event": event}
    with ExitStack() as opened:
        span = opened.enter_context(span_from(traceparent, f"handle {topic}", SpanKind.CONSUMER, attributes))
        if topic in topics.MOVING:
            opened.enter_context(leading())
        yield span


def about(event: Payload) -> Attributes:
    """Say which batch, version and label revision an event speaks of."""
    return {
        f"aloft.{name}": int(getattr(event, name))
        for name in _TOLD
        if name in event.DESCRIPTOR.fields_by_name
    }
