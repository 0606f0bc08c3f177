"""Decoded images on this machine: whose rows they are, and which images they leave out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aloft.imagery import preprocess
from aloft.kit.ids import image_id
from aloft.kit.objects.errors import StoreRefused
from aloft.trainer.domain.snapshot import Item
from aloft.trainer.store import campaigns, runs
from aloft.trainer.use_cases import decoding
from aloft.trainer.use_cases.decoding import decode
from aloft.trainer.use_cases.means import Attempt, Beat
from tests.integration.embedding_world import Watched
from tests.integration.trainer_world import CAMPAIGN, World, world_on

IMAGES = 6


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with world_on(tmp_path) as made:
        made.campaign(1)
        made.register(range(IMAGES))
        yield made


class Silent(Beat):
    """Tells nobody."""

    def __call__(self, done: int, total: int, stage: str) -> None:
        """Pass over it."""


def attempt(world: World, pool: Any = None) -> Attempt:
    """Begin on the run that is queued."""
    lease = world.jobs.claim([world_job(world)], "w", 30)
    assert lease is not None
    with world.database.read() as tx:
        campaign, run = campaigns.find(tx, CAMPAIGN), runs.find(tx, CAMPAIGN, 1)
    assert campaign is not None
    assert run is not None
    return Attempt(world.means(pool=pool), lease, campaign, run, Silent(lease, 0))


def world_job(world: World) -> str:
    with world.database.read() as tx:
        (job,) = world.jobs.list(tx)
    return job.kind


def items(world: World) -> list[Item]:
    keys = [f"{number}.png" for number in range(IMAGES)]
    return [Item(image_id(key), 1, key, world.pool.stat(key).etag) for key in keys]


class Killed(BaseException):
    """The process ended here."""


def test_rows_are_those_of_their_images_though_a_zombie_decoded_beside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, wanted, whole = attempt(world), items(world), decoding._whole

    @contextmanager
    def killed(_: Path) -> Iterator[Any]:
        raise Killed
        yield

    @contextmanager
    def frozen(path: Path) -> Iterator[Any]:
        with whole(path) as file:
            yield file
            # All six are read. Before that shows, one is replaced and a successor decodes the other five.
            monkeypatch.setattr(decoding, "_whole", whole)
            (world.bucket / "0.png").write_bytes(b"another image now")
            assert len(decode(here, "pool", wanted, np.float32).items) == IMAGES - 1
            monkeypatch.setattr(decoding, "_whole", killed)

    monkeypatch.setattr(decoding, "_whole", frozen)
    with pytest.raises(Killed):
        decode(here, "pool", wanted, np.float32)
    monkeypatch.setattr(decoding, "_whole", whole)
    found = decode(here, "pool", wanted, np.float32)
    assert len(found.items) == IMAGES - 1
    for row, item in zip(found.images, found.items, strict=True):
        own = preprocess((world.bucket / item.key).read_bytes(), here.campaign.spec)
        np.testing.assert_array_equal(row, own, err_msg=item.key)


def test_the_next_attempt_reads_what_was_decoded_and_no_image(world: World) -> None:
    pool = Watched(world.pool)
    here, wanted = attempt(world, pool), items(world)
    first = decode(here, "pool", wanted, np.float32)
    second = decode(here, "pool", wanted, np.float32)
    assert len(pool.opened) == IMAGES
    np.testing.assert_array_equal(first.images, second.images)
    assert first.items == second.items == wanted


def test_an_index_of_before_that_names_no_file_is_decoded_anew(world: World) -> None:
    here, wanted = attempt(world), items(world)
    folder = here.means.folder(here.run)
    folder.mkdir(parents=True)
    (folder / "pool.images").write_bytes(b"")
    (folder / "pool.json").write_text('{"kept": [], "left_out": {}}')
    assert decode(here, "pool", wanted, np.float32).items == wanted


def test_an_image_that_the_store_refuses_is_left_out(world: World) -> None:
    class Refusing(Watched):
        """A bucket with an object in an archive."""

        @contextmanager
        def stream(self, key: str) -> Iterator[Iterator[bytes]]:
            if key == "0.png":
                raise StoreRefused("get '0.png': InvalidObjectState")
            with super().stream(key) as pieces:
                yield pieces

    here, wanted = attempt(world, Refusing(world.pool)), items(world)
    found = decode(here, "pool", wanted, np.float32)
    assert found.left_out == {"REFUSED": 1}
    assert found.items == wanted[1:]
