"""An expression that was understood: what it is made of, how it is spelled, what it needs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from aloft.strategies.entry import Entry, Needs, Number


@dataclass(frozen=True, slots=True)
class Call:
    """A name and its parameters."""

    entry: Entry
    given: Mapping[str, Number] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Number]:
        """All its parameters, as given or else as declared."""
        return {one.name: self.given.get(one.name, one.default) for one in self.entry.parameters}

    def __str__(self) -> str:
        values = zip(self.entry.parameters, self.values.values(), strict=True)
        inside = ",".join(f"{one.name}={value}" for one, value in values if value != one.default)
        return f"{self.entry.name}({inside})" if inside else self.entry.name


@dataclass(frozen=True, slots=True)
class Query:
    """A whole strategy; or a score, what joins its labels, and what spreads the batch."""

    first: Call
    """The whole strategy, or the score."""
    wrapper: str = ""
    """What is around the score, written or not."""
    diversity: Call | None = None
    """None where the best-scored images are the batch."""

    @property
    def canonical(self) -> str:
        """Spell it the one way that all spellings of it have: no spaces, nothing that is so anyway."""
        score = str(self.first)
        if self.wrapper != self.first.entry.wrapper:
            score = f"{self.wrapper}({score})"
        return score if self.diversity is None else f"{score}+{self.diversity}"

    @property
    def needs(self) -> Needs:
        """What of the pool it reads in all."""
        needs = self.first.entry.needs
        return needs if self.diversity is None else needs | self.diversity.entry.needs

    @property
    def names(self) -> tuple[str, ...]:
        """Every name in it."""
        after = () if self.diversity is None else (self.diversity.entry.name,)
        return (self.first.entry.name, *((self.wrapper,) if self.wrapper else ()), *after)
