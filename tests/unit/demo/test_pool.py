import csv
import hashlib
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aloft.demo.pool import draw_pool
from aloft.demo.scenes import KINDS
from aloft.demo.truth import Truth


def test_the_same_seed_draws_the_same_pool_and_another_seed_another(tmp_path: Path) -> None:
    def drawn(name: str, seed: int) -> dict[str, bytes]:
        pool = draw_pool(tmp_path / name, tmp_path / f"{name}.json", count=12, size=32, seed=seed)
        return {key: (tmp_path / name / key).read_bytes() for key in pool.keys}

    assert drawn("one", 1) == drawn("again", 1)
    assert not drawn("one", 1).items() & drawn("other", 2).items()


def test_the_truth_knows_every_image_by_its_bytes_alone(tmp_path: Path) -> None:
    pool = draw_pool(tmp_path / "pool", tmp_path / "truth.json", count=30, size=32)
    truth = Truth.load(tmp_path / "truth.json")
    assert truth.labels == tuple(KINDS)
    assert len(truth.images) == 30
    for key in pool.keys:
        data = (tmp_path / "pool" / key).read_bytes()
        shown = truth.of(data)
        assert shown, f"nobody knows what {key} shows"
        assert set(shown) <= set(KINDS)
        assert truth.of(data + b"\0") is None
        assert hashlib.sha256(data).hexdigest() in truth.images


def test_only_its_owner_reads_the_truth_and_it_does_not_lie_in_the_pool(tmp_path: Path) -> None:
    draw_pool(tmp_path / "pool", tmp_path / "truth.json", count=1, size=16)
    assert stat.S_IMODE((tmp_path / "truth.json").stat().st_mode) == 0o600
    with pytest.raises(ValueError, match="lies in the pool"):
        draw_pool(tmp_path / "pool", tmp_path / "pool" / "truth.json", count=1, size=16)


def test_images_have_the_size_asked_for_and_keys_that_say_nothing(tmp_path: Path) -> None:
    pool = draw_pool(tmp_path / "pool", tmp_path / "truth.json", count=3, size=48)
    for key in pool.keys:
        with Image.open(tmp_path / "pool" / key) as image:
            assert (image.size, image.mode, image.format) == ((48, 48), "RGB", "PNG")
        assert not any(kind in key for kind in KINDS)
        assert key.count("/") == 2


def test_twelve_bands_are_arrays(tmp_path: Path) -> None:
    pool = draw_pool(tmp_path / "pool", tmp_path / "truth.json", count=2, size=24, bands=12)
    for key in pool.keys:
        assert np.load(tmp_path / "pool" / key).shape == (24, 24, 12)


def test_a_manifest_tells_the_labels_of_what_is_held_out_and_of_nothing_else(tmp_path: Path) -> None:
    pool = draw_pool(
        tmp_path / "pool", tmp_path / "truth.json", count=5, validation=2, test=3, size=16, manifest="all.csv"
    )
    with (tmp_path / "pool" / "all.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["key"] for row in rows] == list(pool.keys)
    assert [row["split"] for row in rows] == ["pool"] * 5 + ["validation"] * 2 + ["test"] * 3
    for row in rows:
        told = {row[label] for label in KINDS}
        assert told == {""} if row["split"] == "pool" else told <= {"0", "1"}, f"{row['key']}: {told}"
    truth = Truth.load(tmp_path / "truth.json")
    assert len(truth.images) == 5, "the vendor is not asked for what is held out"
