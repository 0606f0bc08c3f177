from collections.abc import Iterator
from pathlib import Path

import pytest

from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.database import Database
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.service import Ports
from aloft.trainer.app import RunSettings, Settings, build


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    (tmp_path / "pool").mkdir()
    database = Database(f"sqlite:///{tmp_path}/trainer.db", schema="trainer")
    bus = EmbeddedBus(tmp_path / "bus.db")
    objects = DirectoryObjects(tmp_path / "objects")
    pool = DirectoryObjects(tmp_path / "pool", read_only=True)
    yield Ports(database=database, bus=bus, objects=objects, pool=pool, worker="w")
    bus.close()
    database.close()


@pytest.mark.parametrize(("workers", "loops"), [(0, 0), (3, 1)])
def test_a_process_works_on_runs_only_if_it_has_workers(ports: Ports, workers: int, loops: int) -> None:
    service = build(Settings(runs=RunSettings(workers=workers)), ports)
    of_jobs = [each for each in service.backgrounds if each.step.name.startswith("jobs")]
    assert len(of_jobs) == loops
    assert all(each.threads == workers for each in of_jobs)
    assert service.servicers, "a process without workers answers calls all the same"
