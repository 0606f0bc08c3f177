"""What embedding speaks of: versions, manifests, the job at hand, what a pool waits for."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from aloft.imagery import ImageSpec

BALD = "bald"
"""The column with what passes with dropout disagree about."""
MLL = "mll"
"""The column with the loss that a version foretells."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a campaign chooses its images."""

    expression: str
    seed: int


@dataclass(frozen=True, slots=True)
class Model:
    """A promoted version, as far as its features and logits go."""

    version: int
    architecture: str
    artefact_key: str
    artefact_digest: str
    backbone: str
    feature_size: int
    labels: tuple[str, ...] = ()
    """Of the logits, in their order; a version without a head has none."""
    loss_head: bool = False
    """Its weights hold a head that foretells losses."""
    mask_seed: int = 0
    """What the masks of its passes with dropout are drawn from."""

    def columns(self, needed: Collection[str]) -> tuple[str, ...]:
        """Say which of the columns that a strategy needs this version can give, in order of name.

        One that learned to foretell no loss gives no `mll`: the next one does.
        """
        possible = {BALD, *((MLL,) if self.loss_head else ())} if self.labels else set()
        return tuple(sorted(possible.intersection(needed)))


@dataclass(frozen=True, slots=True)
class Pool:
    """A manifest that was announced."""

    version: int
    generation: int
    key: str
    digest: str
    images: int
    announced_us: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job has to do."""

    spec: ImageSpec
    model: Model
    missing: int
    """Images without features under the version's backbone."""
    next_part: int
    columns: tuple[str, ...] = ()
    """What is to lie beside the logits."""


@dataclass(frozen=True, slots=True)
class Work:
    """How far the job at hand is."""

    running: bool
    since_us: int
    stage: str
    done: int
    total: int
    error: str


@dataclass(frozen=True, slots=True)
class Promoted:
    """The newest version, and what is known of its artefact."""

    model: Model
    known_us: int
    unusable: str
    """What is wrong with the artefact; empty where nothing is known to be."""
    unusable_us: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a campaign's pool stands."""

    known_us: int
    registered: int
    quarantined: int
    missing: int
    """Usable images without features under the newest version's backbone."""
    unscored: int
    """Images with features and without logits, or without a column, where the newest version has a head."""
    promoted: Promoted | None
    pool: Pool | None
    work: Work | None


def kept_backbones(promoted: Iterable[tuple[int, str]], announced: int | None) -> set[str]:
    """Say whose features are kept, of versions and their backbones: the current ones and the one before.

    Current is what the manifest announced last is about, and everything newer, which may become it.
    """
    kept: set[str] = set()
    for version, backbone in sorted(promoted, reverse=True):
        if announced is None or version >= announced:
            kept.add(backbone)
        elif backbone not in kept:
            return kept | {backbone}
    return kept
