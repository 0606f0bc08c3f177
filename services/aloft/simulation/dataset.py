"""An experiment's images and what is on them, checked before anything long runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloft.imagery import ImageSpec
from aloft.kit.errors import FieldViolation, InvalidArgument
from aloft.kit.ids import image_id
from aloft.learning import Progress
from aloft.simulation import splits, thinning
from aloft.simulation.decoded import Decoded, Undecodable, decode_all
from aloft.simulation.sources import Source
from aloft.simulation.table import SPLIT, Table, at_row, read_table, refuse
from aloft.simulation.thinning import Imbalance
from aloft.strategies.pool import Ids, ids

LABELS = "labels.csv"


@dataclass(frozen=True, slots=True)
class DataSet:
    """Images in order of path, whole: what is thinned stays in it and is told apart by `kept`."""

    table: Table
    images: Ids
    decoded: Decoded
    split: NDArray[np.str_]
    kept: NDArray[np.bool_]
    """Images that the imbalance leaves; those of validation and test all stay."""
    rare: NDArray[np.bool_]
    """Labels that are judged as a group of their own."""
    given_split: bool

    def rows(self, split: str, *, thinned: bool = True) -> NDArray[np.intp]:
        """Say which images are on one side, in order of image id."""
        there = self.split == split
        found = np.flatnonzero(there & self.kept if thinned else there)
        ordered: NDArray[np.intp] = found[np.argsort(self.images[found], kind="stable")]
        return ordered

    @property
    def rare_labels(self) -> tuple[str, ...]:
        """Name the labels that are judged as a group of their own."""
        return tuple(label for label, rare in zip(self.table.labels, self.rare, strict=True) if rare)

    @property
    def not_judged(self) -> tuple[str, ...]:
        """Name the labels that all images of the test split have, or none: they have no average precision."""
        share = self.table.targets[self.rows(splits.TEST)].mean(axis=0)
        return tuple(
            label for label, one in zip(self.table.labels, share.tolist(), strict=True) if one in (0, 1)
        )

    def unlabelled(self) -> NDArray[np.float16]:
        """Give the pixels of the whole pool, in order of path: what may be seen without labels."""
        return self.decoded.pixels[np.flatnonzero(self.split == splits.POOL)]


def open_table(source: Source, labels: Path | None) -> tuple[Table, str]:
    """Read the table, from a file or out of the data, and check that its images are there."""
    if labels is not None and not labels.is_file():
        raise InvalidArgument.of("labels", f"there is no file {labels}")
    if labels is None and source.lacks([LABELS]):
        raise InvalidArgument.of("labels", f"{source.path} holds no {LABELS}: name the file of the labels")
    name = str(labels or f"{LABELS} of {source.path}")
    data = labels.read_bytes() if labels is not None else next(source.read([LABELS]))[1]
    try:
        table = read_table(data.decode("utf-8-sig"), name)
    except UnicodeDecodeError as error:
        raise InvalidArgument.of("labels", f"{name} is not written in UTF-8: {error}") from error
    lacking = source.lacks(table.paths)
    refuse(
        [
            FieldViolation(at_row(row), f"{source.path} has no {path}")
            for row, path in zip(table.rows, table.paths, strict=True)
            if path in lacking
        ],
        name,
    )
    return table, name


def open_data(
    source: Source,
    labels: Path | None,
    spec: ImageSpec,
    stratify: str | None,
    split_seed: int,
    imbalance: Imbalance | None,
    rare_share: float,
    cache: Path,
    progress: Progress,
) -> DataSet:
    """Read images and labels, and draw or take the split and the imbalance."""
    table, name = open_table(source, labels)
    strata = _strata(table, stratify)
    given = splits.given(table, name)
    if given is not None and stratify is not None:
        why = f"{name} says by its column {SPLIT!r} how it is split: leave one of the two out"
        raise InvalidArgument.of("stratify", why)
    images = ids([image_id(path) for path in table.paths])
    try:
        decoded = decode_all(source, table.paths, spec, cache, progress)
    except Undecodable as failure:
        raise _unusable(table, failure, name) from failure
    split = _drawn(images, decoded, strata, stratify, split_seed) if given is None else given
    rare = thinning.rare(table.targets, imbalance, rare_share)
    kept = np.ones(len(table), dtype=bool)
    if imbalance is not None:
        pool = split == splits.POOL
        kept[pool] = thinning.kept(images[pool], table.targets[pool], rare, imbalance.keep, split_seed)
    data = DataSet(table, images, decoded, split, kept, rare, given is not None)
    if len(data.not_judged) == len(table.labels):
        count = len(data.rows(splits.TEST))
        why = f"all {count} test images are alike in every label: nothing could be judged by them"
        raise InvalidArgument.of("labels", why)
    return data


def open_unlabelled(source: Source, spec: ImageSpec, cache: Path, progress: Progress) -> Decoded:
    """Read images that are for pre-training alone."""
    names = source.images()
    if not names:
        suffixes = ", ".join(sorted({".jpg", ".png", ".tif", ".npy"}))
        raise InvalidArgument.of("unlabelled", f"{source.path} holds no images ({suffixes})")
    try:
        return decode_all(source, names, spec, cache, progress)
    except Undecodable as failure:
        violations = tuple(FieldViolation(path, why) for path, why in sorted(failure.why.items())[:10])
        message = f"{len(failure.why)} images of {source.path} cannot be used: take them out"
        raise InvalidArgument("INVALID_IMAGES", message, violations) from failure


def _drawn(
    images: Ids, decoded: Decoded, strata: Sequence[str], stratify: str | None, seed: int
) -> NDArray[np.str_]:
    drawn = splits.draw(images, decoded.digests, strata, seed)
    absent = " or ".join(each for each in splits.SPLITS if each not in drawn)
    if absent and stratify is None:
        raise InvalidArgument.of("labels", f"of {len(images)} images none is left for {absent}: give more")
    if absent:
        few = f"its {len(set(strata))} values are on so few images each that none is left for {absent}"
        raise InvalidArgument.of("stratify", f"{stratify}: {few}; name a coarser column, or none")
    return drawn


def _strata(table: Table, column: str | None) -> Sequence[str]:
    if column is None:
        return [""] * len(table)
    if column in table.labels:
        return [str(value) for value in table.targets[:, table.labels.index(column)]]
    if column not in table.carried:
        there = ", ".join((*table.carried, *table.labels))
        raise InvalidArgument.of("stratify", f"there is no column {column!r}; there are {there}")
    return table.carried[column]


def _unusable(table: Table, failure: Undecodable, name: str) -> InvalidArgument:
    row = dict(zip(table.paths, table.rows, strict=True))
    first = sorted(failure.why, key=lambda path: row[path])[:10]
    violations = [FieldViolation(at_row(row[path]), f"{path}: {failure.why[path]}") for path in first]
    message = f"{len(failure.why)} images of {name} cannot be used: mend them, or take out their rows"
    return InvalidArgument("INVALID_IMAGES", message, tuple(violations))
