"""How far an import of images is: written with each part of it, so that a killed one goes on where it was."""

from dataclasses import asdict, dataclass, field

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.label_store.store.tables import imports

NAMED = 100
"""How many missing keys and problems are named; all are counted."""


@dataclass(slots=True)
class Tally:
    """What an import has done so far, up to the key or the line `after`."""

    after: str = ""
    registered: int = 0
    known: int = 0
    missing: int = 0
    refused: int = 0
    labelled: int = 0
    missing_keys: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def miss(self, key: str) -> None:
        """Note a key that the bucket does not have."""
        self.missing += 1
        if len(self.missing_keys) < NAMED:
            self.missing_keys.append(key)

    def refuse(self, problem: str) -> None:
        """Note a line of a manifest that was passed over, and why."""
        self.refused += 1
        self.remark(problem)

    def remark(self, problem: str) -> None:
        """Note what is odd without passing over a line."""
        if len(self.problems) < NAMED:
            self.problems.append(problem)


def find(tx: Transaction, job: str) -> Tally:
    """Read how far an import is."""
    row = tx.execute(sa.select(imports).where(imports.c.job == job)).mappings().first()
    return Tally() if row is None else Tally(**{name: row[name] for name in row if name != "job"})


def save(tx: Transaction, job: str, tally: Tally) -> None:
    """Write how far an import is."""
    changed = tx.execute(sa.update(imports).where(imports.c.job == job).values(**asdict(tally)))
    if changed.rowcount == 0:
        tx.execute(sa.insert(imports).values(job=job, **asdict(tally)))


def forget(tx: Transaction, job: str) -> None:
    """Remove what an import needed only while it ran."""
    tx.execute(sa.delete(imports).where(imports.c.job == job))
