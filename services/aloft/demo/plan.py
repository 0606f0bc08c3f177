"""What a demonstration shows, and where it keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

VENDOR = "acme"
ACTIVE, RANDOM = "active", "random"
MANIFEST = "manifest.csv"


@dataclass(frozen=True, slots=True)
class Pretraining:
    """Self-supervised learning on the pool, once for both arms."""

    steps: int = 160
    batch_images: int = 256
    learning_rate: float = 2e-3


@dataclass(frozen=True, slots=True)
class Training:
    """How each version of either arm is trained: for random's benefit (docs/decisions/demo-recipe.md)."""

    full: bool = True
    steps: int = 400
    batch_images: int = 32
    learning_rate: float = 1e-2


@dataclass(frozen=True, slots=True)
class Plan:
    """How large the demonstration is, how images are chosen, and how networks are trained."""

    images: int = 4000
    """Those that may be selected; `test` more are held out with their labels."""
    test: int = 1000
    size: int = 64
    bands: int = 3
    batches: int = 5
    batch_size: int = 40
    strategy: str = "auto"
    """Of the active arm; the other labels at random."""
    architecture: str = "test_byobnet"
    pretraining: Pretraining = Pretraining()
    training: Training = Training()
    seed: int = 0
    prefix: str = ""
    """Of the campaigns' names, where they must be told from others'."""

    @property
    def budget(self) -> int:
        """How many images are labelled in all, in each arm."""
        return self.batches * self.batch_size

    @property
    def arms(self) -> tuple["Arm", "Arm"]:
        """The two campaigns."""
        return Arm(f"{self.prefix}{ACTIVE}", self.strategy), Arm(f"{self.prefix}{RANDOM}", "random")

    def sentence(self) -> str:
        """Describe it in a line."""
        return (
            f"{self.images} images of {self.size} × {self.size} × {self.bands}"
            f" · {self.batches} batches of {self.batch_size} by {self.strategy} and by random"
            f" · {self.architecture} · seed {self.seed}"
        )

    def seeded(self, seed: int) -> "Plan":
        """Give the same demonstration with another pool and other random choices."""
        return replace(self, seed=seed)


@dataclass(frozen=True, slots=True)
class Arm:
    """One of the two campaigns that are compared."""

    campaign: str
    strategy: str

    @property
    def name(self) -> str:
        """Its resource name."""
        return f"campaigns/{self.campaign}"


WHOLE = Plan()
QUICK = Plan(
    images=1200,
    test=300,
    batches=5,
    batch_size=20,
    pretraining=Pretraining(steps=30),
    training=Training(steps=70),
)
"""Everything of the whole in less: what it shows of the strategies is within what chance does."""


def scaled(plan: Plan, given: Mapping[str, Any]) -> Plan:
    """Change what was given, by the names of the command's options; None is nothing given."""
    said = {name: value for name, value in given.items() if value is not None}
    pretraining, training = plan.pretraining, plan.training
    if "pretrain_steps" in said:
        pretraining = replace(pretraining, steps=said.pop("pretrain_steps"))
    if "train_steps" in said:
        training = replace(training, steps=said.pop("train_steps"))
    return replace(plan, pretraining=pretraining, training=training, **said)


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
