"""Reads the files that an experiment left, and says which row of which file is wrong."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aloft.kit.errors import InvalidArgument

EXPERIMENT, RESULTS, PICKS, TIMINGS = "experiment.json", "results.csv", "picks.csv", "timings.csv"
_COLUMNS = {
    RESULTS: ("strategy", "seed", "round", "labels", "metric", "label", "value"),
    PICKS: ("strategy", "seed", "round", "order", "path", "score", "cluster", "why"),
    TIMINGS: ("strategy", "seed", "round", "stage", "seconds"),
}


@dataclass(frozen=True, slots=True)
class Score:
    """One row of the results."""

    strategy: str
    seed: int
    round: int
    labels: int
    metric: str
    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Picked:
    """One image that an arm chose, and why."""

    strategy: str
    seed: int
    round: int
    order: int
    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a stage of a round took."""

    strategy: str
    seed: int
    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Files:
    """All that an experiment left."""

    settings: Mapping[str, Any]
    scores: Sequence[Score]
    picks: Sequence[Picked]
    timings: Sequence[Timing]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the experiment."""
        return tuple(self.settings["labels"])

    @property
    def rare(self) -> tuple[str, ...]:
        """Those of them that count as rare."""
        return tuple(self.settings["rare"])


def read(out: Path) -> Files:
    """Read a folder; what is missing or wrong raises `InvalidArgument` that says what and where."""
    settings = _settings(out / EXPERIMENT)
    scores = [
        Score(
            strategy=row.text("strategy"),
            seed=row.whole("seed"),
            round=row.whole("round"),
            labels=row.whole("labels"),
            metric=row.text("metric"),
            label=row.cells["label"],
            value=row.number("value"),
        )
        for row in _rows(out / RESULTS)
    ]
    if not scores:
        raise InvalidArgument.of(RESULTS, "has no row yet: let the experiment finish a round first")
    return Files(settings, scores, list(_picks(out / PICKS)), list(_timings(out / TIMINGS)))


def _picks(path: Path) -> Iterator[Picked]:
    for row in _rows(path):
        place = (row.whole("seed"), row.whole("round"), row.whole("order"))
        yield Picked(row.text("strategy"), *place, row.text("path"), row.cells["why"])


def _timings(path: Path) -> Iterator[Timing]:
    for row in _rows(path):
        yield Timing(row.text("strategy"), row.whole("seed"), row.text("stage"), row.number("seconds"))


def _settings(path: Path) -> Mapping[str, Any]:
    try:
        settings = json.loads(_text(path))
    except ValueError as wrong:
        said = f"{path} is not JSON ({wrong}): run the experiment again"
        raise InvalidArgument.of(EXPERIMENT, said) from None
    if not isinstance(settings, dict):
        raise InvalidArgument.of(EXPERIMENT, f"{path} holds no object: run the experiment again")
    for name in ("labels", "rare"):
        given = settings.get(name)
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise InvalidArgument.of(f"{EXPERIMENT}: {name}", "is no list of names: give the labels it means")
    return settings


@dataclass(frozen=True, slots=True)
class _Row:
    place: str
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        """Give what is written in a column that may not be empty."""
        if not self.cells[column]:
            raise InvalidArgument.of(self.place, f"{column} is empty: write what the row is about")
        return self.cells[column]

    def whole(self, column: str) -> int:
        """Give a whole number from nought."""
        if not self.cells[column].isdecimal():
            raise InvalidArgument.of(
                self.place, f"{column} is {self.cells[column]!r}: write a whole number from 0"
            )
        return int(self.cells[column])

    def number(self, column: str) -> float:
        """Give a finite number."""
        try:
            value = float(self.cells[column])
        except ValueError:
            value = float("nan")
        if value - value != 0:
            raise InvalidArgument.of(self.place, f"{column} is {self.cells[column]!r}: write a finite number")
        return value


def _rows(path: Path) -> Iterator[_Row]:
    reader = csv.reader(_text(path).splitlines(keepends=True))
    header = tuple(next(reader, ()))
    wanted = _COLUMNS[path.name]
    if header != wanted:
        raise InvalidArgument.of(
            path.name, f"its first line is {','.join(header)!r}: it must be {','.join(wanted)!r}"
        )
    for row in reader:
        place = f"{path.name}, line {reader.line_num}"
        if len(row) != len(wanted):
            raise InvalidArgument.of(place, f"has {len(row)} cells under {len(wanted)} columns")
        yield _Row(place, dict(zip(wanted, row, strict=True)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidArgument.of(
            path.name, f"{path.parent} has none: name the folder that an experiment was written to"
        ) from None
    except UnicodeDecodeError as wrong:
        raise InvalidArgument.of(path.name, f"{path} is not UTF-8 ({wrong.reason})") from None
