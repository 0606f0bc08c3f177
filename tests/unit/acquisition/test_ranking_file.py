from pathlib import Path

import numpy as np
import pytest

from aloft.acquisition import ranking_file
from aloft.kit.objects.directory import DirectoryObjects
from aloft.shards import ShardDamaged
from aloft.strategies.pool import hexadecimal, ids
from aloft.strategies.strategy import Ranked

RANKED = Ranked.of(ids(["00" * 15 + "01", "ff" * 15 + "00", "0a" * 16]), np.array([0.5, 2.0, 2.0]))


def test_a_ranking_is_read_as_it_was_written_best_first_and_ties_by_id(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    key, digest = ranking_file.write(objects, "c", 3, RANKED)
    assert key == f"campaigns/c/rankings/3/{digest}.arrow"
    read = ranking_file.read(objects, key, digest)
    assert hexadecimal(read.images) == ["0a" * 16, "ff" * 15 + "00", "00" * 15 + "01"]
    assert read.scores.tolist() == [2.0, 2.0, 0.5]


def test_writing_it_again_finds_what_is_there(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    assert ranking_file.write(objects, "c", 3, RANKED) == ranking_file.write(objects, "c", 3, RANKED)


def test_an_empty_ranking_is_a_ranking(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    key, digest = ranking_file.write(objects, "c", 1, Ranked(ids([]), np.empty(0)))
    assert len(ranking_file.read(objects, key, digest)) == 0


def test_a_ranking_that_is_not_what_its_digest_says_is_refused(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    key, _ = ranking_file.write(objects, "c", 3, RANKED)
    with pytest.raises(ShardDamaged, match="it should be 00"):
        ranking_file.read(objects, key, "00")
