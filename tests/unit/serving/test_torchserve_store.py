"""Which files in TorchServe's model store are whose."""

from pathlib import Path
from typing import Any

from aloft.serving.archive import archive_name
from aloft.serving.torchserve.adapter import Loading, TorchServe
from aloft.serving.torchserve.api import Api, Reply


class Agreeing(Api):
    """A TorchServe to which everything is well."""

    def __init__(self) -> None:
        pass

    def call(self, *_: Any, **__: Any) -> Reply:
        return Reply(200, {})


def test_unregistering_a_version_leaves_the_archives_of_campaigns_whose_names_begin_alike(
    tmp_path: Path,
) -> None:
    owners = [("a", 1), ("a", 10), ("a", 2), ("a-1", 1), ("a-1", 7), ("a-1-1", 1), ("b-a", 1)]
    files = {owner: tmp_path / f"{archive_name(*owner, f'{n:064x}')}.mar" for n, owner in enumerate(owners)}
    again = tmp_path / f"{archive_name('a', 1, 'f' * 64)}.mar"
    for file in (*files.values(), again):
        file.write_bytes(b"archive")
    TorchServe(Agreeing(), tmp_path, Loading()).unregister("a", 1)
    assert {owner for owner in owners if files[owner].exists()} == set(owners) - {("a", 1)}
    assert not again.exists(), "another archive of the version is left"


def test_unregistering_from_a_store_that_is_not_there_yet_does_nothing(tmp_path: Path) -> None:
    TorchServe(Agreeing(), tmp_path / "store", Loading()).unregister("a", 1)
