from pathlib import Path

import pytest

from aloft.simulation.keeping import FileCheckpoints, whole_folder, write_whole


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "deep" / "file", b"one")
    write_whole(tmp_path / "deep" / "file", b"two")
    assert {path.name: path.read_bytes() for path in (tmp_path / "deep").iterdir()} == {"file": b"two"}


def test_a_folder_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError), whole_folder(tmp_path / "folder") as unfinished:
        unfinished.write_bytes(b"a folder is no file")
    assert list(tmp_path.iterdir()) == []


def test_where_two_fill_a_folder_the_first_to_finish_stays(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "folder") as late:
        (late / "late").touch()
        with whole_folder(tmp_path / "folder") as early:
            (early / "early").touch()
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "early"]


def test_a_checkpoint_is_there_until_it_is_cleared(tmp_path: Path) -> None:
    checkpoints = FileCheckpoints(tmp_path / "checkpoint")
    assert checkpoints.load() is None
    checkpoints.save(b"state")
    assert checkpoints.load() == b"state"
    checkpoints.clear()
    assert checkpoints.load() is None
