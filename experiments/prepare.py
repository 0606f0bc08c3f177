"""Makes the data sets of the evidence from EuroSAT: mosaics with many labels, and tiles without any.

    python experiments/prepare.py EUROSAT.tar OUT

writes for each of the splits A and B `mosaics-<split>.tar` with its `labels.csv`, and `tiles-<split>.tar`.

A mosaic is 2 × 2 tiles, each turned and mirrored at random and shrunk to half its side, and its labels are
the classes of its tiles. A tile's class is drawn by Zipf's law with exponent 1.5, over the classes in
alphabetical order. The tiles themselves are split first, so that no tile of a test mosaic is in the pool, nor
among the tiles without labels, which are the pool's.

EuroSAT: Helber, Bischke, Dengel & Borth, IEEE JSTARS 2019.
"""

import csv
import hashlib
import io
import sys
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EXPONENT = 1.5
SHARES = {"pool": 0.6, "validation": 0.1, "test": 0.3}
MOSAICS = {"pool": 20_000, "validation": 1_000, "test": 4_000}
UNLABELLED = 8_000
SEEDS = {"a": 1, "b": 2}

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Tile:
    """One image of the archive."""

    path: str
    label: str
    data: bytes


def tiles_of(archive: Path) -> list[Tile]:
    """Read all tiles, in order of path."""
    with tarfile.open(archive) as tar:
        rows = list(csv.DictReader(io.TextIOWrapper(_file(tar, "labels.csv"), "utf-8")))
        label = {row["path"]: row["class"] for row in rows}
        found = [
            Tile(member.name, label[member.name], _file(tar, member).read())
            for member in tar
            if member.name in label
        ]
    return sorted(found, key=lambda tile: tile.path)


def split(tiles: Sequence[Tile], draw: np.random.Generator) -> dict[str, list[Tile]]:
    """Split tiles, each class in the same shares; tiles of the same bytes stay together."""
    answer: dict[str, list[Tile]] = {name: [] for name in SHARES}
    for label in sorted({tile.label for tile in tiles}):
        same: dict[str, list[Tile]] = {}
        for tile in tiles:
            if tile.label == label:
                same.setdefault(hashlib.sha256(tile.data).hexdigest(), []).append(tile)
        groups = [same[digest] for digest in sorted(same)]
        order = draw.permutation(len(groups))
        ends = np.rint(np.cumsum(list(SHARES.values())) * len(groups)).astype(int)
        for name, part in zip(SHARES, np.split(order, ends[:-1]), strict=True):
            answer[name] += [tile for at in part for tile in groups[at]]
    return answer


def zipf(classes: int) -> NDArray[np.float64]:
    """Give the chance of each class, from the most common to the rarest."""
    weights = np.arange(1, classes + 1) ** -EXPONENT
    chances: NDArray[np.float64] = weights / weights.sum()
    return chances


def mosaics(
    tiles: Sequence[Tile], count: int, draw: np.random.Generator
) -> Iterator[tuple[Pixels, frozenset[str]]]:
    """Draw mosaics with the classes that are on each."""
    classes = sorted({tile.label for tile in tiles})
    of = {label: [_shrunk(tile.data) for tile in tiles if tile.label == label] for label in classes}
    chances = zipf(len(classes))
    for _ in range(count):
        drawn = [classes[at] for at in draw.choice(len(classes), 4, p=chances)]
        quarters = [_turned(of[label][draw.integers(len(of[label]))], draw) for label in drawn]
        whole = np.concatenate([np.concatenate(quarters[row : row + 2], axis=1) for row in (0, 2)])
        yield whole, frozenset(drawn)


def _shrunk(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as tile:
        return np.asarray(
            tile.convert("RGB").resize((tile.width // 2, tile.height // 2), Image.Resampling.BOX)
        )


def _turned(tile: Pixels, draw: np.random.Generator) -> Pixels:
    turned = np.rot90(tile, int(draw.integers(4)))
    return turned[:, ::-1] if draw.integers(2) else turned


def write_mosaics(parts: dict[str, list[Tile]], out: Path, draw: np.random.Generator) -> None:
    """Write the mosaics of all splits into one archive."""
    classes = sorted({tile.label for tile in parts["pool"]})
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(["path", "split", *classes])
    with tarfile.open(out, "w") as tar:
        for name, tiles in parts.items():
            for number, (pixels, there) in enumerate(mosaics(tiles, MOSAICS[name], draw)):
                path = f"images/{name}/{number:05d}.png"
                png = io.BytesIO()
                Image.fromarray(pixels).save(png, "PNG", compress_level=1)
                _add(tar, path, png.getvalue())
                rows.writerow([path, name, *(int(label in there) for label in classes)])
        _add(tar, "labels.csv", table.getvalue().encode())


def write_tiles(pool: Sequence[Tile], out: Path, draw: np.random.Generator) -> None:
    """Write tiles of the pool, under names that say nothing of their classes."""
    chosen = sorted(draw.choice(len(pool), UNLABELLED, replace=False))
    with tarfile.open(out, "w") as tar:
        for number, at in enumerate(chosen):
            _add(tar, f"images/{number:05d}.jpg", pool[at].data)


def _add(tar: tarfile.TarFile, path: str, data: bytes) -> None:
    member = tarfile.TarInfo(path)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def _file(tar: tarfile.TarFile, member: str | tarfile.TarInfo) -> io.BufferedReader:
    file = tar.extractfile(member)
    if file is None:
        raise SystemExit(f"{member} is no file of the archive")
    return file  # type: ignore[return-value]


def main(archive: Path, out: Path) -> None:
    """Write all sets."""
    out.mkdir(parents=True, exist_ok=True)
    tiles = tiles_of(archive)
    for name, seed in SEEDS.items():
        parts = split(tiles, np.random.default_rng([seed, 0]))
        write_tiles(parts["pool"], out / f"tiles-{name}.tar", np.random.default_rng([seed, 1]))
        write_mosaics(parts, out / f"mosaics-{name}.tar", np.random.default_rng([seed, 2]))
        print(f"split {name.upper()}: mosaics-{name}.tar and tiles-{name}.tar are in {out}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: prepare.py EUROSAT.tar OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
