"""What the catalogue says of a name, known before anything is loaded: neither NumPy nor the code itself."""

from dataclasses import dataclass
from enum import StrEnum

Number = int | float

NAME = r"[a-z_][a-z0-9_]*"
"""How names are written, as a pattern."""

COLUMNS = ("bald", "mll")
"""What embedding can write beside the logits."""

JOINED = ("mean", "max", "class_balanced")
"""What joins the labels of a score that has a number for each."""


class Kind(StrEnum):
    """Where in an expression a name may be."""

    ALONE = "alone"
    """A whole strategy: nothing goes before it, around it or after it."""
    SCORE = "score"
    """A number for each image, best first."""
    WRAPPER = "wrapper"
    """Goes around a score and says how its labels are joined."""
    DIVERSITY = "diversity"
    """Goes after a score and `+`, and spreads the batch."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What of the pool a strategy reads beside the ids."""

    features: bool = False
    """The features of every image, in blocks."""
    logits: bool = False
    """The logits and norms of every image, in blocks."""
    candidates: bool = False
    """The features of some images, by `Pool.features_of`."""
    covered: bool = False
    """The features of what is labelled or in flight, by `Pool.covered`."""
    earlier: bool = False
    """What the version before said, by `Pool.earlier`, if there was one."""
    columns: tuple[str, ...] = ()
    """What embedding writes beside the logits, by name."""

    @property
    def head(self) -> bool:
        """Whether it is of that which only a version with a head has."""
        return self.logits or self.earlier or bool(self.columns)

    def __or__(self, other: "Needs") -> "Needs":
        return Needs(
            features=self.features or other.features,
            logits=self.logits or other.logits,
            candidates=self.candidates or other.candidates,
            covered=self.covered or other.covered,
            earlier=self.earlier or other.earlier,
            columns=tuple(sorted({*self.columns, *other.columns})),
        )


@dataclass(frozen=True, slots=True)
class Parameter:
    """A number that an expression may set, as in `kmeans(h=8)`: whole where its default is."""

    name: str
    summary: str
    default: Number
    least: Number
    most: Number

    @property
    def type(self) -> str:
        """Whether it is an integer, or any number."""
        return "number" if isinstance(self.default, float) else "integer"

    def read(self, text: str) -> Number | None:
        """Read a number as it is written; None where it is no such number or out of range."""
        try:
            value = type(self.default)(text)
        except ValueError:
            return None
        return value if self.least <= value <= self.most else None

    def __str__(self) -> str:
        return f"{self.name} ({self.type} from {self.least} to {self.most}, default {self.default})"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of the catalogue."""

    name: str
    kind: Kind
    summary: str
    """What it does, in a line."""
    code: str = ""
    """Where it is written, as `module:attribute`. `aloft.strategies.extension` says what it must be."""
    needs: Needs = Needs()
    cost: str = ""
    """What grows with the pool: what is read of it and what is held in memory."""
    parameters: tuple[Parameter, ...] = ()
    wrappers: tuple[str, ...] = ()
    """What may go around it, if it is a score."""
    wrapper: str = ""
    """What is around it where nothing is written."""
    package: str = ""
    """The distribution that brings it, if that is not Aloft."""

    @property
    def per_label(self) -> bool:
        """Whether it is a score for each label, which `mean`, `max` or `class_balanced` joins to one."""
        return "mean" in self.wrappers

    def parameter(self, name: str) -> Parameter | None:
        """Find a parameter by its name."""
        return next((one for one in self.parameters if one.name == name), None)
