"""What the kit asks of a broker. Adapters: `kafka.KafkaBus`, `embedded.EmbeddedBus`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Message:
    """What lies on a topic. Messages of one key keep their order."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and where it was read."""

    message: Message
    partition: int
    offset: int


class Subscription(Protocol):
    """One member of a consumer group. Not thread-safe."""

    def poll(self, limit: int, wait_s: float) -> Sequence[Delivery]:
        """Read up to `limit` messages, waiting at most `wait_s` for the first. None is given twice."""

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Say that these, and all before them in their partitions, need not be read again by this group.

        What another member has taken over since is passed over: that member decides.
        """

    def rewind(self) -> None:
        """Begin again after what the group committed: for a reader that cannot say what it was given."""

    def lag(self) -> Mapping[tuple[str, int], int]:
        """Count, per topic and partition that this member reads, the messages it has not committed."""

    def close(self) -> None:
        """Leave the group."""


class Bus(Protocol):
    """A log of topics, keyed and ordered by key."""

    def publish(self, messages: Sequence[Message]) -> Sequence[bool]:
        """Write in the order given; wait for the broker; say which were acknowledged.

        For each key of a topic, what was written is a prefix of what was given: nothing that comes after a
        message that was not acknowledged can land later by itself.
        """

    def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """Join a consumer group, at the latest with the first poll; a new group begins at the beginning."""

    def create_topics(self, topics: Sequence[str], compacted: Collection[str] = ()) -> None:
        """Create what is missing. Nothing expires; `compacted` ones may keep only the newest of each key."""

    def missing_topics(self, topics: Sequence[str]) -> Sequence[str]:
        """Name those that do not exist."""

    def close(self) -> None:
        """Give everything back. Every subscription is closed before."""
