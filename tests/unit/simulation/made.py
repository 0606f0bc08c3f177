"""Images and pools that tests make."""

import csv
import io
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

from aloft.kit.ids import image_id
from aloft.simulation.game import Board
from aloft.simulation.judging import Judge
from aloft.simulation.oracle import Oracle
from aloft.simulation.probe import Probe
from aloft.simulation.versions import Features
from aloft.strategies.pool import ids

LABELS = ("field", "river", "ship")


def untold(done: int, total: int, stage: str) -> None:
    """Tell nobody how far something is."""


def png(seed: int, side: int = 16) -> bytes:
    """Draw an image of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    written = io.BytesIO()
    Image.fromarray(pixels).save(written, "PNG")
    return written.getvalue()


def table(rows: list[list[str]]) -> str:
    """Write rows as a table."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def labelled_folder(folder: Path, count: int = 40) -> Path:
    """Fill a folder with images and a table of labels."""
    (folder / "images").mkdir(parents=True)
    draw = np.random.default_rng(0)
    rows = [["path", "scene", *LABELS]]
    for number in range(count):
        path = f"images/{number:03d}.png"
        (folder / path).write_bytes(png(number))
        rows.append(
            [path, f"scene{number % 2}", *map(str, draw.integers(0, 2, 2)), str(int(number % 10 == 0))]
        )
    (folder / "labels.csv").write_text(table(rows))
    return folder


def archived(folder: Path, archive: Path) -> Path:
    """Put a folder into a tar archive, with paths as tar itself writes them."""
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, ".")
    return archive


def board(
    pool: int = 60,
    rounds: int = 3,
    seed: int = 0,
    targets: np.ndarray | None = None,
    oracle: Oracle | None = None,
) -> Board:
    """Make features of two labels that are easy to tell and one that is rare, without any network."""
    draw = np.random.default_rng(seed)
    count = pool + 40
    truth = np.column_stack([draw.random(count) < share for share in (0.5, 0.3, 0.15)]).astype(np.uint8)
    features = truth @ draw.normal(size=(3, 8)) * 2 + draw.normal(size=(count, 8))
    made = Features.of(features.astype(np.float32))
    paths = sorted((f"{number}.png" for number in range(pool)), key=image_id)
    images = ids([image_id(path) for path in paths])
    parts = (slice(0, pool), slice(pool, pool + 20), slice(pool + 20, count))
    judged = [truth[part].astype(np.float32) for part in parts[1:]]
    return Board(
        images=images,
        paths=tuple(paths),
        learner=Probe(*(Features(made.values[part], made.norms[part]) for part in parts)),
        oracle=oracle or Oracle(images, truth[:pool] if targets is None else targets),
        judge=Judge(LABELS, frozenset({"ship"}), *judged),
        initial=6,
        batch=5,
        rounds=rounds,
    )
