"""What a folder has to take care of that a bucket has not."""

import logging
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.errors import BadKey, ObjectMissing


def keys(objects: DirectoryObjects) -> list[str]:
    return [info.key for info in objects.list()]


def test_nothing_outside_is_reached_through_a_symbolic_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    objects = DirectoryObjects(tmp_path / "bucket")
    (tmp_path / "bucket" / "folder").symlink_to(outside)
    (tmp_path / "bucket" / "file").symlink_to(outside / "secret")
    assert keys(objects) == []
    for key in ("folder/secret", "file"):
        with pytest.raises(ObjectMissing):
            objects.get(key)
        objects.delete([key])
    for key in ("folder/new", "folder/deeper/new"):
        with pytest.raises(BadKey, match="symbolic link"):
            objects.put(key, b"1")
    assert [path.name for path in outside.iterdir()] == ["secret"]
    objects.put("file", b"mine")
    assert (outside / "secret").read_bytes() == b"secret"
    assert objects.get("file") == b"mine"


def test_an_edit_in_place_changes_the_etag(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    before = objects.put("image", b"one")
    (tmp_path / "image").write_bytes(b"other")
    assert objects.stat("image").etag != before.etag


def test_a_killed_writer_leaves_nothing_to_be_seen_and_the_next_start_clears_it_away(tmp_path: Path) -> None:
    program = textwrap.dedent(
        f"""
        import os, signal
        from aloft.kit.objects.directory import DirectoryObjects

        def source():
            yield b"x" * (1 << 20)
            os.kill(os.getpid(), signal.SIGKILL)

        DirectoryObjects({str(tmp_path)!r}).put("shard", source())
        """
    )
    killed = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, timeout=60)
    assert killed.returncode == -9, killed.stderr.decode()
    assert len(list((tmp_path / ".incoming").iterdir())) == 1, "the writer was not killed in the middle"
    assert keys(DirectoryObjects(tmp_path, read_only=True)) == []
    assert keys(DirectoryObjects(tmp_path)) == []
    assert list((tmp_path / ".incoming").iterdir()) == []


def test_a_start_clears_nothing_away_while_somebody_writes(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)

    def source() -> Iterator[bytes]:
        yield b"half "
        DirectoryObjects(tmp_path)
        yield b"whole"

    objects.put("shard", source())
    assert objects.get("shard") == b"half whole"


def test_unfinished_objects_have_no_keys(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    with pytest.raises(BadKey, match="unfinished"):
        objects.put(".incoming/x", b"1")
    objects.put(".incoming-too/x", b"1")
    assert keys(objects) == [".incoming-too/x"]


def test_a_key_cannot_go_on_behind_another(tmp_path: Path) -> None:
    objects = DirectoryObjects(tmp_path)
    objects.put("a/b", b"1")
    for key in ("a", "a/b/c", "a/b/c/d"):
        with pytest.raises(BadKey, match="both an object and keys that go on"):
            objects.put(key, b"2")
    assert keys(objects) == ["a/b"]


def test_a_file_whose_name_is_no_key_is_left_out_and_said_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "good.tif").write_bytes(b"1")
    (tmp_path / "bad\n.tif").write_bytes(b"1")
    with caplog.at_level(logging.WARNING):
        assert keys(DirectoryObjects(tmp_path, read_only=True)) == ["good.tif"]
    assert "control character" in caplog.text


def test_a_read_only_folder_is_left_as_it_is_and_must_be_there(tmp_path: Path) -> None:
    DirectoryObjects(tmp_path, read_only=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="missing is no folder"):
        DirectoryObjects(tmp_path / "missing", read_only=True)


def test_without_a_signer_signing_says_what_is_lacking(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="given a UrlSigner"):
        DirectoryObjects(tmp_path).signed_url("key", 60)
