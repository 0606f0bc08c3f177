"""What the images of a drawn pool really show: labels by the SHA-256 of a file's bytes, and nothing else."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Truth:
    """The labels of a taxonomy, and those of each image."""

    labels: tuple[str, ...]
    images: Mapping[str, Sequence[str]]

    def of(self, data: bytes) -> Sequence[str] | None:
        """Say what these bytes show, None if nobody knows."""
        return self.images.get(hashlib.sha256(data).hexdigest())

    def save(self, path: Path) -> None:
        """Write it where only its owner reads, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump({"labels": self.labels, "images": dict(self.images)}, file, indent=1, sort_keys=True)
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> "Truth":
        """Read what `save` wrote."""
        found = json.loads(path.read_text())
        return cls(tuple(found["labels"]), found["images"])
