"""Runs: jobs that make one version each."""

from dataclasses import dataclass

from aloft.trainer.domain.campaign import Base, Training

BASE = "base"
"""The kind of job that makes a base version."""
FINE_TUNE = "fine_tune"
"""The kind of job that trains a version on label sets."""


@dataclass(frozen=True, slots=True)
class Run:
    """One job that makes one version, and is called by its number."""

    campaign: str
    version: int
    job: str
    kind: str
    base: Base | None = None
    """Of a run that makes a base version."""
    training: Training | None = None
    """Of a fine-tuning run."""
    label_revision: int = 0
    parent: int = 0
    """The base version that a fine-tuning run begins from."""
    snapshot_key: str = ""
    """The images that it learns from, written by its first attempt; every later one uses the same."""
    snapshot_digest: str = ""
    checkpoint_key: str = ""
    """Where the next attempt goes on; the name of its object says which attempt wrote it."""
    created_us: int = 0

    @property
    def keeps_files(self) -> bool:
        """Whether attempts leave checkpoints and decoded images behind, which its end removes."""
        return self.kind == FINE_TUNE or (self.base is not None and self.base.pretraining is not None)
