"""What each round of an arm came to, a file a round: what is there is never played again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from aloft.simulation.keeping import write_whole


@dataclass(frozen=True, slots=True)
class Chosen:
    """One image of a batch, and why it was chosen."""

    path: str
    score: float
    cluster: int
    why: str


@dataclass(frozen=True, slots=True)
class Round:
    """One round: the batch that was labelled for it, and how good the version was that learned from all."""

    number: int
    strategy: str
    """What the arm's expression meant when the batch was chosen."""
    labels: int
    """Labelled images by then."""
    batch: tuple[Chosen, ...]
    scores: Mapping[str, float]
    """By metric."""
    ap: Mapping[str, float]
    """Average precision by label, where the test split can tell."""
    positives: Mapping[str, int]
    """By label: how many of the labelled images have it."""
    seconds: Mapping[str, float]
    """By stage."""


class Journal:
    """The rounds of one arm under one seed. Arms that begin alike can share a folder of the first."""

    def __init__(self, folder: Path, first: Path | None = None) -> None:
        self._folder = folder
        self._first = first or folder

    def rounds(self, most: int) -> list[Round]:
        """Read rounds from the first, up to `most` or the first that is not there."""
        found: list[Round] = []
        for number in range(self.played(most)):
            fields = json.loads(self._path(number).read_text())
            fields["batch"] = tuple(Chosen(**each) for each in fields["batch"])
            found.append(Round(**fields))
        return found

    def played(self, most: int) -> int:
        """Count them without reading them."""
        return next((number for number in range(most) if not self._path(number).exists()), most)

    def write(self, played: Round) -> None:
        """Keep a round."""
        write_whole(self._path(played.number), json.dumps(asdict(played)).encode())

    def _path(self, number: int) -> Path:
        return (self._folder if number else self._first) / f"{number:04d}.json"
