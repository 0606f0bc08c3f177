"""What a handler is told beside the event itself, and what it may answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message as Payload

from aloft.kit.database import Transaction


@dataclass(frozen=True, slots=True)
class Context:
    """Where an event came from. `attempt` counts from 1."""

    event: str
    topic: str
    campaign: str
    subject: str
    time_us: int
    traceparent: str
    attempt: int


Handler = Callable[[Transaction, Any, Context], None]
"""Applies an event in the transaction that also marks it as handled. Long work is a job, enqueued here."""

Handlers = dict[type[Payload], Handler]


class Poison(Exception):
    """The event breaks a rule and always will: it goes to the dead letters with this reason."""


class NotYet(Exception):
    """The event speaks of something that is not known here yet: its lane waits and tries again."""
