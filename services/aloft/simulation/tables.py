"""The files that an experiment leaves, from the rounds that were played."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from aloft.simulation.journal import Round
from aloft.simulation.keeping import write_whole

Played = tuple[str, int, Round]
"""A round with its arm and its seed."""
Row = tuple[str | int | float, ...]


def write_tables(out: Path, played: Iterable[Played]) -> None:
    """Write results, picks and timings: rows in order, so that the same rounds give the same bytes."""
    rounds = sorted(played, key=lambda each: (each[0], each[1], each[2].number))
    results = ("strategy", "seed", "round", "labels", "metric", "label", "value")
    picks = ("strategy", "seed", "round", "order", "path", "score", "cluster", "why")
    timings = ("strategy", "seed", "round", "stage", "seconds")
    _write(out / "results.csv", results, (row for each in rounds for row in _results(*each)))
    _write(out / "picks.csv", picks, (row for each in rounds for row in _picks(*each)))
    _write(out / "timings.csv", timings, (row for each in rounds for row in _timings(*each)))


def _results(arm: str, seed: int, one: Round) -> Iterator[Row]:
    cells: list[tuple[str, str, float | int]] = [
        *((metric, "", value) for metric, value in one.scores.items()),
        *(("ap", label, value) for label, value in one.ap.items()),
        *(("positives", label, value) for label, value in one.positives.items()),
    ]
    for metric, label, value in sorted(cells):
        yield arm, seed, one.number, one.labels, metric, label, repr(value)


def _picks(arm: str, seed: int, one: Round) -> Iterator[Row]:
    for order, each in enumerate(one.batch):
        yield arm, seed, one.number, order, each.path, repr(each.score), each.cluster, each.why


def _timings(arm: str, seed: int, one: Round) -> Iterator[Row]:
    for stage, seconds in sorted(one.seconds.items()):
        yield arm, seed, one.number, stage, repr(seconds)


def _write(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_whole(path, text.getvalue().encode())
