"""What a demonstration shows, and where it keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CAMPAIGN = "demo"
VENDOR = "acme"


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the demonstration is and how images are chosen."""

    images: int = 240
    size: int = 64
    batches: int = 4
    batch_size: int = 20
    strategy: str = "centroids"
    architecture: str = "resnet18"
    seed: int = 0

    @property
    def budget(self) -> int:
        """How many images are labelled in all."""
        return self.batches * self.batch_size

    def sentence(self) -> str:
        """Describe it in a line."""
        return (
            f"{self.images} images of {self.size} × {self.size} · {self.batches} batches of {self.batch_size}"
            f" by {self.strategy} · {self.architecture} · seed {self.seed}"
        )


@dataclass(frozen=True, slots=True)
class Rooms:
    """Two folders that know nothing of each other: the services are told of `home` alone."""

    folder: Path
    env: Mapping[str, str]
    """The environment of every process, without any setting of the user's own services."""
    kept: bool
    """Whether it outlives the demonstration."""

    @property
    def home(self) -> Path:
        """Say what the services are told: their data folder, the pool in it."""
        return self.folder / "home"

    @property
    def pool(self) -> Path:
        """Say where the images are drawn."""
        return self.home / "pool"

    @property
    def truth(self) -> Path:
        """Say where the vendor, and nobody else, finds what images show."""
        return self.folder / "vendor" / "truth.json"

    @property
    def vendor_key(self) -> Path:
        """Say where the vendor's key lies."""
        return self.folder / "vendor" / "key"

    @property
    def admin_key(self) -> Path:
        """Say where the administrator's key lies."""
        return self.folder / "admin-key"

    def log(self, name: str) -> Path:
        """Say where a process writes what it has to say."""
        return self.folder / f"{name}.log"
