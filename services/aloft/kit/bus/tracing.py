"""The trace of an event: stored where it is emitted, the parent of what is done where it is handled.

A round of a campaign is one trace, from the selection of a batch to the next re-ranking. The event that
begins a round begins a trace. It is kept where that event is handled, so that what vendors bring about in
that round goes on in it. The events that move a round on claim what follows from them for its trace.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext

from google.protobuf.message import Message as Payload
from opentelemetry.trace import Span, SpanKind

from aloft.kit.bus import rounds
from aloft.kit.bus.topics import MOVING, Topic
from aloft.kit.database import Transaction
from aloft.kit.telemetry.tracing import Attributes, beginning, continuing, leading, span_from

_TOLD = ("batch", "version", "label_revision")
"""Fields of events that a trace is searched by."""


def emitting(tx: Transaction, topic: Topic, campaign: str, event: Payload) -> AbstractContextManager[object]:
    """Emit in the trace where an event belongs: of the round it begins, or is in, or else the caller's."""
    told = {"aloft.campaign": campaign, **about(event)}
    if topic.begins_round:
        return beginning("round", told)
    kept = rounds.trace_of(tx, campaign, getattr(event, "batch", None)) if topic.in_round else ""
    return continuing(kept, f"emit {topic.name}", told) if kept else nullcontext()


@contextmanager
def handling(topic: str, campaign: str, event: str, traceparent: str) -> Iterator[Span]:
    """Open the span under which an event is handled, as a child of the one that emitted it."""
    attributes = {"messaging.destination.name": topic, "aloft.campaign": campaign, "aloft.event": event}
    with ExitStack() as opened:
        span = opened.enter_context(span_from(traceparent, f"handle {topic}", SpanKind.CONSUMER, attributes))
        if topic in MOVING:
            opened.enter_context(leading())
        yield span


def about(event: Payload) -> Attributes:
    """Say which batch, version and label revision an event speaks of."""
    return {
        f"aloft.{name}": int(getattr(event, name))
        for name in _TOLD
        if name in event.DESCRIPTOR.fields_by_name
    }
