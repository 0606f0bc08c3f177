"""What a demonstration ended with: what each batch brought, and how the labels are spread."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from aloft.api.labels.v1.batch_service_pb2 import Batch
from aloft.api.labels.v1.campaign_pb2 import VERDICT_POSITIVE
from aloft.api.labels.v1.image_service_pb2 import Image

WHYS = 3


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """One batch that closed."""

    number: int
    strategy: str
    version: int
    ranking: str
    images: Sequence[str]
    """The ids of the labelled ones."""
    brought: Mapping[str, int]
    """How many images of it show each label."""
    close_reason: str
    open_s: float
    next_s: float | None
    """From its close to the next batch; nothing for the last one."""


@dataclass(frozen=True, slots=True)
class Share:
    """One label: how many of the labelled images show it, and how many of the pool's."""

    label: str
    labelled: int
    labelled_share: float
    pool: int
    pool_share: float

    @property
    def gain(self) -> float | None:
        """Say by what factor it is more common among the labelled images than in the pool."""
        return self.labelled_share / self.pool_share if self.pool else None


@dataclass(frozen=True, slots=True)
class Why:
    """Why an image was sent out, as far as the API tells."""

    image: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything that the closing tables show."""

    batches: Sequence[BatchOutcome]
    balance: Sequence[Share]
    whys: Sequence[Why]
    stopped: str
    """Which rule stopped the campaign."""
    seconds: float


def shown_by(image: Image) -> list[str]:
    """Name the labels that the consensus on an image found."""
    return [one.label for one in image.label_set.verdicts if one.verdict == VERDICT_POSITIVE]


def batch_outcomes(batches: Sequence[Batch], images: Iterable[Image]) -> list[BatchOutcome]:
    """Give each batch its images. One is open at a time, so label revisions are in the order of batches."""
    labelled = sorted(
        (image for image in images if image.label_set.version),
        key=lambda image: (image.label_set.label_revision, image.name),
    )
    ordered = sorted(batches, key=_number)
    outcomes, at = [], 0
    for batch, following in zip(ordered, [*ordered[1:], None], strict=True):
        mine = labelled[at : at + batch.labelled_images]
        at += len(mine)
        pause = _seconds(batch.close_time, following.create_time) if following else None
        outcomes.append(
            BatchOutcome(
                number=_number(batch),
                strategy=batch.strategy,
                version=batch.model_version,
                ranking=batch.ranking,
                images=[image.name.rsplit("/", 1)[1] for image in mine],
                brought=Counter(label for image in mine for label in shown_by(image)),
                close_reason=batch.close_reason,
                open_s=_seconds(batch.create_time, batch.close_time),
                next_s=pause,
            )
        )
    return outcomes


def balance(outcomes: Sequence[BatchOutcome], pool: Mapping[str, int], pool_images: int) -> list[Share]:
    """Compare what was labelled with what the pool really holds, the rarest label first."""
    total = sum(len(batch.images) for batch in outcomes)
    shares = []
    for label, count in sorted(pool.items(), key=lambda item: (item[1], item[0])):
        labelled = sum(batch.brought.get(label, 0) for batch in outcomes)
        share = labelled / total if total else 0.0
        shares.append(Share(label, labelled, share, count, count / pool_images))
    return shares


def whys(
    outcomes: Sequence[BatchOutcome], shown: Mapping[str, Sequence[str]], ranked: Mapping[str, int]
) -> list[Why]:
    """Say of an image of each of the first batches why it went out, the one that shows the most labels."""
    found = []
    for batch in [batch for batch in outcomes if batch.images][:WHYS]:
        image = max(batch.images, key=lambda one: (len(shown[one]), one))
        sentence = (
            f"In batch {batch.number}, as one of {len(batch.images)} that {batch.strategy} chose"
            f" by the ranking of {ranked[batch.ranking]} images under model version {batch.version}."
            f" It brought {', '.join(shown[image]) or 'none of the labels'}."
        )
        found.append(Why(image, sentence))
    return found


def _number(batch: Batch) -> int:
    return int(batch.name.rsplit("/", 1)[1])


def _seconds(start: Timestamp, end: Timestamp) -> float:
    return (end.ToMicroseconds() - start.ToMicroseconds()) / 1e6
