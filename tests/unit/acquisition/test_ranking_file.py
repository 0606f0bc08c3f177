from pathlib import Path

import numpy as np
import pytest

from aloft.acquisition import ranking_file, ranking_pages
from aloft.kit.objects.directory import DirectoryObjects
from aloft.shards import ShardDamaged
from aloft.strategies.pool import hexadecimal, ids
from aloft.strategies.strategy import Ranked

RANKED = Ranked.of(ids(["00" * 15 + "01", "ff" * 15 + "00", "0a" * 16]), np.array([0.5, 2.0, 2.0]))


def test_a_ranking_is_read_as_it_was_written_best_first_and_ties_by_id(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    key, digest = ranking_file.write(objects, "c", 3, RANKED)
    assert key == f"campaigns/c/rankings/3/{digest}.arrow"
    read = ranking_file.read(objects, key, digest, 3)
    assert hexadecimal(read.images) == ["0a" * 16, "ff" * 15 + "00", "00" * 15 + "01"]
    assert read.scores.tolist() == [2.0, 2.0, 0.5]


def test_writing_it_again_finds_what_is_there(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    assert ranking_file.write(objects, "c", 3, RANKED) == ranking_file.write(objects, "c", 3, RANKED)


def test_an_empty_ranking_is_a_ranking(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    key, digest = ranking_file.write(objects, "c", 1, Ranked(ids([]), np.empty(0)))
    assert len(ranking_file.read(objects, key, digest, 0)) == 0


def test_a_ranking_of_several_batches_is_read_whole_page_by_page_and_image_by_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (ranking_file, ranking_pages):
        monkeypatch.setattr(module, "ROWS", 4)
    objects = DirectoryObjects(tmp_path)
    names = [f"{number:032x}" for number in range(10)]
    ranked = Ranked.of(ids(names), -np.arange(10.0))
    key, digest = ranking_file.write(objects, "c", 1, ranked)
    assert hexadecimal(ranking_file.read(objects, key, digest, 10).images) == names
    assert [each.image for each in ranking_pages.page(objects, key, 2, 5)] == names[2:7]
    assert ranking_pages.page(objects, key, 8, 5) == [
        ranking_pages.Place(9, names[8], -8.0),
        ranking_pages.Place(10, names[9], -9.0),
    ]
    assert ranking_pages.page(objects, key, 10, 5) == []
    found = ranking_pages.place_of(objects, key, names[6], lambda: None)
    assert found == ranking_pages.Place(7, names[6], -6.0)
    assert ranking_pages.place_of(objects, key, "f" * 32, lambda: None) is None


def test_what_is_no_ranking_is_refused(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    objects.put("other", b"no ranking at all, however long it may be" * 10)
    with pytest.raises(ShardDamaged, match="it is no ranking"):
        ranking_file.read(objects, "other", "00", 3)
    with pytest.raises(ShardDamaged, match="it is no ranking"):
        ranking_pages.page(objects, "other", 0, 3)


def test_a_ranking_that_is_not_what_its_digest_says_is_refused(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    key, _ = ranking_file.write(objects, "c", 3, RANKED)
    with pytest.raises(ShardDamaged, match="it should be 00"):
        ranking_file.read(objects, key, "00", 3)


def test_the_clusters_of_a_ranking_are_kept_beside_it_and_its_pages_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (ranking_file, ranking_pages):
        monkeypatch.setattr(module, "ROWS", 2)
    objects = DirectoryObjects(tmp_path)
    ranked = Ranked.of(RANKED.images, RANKED.scores, clusters=np.array([7, 0, 9], dtype=np.int32))
    key, digest = ranking_file.write(objects, "c", 3, ranked)
    read = ranking_file.read(objects, key, digest, 3)
    assert read.clusters is not None
    assert read.clusters.tolist() == [7, 0, 9]
    assert read.without(ids(["0a" * 16])).clusters.tolist() == [0, 9]  # type: ignore[union-attr]
    assert [each.image for each in ranking_pages.page(objects, key, 1, 2)] == hexadecimal(ranked.images)[1:]
    assert ranking_file.read(objects, *ranking_file.write(objects, "c", 3, RANKED), 3).clusters is None
