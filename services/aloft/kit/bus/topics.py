"""The one place where topics are declared: name, message, and whether only the newest of each key is kept."""

from dataclasses import dataclass

from google.protobuf.message import Message as Payload

from aloft.api.events.v1 import events_pb2 as events


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the one message that travels on it. Compacted, it keeps the newest of each key."""

    name: str
    payload: type[Payload]
    compacted: bool = False
    begins_round: bool = False
    """Whether its events begin a round of a campaign, and with it a trace."""
    in_round: bool = False
    """Whether its events belong to the round of a batch, whoever's call made them."""
    moves_round: bool = False
    """Whether its events move a round on: what follows from them belongs to its trace before any other."""

    @property
    def type(self) -> str:
        """The CloudEvents type: the full name of the message."""
        return str(self.payload.DESCRIPTOR.full_name)

    @property
    def dead_letters(self) -> str:
        """The topic for what could not be handled."""
        return dead_letters_of(self.name)


CAMPAIGN_CHANGED = Topic("aloft.campaign.changed.v1", events.CampaignChanged, compacted=True)
IMAGE_REGISTERED = Topic("aloft.image.registered.v1", events.ImageRegistered)
IMAGE_QUARANTINED = Topic("aloft.image.quarantined.v1", events.ImageQuarantined)
LABELS_COMMITTED = Topic("aloft.labels.committed.v1", events.LabelsCommitted, in_round=True)
BATCH_CLOSED = Topic("aloft.batch.closed.v1", events.BatchClosed, in_round=True, moves_round=True)
IMAGE_RELEASED = Topic("aloft.image.released.v1", events.ImageReleased, in_round=True)
MODEL_PUBLISHED = Topic("aloft.model.published.v1", events.ModelPublished, moves_round=True)
POOL_EMBEDDED = Topic("aloft.pool.embedded.v1", events.PoolEmbedded, moves_round=True)
BATCH_SELECTED = Topic("aloft.batch.selected.v1", events.BatchSelected, begins_round=True)

TOPICS = (
    CAMPAIGN_CHANGED,
    IMAGE_REGISTERED,
    IMAGE_QUARANTINED,
    LABELS_COMMITTED,
    BATCH_CLOSED,
    IMAGE_RELEASED,
    MODEL_PUBLISHED,
    POOL_EMBEDDED,
    BATCH_SELECTED,
)
"""Every topic of the system."""

COMPACTED = frozenset(topic.name for topic in TOPICS if topic.compacted)
"""Names of the topics that keep at least the newest of each key."""

MOVING = frozenset(topic.name for topic in TOPICS if topic.moves_round)
"""Names of the topics whose events move a round on."""

_BY_PAYLOAD = {topic.payload: topic for topic in TOPICS}
_BY_TYPE = {topic.type: topic for topic in TOPICS}


def topic_of(payload: type[Payload]) -> Topic:
    """Say which topic carries a message."""
    try:
        return _BY_PAYLOAD[payload]
    except KeyError:
        raise LookupError(f"{payload.__name__} is not declared in aloft.kit.bus.topics") from None


def may_carry(name: str, kind: str) -> bool:
    """Whether events of a type belong on a topic: its own do, and those that are not declared here (yet)."""
    return kind not in _BY_TYPE or _BY_TYPE[kind].name == name


def dead_letters_of(name: str) -> str:
    """Name the topic that takes what could not be handled from this one."""
    return f"{name}.dlq"


def every_name() -> list[str]:
    """Name every topic and its dead letters: what an init job creates or checks."""
    return [name for topic in TOPICS for name in (topic.name, topic.dead_letters)]
