"""What embedding speaks of: a pool's images, versions, why an image cannot be used, what a pool waits for."""

from dataclasses import dataclass
from enum import StrEnum

from aloft.imagery import ImageSpec


class Reason(StrEnum):
    """Why an image is quarantined."""

    UNREADABLE = "UNREADABLE"
    MISSING = "MISSING"
    CHANGED = "CHANGED"
    WRONG_BANDS = "WRONG_BANDS"


@dataclass(frozen=True, slots=True)
class PoolImage:
    """One image as it was registered."""

    id: str
    key: str
    etag: str
    version: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """An image that cannot be used, and why."""

    image: PoolImage
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Model:
    """A promoted version, as far as its features go."""

    version: int
    architecture: str
    artefact_key: str
    artefact_digest: str
    backbone: str
    feature_size: int


@dataclass(frozen=True, slots=True)
class Pool:
    """The manifest that was last announced."""

    version: int
    generation: int
    key: str
    digest: str
    images: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a job has to do."""

    spec: ImageSpec
    model: Model
    missing: int
    """Images without features under the version's backbone."""
    next_part: int


@dataclass(frozen=True, slots=True)
class Work:
    """How far the job at hand is."""

    running: bool
    stage: str
    done: int
    total: int
    error: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a campaign's pool stands."""

    registered: int
    quarantined: int
    missing: int
    model: Model | None
    pool: Pool | None
    work: Work | None

    def waiting_for(self) -> str:
        """Say in a sentence what the pool waits for; nothing when the manifest covers it."""
        if self.model is None:
            return "a promoted model version: the trainer has published none"
        if not self.registered:
            return "images: none is registered for the pool"
        if self.registered == self.quarantined:
            return f"usable images: all {self.registered} of the pool are quarantined"
        if not self.missing and self.pool is not None and self.pool.version == self.model.version:
            return ""
        return self._job(self.model.version)

    def _job(self, version: int) -> str:
        goal = f"the features of {self.missing} images under version {version}"
        if self.work is None:
            return f"{goal}: no job is queued for them"
        if self.work.running:
            return f"{goal}: {self.work.stage or 'starting'}, {self.work.done} of {self.work.total} done"
        if self.work.error:
            return f"{goal}: the last attempt failed: {self.work.error}"
        return f"{goal}: a job is queued"
