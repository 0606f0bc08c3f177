import tarfile
from pathlib import Path

import numpy as np
import pytest

from aloft.imagery import ImageSpec
from aloft.kit.errors import InvalidArgument
from aloft.simulation.dataset import DataSet, open_data, open_unlabelled
from aloft.simulation.sources import Source
from aloft.simulation.thinning import Imbalance
from tests.unit.simulation.made import archived, labelled_folder, untold

SPEC = ImageSpec(8, 8, 3)


def opened(
    data: Path,
    cache: Path,
    labels: Path | None = None,
    stratify: str | None = None,
    imbalance: Imbalance | None = None,
) -> DataSet:
    return open_data(Source.of(data, "data"), labels, SPEC, stratify, 0, imbalance, 0.05, cache, untold)


def refused(data: Path, cache: Path, **more: str) -> InvalidArgument:
    with pytest.raises(InvalidArgument) as caught:
        opened(data, cache, **more)  # type: ignore[arg-type]
    return caught.value


def test_a_folder_and_an_archive_of_it_are_the_same_data(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "data")
    here = opened(folder, tmp_path / "cache")
    there = opened(archived(folder, tmp_path / "data.tar"), tmp_path / "cache")
    assert here.decoded.key == there.decoded.key
    assert (here.split == there.split).all()
    assert np.array_equal(here.decoded.pixels, there.decoded.pixels)


def test_images_are_decoded_once_and_anew_when_they_change(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "data")
    before = opened(folder, tmp_path / "cache")
    assert opened(folder, tmp_path / "cache").decoded.path == before.decoded.path
    (folder / "images" / "000.png").write_bytes((folder / "images" / "001.png").read_bytes())
    after = opened(folder, tmp_path / "cache")
    assert after.decoded.key != before.decoded.key
    assert after.decoded.digests[0] == after.decoded.digests[1]


def test_an_image_that_cannot_be_read_is_named_with_its_row(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "data")
    (folder / "images" / "003.png").write_bytes(b"no image")
    error = refused(folder, tmp_path / "cache")
    assert "1 images of" in error.message
    assert "take out their rows" in error.message
    assert [each.field for each in error.violations] == ["row 5"]
    assert error.violations[0].description.startswith("images/003.png: ")


def test_an_image_that_is_not_there_is_named_with_its_row(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "data")
    (folder / "images" / "003.png").unlink()
    error = refused(folder, tmp_path / "cache")
    assert [each.field for each in error.violations] == ["row 5"]
    assert "has no images/003.png" in error.violations[0].description


def test_a_column_to_stratify_by_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    error = refused(labelled_folder(tmp_path / "data"), tmp_path / "cache", stratify="place")
    assert "there are scene, field, river, ship" in error.message


def test_a_column_too_fine_to_stratify_by_is_refused(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "data")
    table = folder / "labels.csv"
    for number in range(40):
        table.write_text(table.read_text().replace(f"{number:03d}.png,scene", f"{number:03d}.png,{number}-"))
    error = refused(folder, tmp_path / "cache", stratify="scene")
    assert "scene: its 40 values are on so few images each that none is left for validation" in error.message


def test_a_column_to_stratify_by_beside_a_given_split_is_refused(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "data")
    lines = (folder / "labels.csv").read_text().splitlines()
    sides = ["split", *(("pool", "validation", "test")[number % 3] for number in range(40))]
    (folder / "labels.csv").write_text("\n".join(map(",".join, zip(lines, sides, strict=True))))
    assert opened(folder, tmp_path / "cache").given_split
    assert "leave one of the two out" in refused(folder, tmp_path / "cache", stratify="scene").message


def test_labels_that_the_test_split_cannot_judge_are_named_and_nothing_but_these_is_refused(
    tmp_path: Path,
) -> None:
    folder = labelled_folder(tmp_path / "data")
    lines = [line.rsplit(",", 3)[0] for line in (folder / "labels.csv").read_text().splitlines()]
    test = opened(folder, tmp_path / "cache").split == "test"
    ever = ["field,river,ship", *("1,1,0" if judges else "0,1,1" for judges in test)]
    (folder / "labels.csv").write_text("\n".join(map(",".join, zip(lines, ever, strict=True))))
    assert "alike in every label" in refused(folder, tmp_path / "cache").message
    first = int(test.argmax())
    ever[first + 1] = "0,1,0"
    (folder / "labels.csv").write_text("\n".join(map(",".join, zip(lines, ever, strict=True))))
    assert opened(folder, tmp_path / "cache").not_judged == ("river", "ship")


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "data")
    for kind in ("w", "w:gz", "w:xz"):
        with tarfile.open(tmp_path / "whole", kind) as archive:
            archive.add(folder, ".")
        data = (tmp_path / "whole").read_bytes()
        (tmp_path / "half").write_bytes(data[: len(data) // 2 + 100])
        with pytest.raises(InvalidArgument, match=r"unlabelled: .*(damaged|neither)"):
            Source.of(tmp_path / "half", "unlabelled").images()


def test_data_without_a_table_is_refused(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "data")
    (folder / "labels.csv").unlink()
    assert "holds no labels.csv" in refused(folder, tmp_path / "cache").message


@pytest.mark.parametrize("name", ["absent", "text"])
def test_data_that_is_neither_folder_nor_archive_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "text").write_text("no archive")
    with pytest.raises(InvalidArgument, match="folder"):
        Source.of(tmp_path / name, "data")


def test_thinning_touches_the_pool_alone_and_pre_training_sees_all_of_it(tmp_path: Path) -> None:
    data = opened(labelled_folder(tmp_path / "data"), tmp_path / "cache", imbalance=Imbalance(5, 0.0))
    assert data.rare_labels == ("ship",)
    assert not data.table.targets[data.rows("pool"), 2].any()
    assert data.kept[data.split != "pool"].all()
    assert len(data.unlabelled()) == (data.split == "pool").sum() > len(data.rows("pool"))


def test_images_for_pre_training_need_no_table(tmp_path: Path) -> None:
    folder = labelled_folder(tmp_path / "data")
    assert (
        len(open_unlabelled(Source.of(folder, "unlabelled"), SPEC, tmp_path / "cache", untold).pixels) == 40
    )
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidArgument, match="holds no images"):
        open_unlabelled(Source.of(tmp_path / "empty", "unlabelled"), SPEC, tmp_path / "cache", untold)
