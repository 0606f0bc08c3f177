"""The newest generation of each campaign that this pod has served, on the pod's own disk."""

import json
import os
from pathlib import Path

from aloft.kit.errors import FailedPrecondition
from aloft.serving.desired import Desired


class OlderGeneration(FailedPrecondition):
    """What is desired is older than what this pod has served."""

    def __init__(self, desired: Desired, known: int) -> None:
        super().__init__(
            "OLDER_GENERATION",
            f"generation {desired.generation} (version {desired.version}) is older than {known}, which this"
            " pod has served: it does not go back; a rollback is a new generation",
        )


class Generations:
    """Remembers them. A pod that lost its disk begins with nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._known: dict[str, tuple[int, str]] = {}
        if file.exists():
            said = json.loads(file.read_text())
            self._known = {
                name: (int(generation), str(digest)) for name, (generation, digest) in said.items()
            }

    def check(self, desired: Desired) -> None:
        """Refuse what would lead back, and another archive under a generation that had one."""
        if desired.campaign not in self._known:
            return
        generation, digest = self._known[desired.campaign]
        if desired.generation < generation:
            raise OlderGeneration(desired, generation)
        if desired.generation == generation and desired.digest != digest:
            raise FailedPrecondition(
                "GENERATION_CHANGED", f"generation {generation} was another archive, {digest}"
            )

    def known(self, campaign: str) -> int:
        """Say the newest that was served; 0 for none."""
        return self._known.get(campaign, (0, ""))[0]

    def advance(self, desired: Desired) -> None:
        """Remember a generation, on the disk before this returns."""
        ours = (desired.generation, desired.digest)
        if self._known.get(desired.campaign) == ours:
            return
        self._known[desired.campaign] = ours
        self._file.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._file.with_suffix(".new")
        with scratch.open("w") as file:
            json.dump(self._known, file)
            file.flush()
            os.fsync(file.fileno())
        scratch.rename(self._file)
