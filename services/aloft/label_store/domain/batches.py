"""Which images a batch takes, what becomes of each, and when it closes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from aloft.api.labels.v1 import campaign_pb2 as pb


class Outcome(StrEnum):
    """What became of an image in a batch. The first is no end, and the second becomes one of the others."""

    OPEN = "open"
    OUTSTANDING = "outstanding"
    LABELLED = "labelled"
    SKIPPED = "skipped"
    SUPERSEDED = "superseded"
    RELEASED = "released"


class CloseReason(StrEnum):
    """Which rule closed a batch."""

    COMPLETE = "COMPLETE"
    CLOSE_FRACTION = "CLOSE_FRACTION"
    CLOSE_AFTER = "CLOSE_AFTER"
    SUPERSEDED = "SUPERSEDED"
    EMPTY = "EMPTY"
    CAMPAIGN_STOPPED = "CAMPAIGN_STOPPED"


class ReleaseReason(StrEnum):
    """Why an image left a batch without a label."""

    NOT_ACCEPTED = "NOT_ACCEPTED"
    BATCH_CLOSED = "BATCH_CLOSED"
    SUPERSEDED = "SUPERSEDED"
    LEASE_EXPIRED = "LEASE_EXPIRED"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What decides whether a selected image may be sent out."""

    image: str
    in_pool: bool
    quarantined: bool
    labelled: bool
    skipped: bool
    out: bool
    """Whether it is out with another batch."""

    @property
    def acceptable(self) -> bool:
        """Whether a label is wanted, can be had, and nobody is asked for it already."""
        return self.in_pool and not (self.quarantined or self.labelled or self.skipped or self.out)


def accepted(
    selected: Sequence[str], known: Mapping[str, Candidate], room: int | None
) -> tuple[list[str], list[str]]:
    """Split a selection into what is sent out, in its order and within the budget, and the rest."""
    taken: dict[str, None] = {}
    for image in selected:
        candidate = known.get(image)
        within = room is None or len(taken) < room
        if within and candidate is not None and candidate.acceptable:
            taken[image] = None
    return list(taken), [image for image in dict.fromkeys(selected) if image not in taken]


def close_reason(policy: pb.BatchPolicy, accepted: int, ended: int) -> CloseReason | None:
    """Name the rule by which a batch closes once so many images are labelled or skipped; None: not yet."""
    if ended >= accepted:
        return CloseReason.COMPLETE
    # The tolerance is for fractions such as 0.7, of which ten is a little more than seven in binary.
    if ended >= math.ceil(accepted * policy.close_fraction - 1e-9):
        return CloseReason.CLOSE_FRACTION
    return None


def close_after_us(policy: pb.BatchPolicy) -> int:
    """Say how long after its beginning a batch closes in any case; 0 is never."""
    return policy.close_after.ToMicroseconds() if policy.HasField("close_after") else 0


def trains(number: int, reason: str, labelled: int) -> bool:
    """Whether a version is to be trained once a batch closed.

    Batch 0 is for judging versions; and what supersedes a batch is a newer version, after whose own batch one
    is trained on the labels of both.
    """
    return number > 0 and labelled > 0 and reason != CloseReason.SUPERSEDED


def left_by(reason: str) -> ReleaseReason:
    """Say why images leave a batch that was closed for a reason."""
    superseded = reason == CloseReason.SUPERSEDED
    return ReleaseReason.SUPERSEDED if superseded else ReleaseReason.BATCH_CLOSED
