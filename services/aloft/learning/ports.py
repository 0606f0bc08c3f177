"""What a training asks of whoever runs it."""

from typing import Protocol


class Progress(Protocol):
    """Is told how far a training is. What it raises, such as that the run was cancelled, ends it."""

    def __call__(self, done: int, total: int, stage: str) -> None:
        """Take note that `done` of `total` steps of a stage are behind."""


class Checkpoints(Protocol):
    """Keeps the last checkpoint of one run."""

    def load(self) -> bytes | None:
        """Give the last one kept, or none."""

    def save(self, data: bytes) -> None:
        """Keep this one in its place."""
