"""Everything that arms need to be played in another process."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloft.learning import FineTuneRecipe
from aloft.simulation.arms import Arm
from aloft.simulation.game import Board
from aloft.simulation.journal import Journal
from aloft.simulation.judging import Judge
from aloft.simulation.oracle import Oracle
from aloft.simulation.probe import Probe
from aloft.simulation.versions import Features, Learner
from aloft.strategies.pool import Ids


@dataclass(frozen=True, slots=True)
class Side:
    """One split, row for row in order of image id."""

    rows: NDArray[np.intp]
    """Where its images are among all."""
    images: Ids
    targets: NDArray[np.uint8]
    features: Features


@dataclass(frozen=True, slots=True)
class FineTuning:
    """What `full` needs beside."""

    architecture: str
    bands: int
    weights: bytes
    pixels: Path
    recipe: FineTuneRecipe
    device: str
    kept: Path
    losses: bool


@dataclass(frozen=True, slots=True)
class Setting:
    """What all arms share, and where they write."""

    digest: str
    """Of all that decides what a round comes to, but the arm and the seed."""
    paths: tuple[str, ...]
    """Of the pool's images, in order of id."""
    labels: tuple[str, ...]
    rare: frozenset[str]
    pool: Side
    validation: Side
    test: Side
    initial: int
    batch: int
    rounds: int
    journals: Path
    share: float = 1.0
    fine_tuning: FineTuning | None = None

    def board(self) -> Board:
        """Set up what arms play on."""
        judge = Judge(
            self.labels,
            self.rare,
            self.validation.targets.astype(np.float32),
            self.test.targets.astype(np.float32),
        )
        return Board(
            images=self.pool.images,
            paths=self.paths,
            learner=self._learner(),
            oracle=Oracle(self.pool.images, self.pool.targets),
            judge=judge,
            initial=self.initial,
            batch=self.batch,
            rounds=self.rounds,
            share=self.share,
        )

    def journal(self, arm: Arm, seed: int) -> Journal:
        """Say where the rounds of an arm under a seed are kept."""
        first, later = (self._folder(each, seed) for each in (arm.first(self.initial), str(arm)))
        return Journal(self.journals / "arms" / later, self.journals / "starts" / first)

    def _folder(self, expression: str, seed: int) -> str:
        return hashlib.sha256(f"{self.digest}\n{expression}\n{seed}".encode()).hexdigest()[:32]

    def _learner(self) -> Learner:
        if self.fine_tuning is None:
            return Probe(self.pool.features, self.validation.features, self.test.features)
        # A probe trains no network.
        import torch

        from aloft.networks import build, load_weights
        from aloft.simulation.full import Full

        how = self.fine_tuning
        backbone = load_weights(build(how.architecture, how.bands), how.weights)
        pixels = np.load(how.pixels, mmap_mode="r")
        parts = (pixels[self.pool.rows], pixels[self.validation.rows], pixels[self.test.rows])
        return Full(
            backbone,
            parts,
            self.pool.features,
            how.recipe,
            torch.device(how.device),
            how.kept,
            losses=how.losses,
        )
