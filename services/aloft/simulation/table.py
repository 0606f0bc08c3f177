"""`labels.csv`: what is on each image, and which columns are labels."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.kit.errors import FieldViolation, InvalidArgument

PATH = "path"
SPLIT = "split"
_SHOWN = 10
_TRUTHS = ("0", "1", "0.0", "1.0", "false", "true")
"""What some programs write for 0 and 1."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in order of path."""

    paths: tuple[str, ...]
    labels: tuple[str, ...]
    targets: NDArray[np.uint8]
    """Images × labels, 0 or 1."""
    carried: Mapping[str, tuple[str, ...]]
    """The other columns by name, as they were written."""
    rows: tuple[int, ...]
    """The line of the file that each image is on."""

    def __len__(self) -> int:
        return len(self.paths)


def read_table(text: str, name: str) -> Table:
    """Read a table: columns of 0 and 1 alone are labels, and the others are carried."""
    header, lines = _lines(text, name)
    violations = _shape(header, lines)
    refuse(violations, name)
    columns = {each: [row[at] for _, row in lines] for at, each in enumerate(header)}
    labels, nearly = _labels(columns)
    violations = [*_paths(columns[PATH], lines), *_nearly(columns, nearly, lines)]
    if not labels and not violations:
        violations = [FieldViolation("columns", "none holds 0 and 1 alone: give one column for each label")]
    refuse(violations, name)
    order = sorted(range(len(lines)), key=lambda at: columns[PATH][at])
    targets = np.array([[columns[label][at] == "1" for label in labels] for at in order], np.uint8)
    carried = {
        each: tuple(values[at] for at in order)
        for each, values in columns.items()
        if each != PATH and each not in labels
    }
    paths = tuple(columns[PATH][at] for at in order)
    return Table(paths, tuple(labels), targets, carried, tuple(lines[at][0] for at in order))


def refuse(violations: list[FieldViolation], name: str) -> None:
    """Raise what is wrong with a table, if anything is: the first few, and how many more."""
    if not violations:
        return
    more = len(violations) - _SHOWN
    shown = violations[:_SHOWN]
    if more > 0:
        shown = [*shown, FieldViolation("…", f"and {more} more")]
    raise InvalidArgument("INVALID_LABELS", f"{name} cannot be used", tuple(shown))


def at_row(row: int) -> str:
    """Name a line of the file."""
    return f"row {row}"


def _lines(text: str, name: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    lines: list[tuple[int, list[str]]] = []
    try:
        lines += ((reader.line_num, [cell.strip() for cell in row]) for row in reader if row)
    except csv.Error as error:
        why = f"{error}: is a quotation mark not closed, on this line or before?"
        refuse([FieldViolation(at_row(reader.line_num), why)], name)
    if not lines:
        refuse([FieldViolation("columns", "the file is empty: its first line names the columns")], name)
    return lines[0][1], lines[1:]


def _shape(header: list[str], lines: list[tuple[int, list[str]]]) -> list[FieldViolation]:
    twice = sorted({each for each in header if each and header.count(each) > 1})
    found = [FieldViolation("columns", f"{each!r} is there twice: name each column once") for each in twice]
    if "" in header:
        why = f"column {header.index('') + 1} has no name: name it, or take a comma at the line's end away"
        found.append(FieldViolation("columns", why))
    if PATH not in header:
        found.append(FieldViolation("columns", f"there is no {PATH!r}: name the column of the images so"))
    if not lines:
        found.append(FieldViolation("rows", "there is none: give a row for each image"))
    return found + [
        FieldViolation(at_row(number), f"has {len(row)} cells under {len(header)} columns")
        for number, row in lines
        if len(row) != len(header)
    ]


def _labels(columns: Mapping[str, list[str]]) -> tuple[list[str], list[str]]:
    """Tell the labels, and columns that would be labels but for a few cells or for how they are written."""
    labels, nearly = [], []
    for name, values in columns.items():
        if name in (PATH, SPLIT):
            continue
        wrong = [value for value in values if value not in ("0", "1")]
        if not wrong:
            labels.append(name)
        elif len(wrong) < 0.5 * len(values) or all(value.lower() in _TRUTHS for value in wrong):
            nearly.append(name)
    return labels, nearly


def _nearly(
    columns: Mapping[str, list[str]], nearly: list[str], lines: list[tuple[int, list[str]]]
) -> list[FieldViolation]:
    return [
        FieldViolation(at_row(number), f"{name} is {value!r}: write 0 or 1")
        for name in nearly
        for (number, _), value in zip(lines, columns[name], strict=True)
        if value not in ("0", "1")
    ]


def _paths(paths: list[str], lines: list[tuple[int, list[str]]]) -> list[FieldViolation]:
    found, first = [], dict[str, int]()
    for (number, _), path in zip(lines, paths, strict=True):
        if not path or path.startswith("/") or ".." in path.split("/"):
            found.append(
                FieldViolation(at_row(number), f"path {path!r}: write it from the data's top folder")
            )
        elif path in first:
            found.append(FieldViolation(at_row(number), f"path {path!r} is on row {first[path]} already"))
        first.setdefault(path, number)
    return found
