"""Images that the store refuses: one is quarantined, a whole bucket that refuses is not the images' fault."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aloft.kit.objects.errors import StoreRefused
from tests.integration.embedding_world import Watched, World, ids, opened

REFUSALS = [
    StoreRefused("get '5.png' in bucket 'pool': InvalidObjectState"),
    PermissionError(errno.EACCES, "Permission denied"),
    OSError(errno.EIO, "Input/output error"),
]


class Refusing(Watched):
    """A bucket that refuses some of its objects."""

    def __init__(self, objects: Any, error: Exception, refused: Callable[[str], bool]) -> None:
        super().__init__(objects)
        self.error = error
        self.refused = refused

    @contextmanager
    def stream(self, key: str) -> Iterator[Iterator[bytes]]:
        if self.refused(key):
            raise self.error
        with super().stream(key) as pieces:
            yield pieces


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        made.campaign()
        made.publish()
        yield made


def outlast(world: World, pool: Refusing) -> None:
    """Let a worker try for long."""
    worker = world.worker(pool=pool)
    for _ in range(5):
        world.work(worker)
        world.database.advance(301)


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
def test_images_that_the_store_refuses_stop_no_other(world: World, error: Exception) -> None:
    world.add(*range(12))
    # Most of them, so that the first that is read is refused, in whatever order.
    good = {f"{number}.png" for number in (2, 7)}
    outlast(world, Refusing(world.images, error, lambda key: key not in good))
    assert world.quarantined() == dict.fromkeys(ids(set(range(12)) - {2, 7}), "REFUSED")
    assert set(world.features()) == ids([2, 7])
    assert world.pool().waiting_for == ""


def test_a_refused_image_that_comes_alone_does_not_stop_the_pool(world: World) -> None:
    world.add(*range(8))
    world.work()
    world.add(8)
    outlast(world, Refusing(world.images, REFUSALS[0], lambda key: key == "8.png"))
    assert world.quarantined() == dict.fromkeys(ids([8]), "REFUSED")
    assert world.pool().waiting_for == ""


def test_a_bucket_that_refuses_everything_quarantines_nothing(world: World) -> None:
    world.add(*range(6))
    pool = Refusing(world.images, REFUSALS[0], lambda _: True)
    outlast(world, pool)
    assert world.quarantined() == {}
    assert "InvalidObjectState" in world.pool().waiting_for
    pool.refused = lambda _: False
    world.work(world.worker(pool=pool))
    assert set(world.features()) == ids(range(6))


def test_a_bucket_that_comes_to_refuse_everything_quarantines_nothing(world: World) -> None:
    world.add(*range(12))
    pool = Refusing(world.images, REFUSALS[0], lambda _: len(pool.opened) >= 6)
    outlast(world, pool)
    assert world.quarantined() == {}, "that others could be read before says nothing of now"
