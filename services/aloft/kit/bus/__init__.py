"""Events between services: at least once on the wire, once in effect.

`emit` writes an event in the transaction of the state it announces; `Relay` publishes what is unpublished;
`Receiver` writes what arrives into the inbox; `InboxWorker` gives it to a handler, lane by lane, effect and
mark in one transaction. A handler sees a typed message and a `Context`, never a broker's record.
"""

from aloft.kit.bus.context import Context, Handler, Handlers, NotYet, Poison
from aloft.kit.bus.inbox import redrive
from aloft.kit.bus.outbox import EventTooLarge, emit
from aloft.kit.bus.port import Bus, Delivery, Message, Subscription
from aloft.kit.bus.wiring import EventLoops, ensure_topics, event_loops

__all__ = [
    "Bus",
    "Context",
    "Delivery",
    "EventLoops",
    "EventTooLarge",
    "Handler",
    "Handlers",
    "Message",
    "NotYet",
    "Poison",
    "Subscription",
    "emit",
    "ensure_topics",
    "event_loops",
    "redrive",
]
