"""While a job embeds a pool it may die, be cancelled or outlived, and more may come to be embedded."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from aloft.embedding.use_cases.embed_pool import YIELD_S
from tests.integration.embedding_world import (
    Dying,
    Killed,
    Watched,
    World,
    ids,
    opened,
)


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, admin_url) as made:
        yield made


def test_a_job_that_was_killed_goes_on_behind_its_finished_shards(world: World) -> None:
    world.campaign()
    world.add(*range(10))
    world.publish()
    killed = Dying(world.objects, puts=1)
    with pytest.raises(Killed):
        world.work(world.worker(objects=killed))
    world.database.advance(60)
    pool = Watched(world.images)
    world.work(world.worker(pool=pool))
    assert len(pool.opened) == 6, "four images were in a finished shard"
    assert set(world.features()) == ids(range(10))
    keys = [shard.key for shard in world.manifest().shards]
    assert len(set(keys)) == 3
    assert keys[0].endswith("-1.arrow"), "the first attempt's shard is kept"
    assert keys[1].endswith("-2.arrow"), "a later attempt has names of its own"


def test_a_cancelled_job_ends_and_the_next_goes_on(world: World) -> None:
    world.campaign()
    world.add(*range(6))
    world.publish()
    lease = world.jobs.claim(["embed"], "w", 30)
    assert lease is not None
    with world.database.transaction() as tx:
        world.jobs.cancel(tx, lease.job.id)
    world.database.advance(60)
    world.work()
    assert world.pools() == []
    world.add(6)
    world.work()
    assert set(world.features()) == ids(range(7))


def test_a_worker_that_lost_its_lease_announces_nothing(world: World) -> None:
    world.campaign()
    world.add(*range(6))
    world.publish()
    taking = Taking(world)
    world.work(world.worker(pool=taking))
    (event,) = world.pools()
    assert (event.generation, event.images) == (1, 6)
    assert all(shard.key.endswith("-2.arrow") for shard in world.manifest().shards)


class Taking:
    """A bucket that is so slow once that another worker takes the job, and does it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.taken = False

    def stream(self, key: str) -> Any:
        if not self.taken:
            self.taken = True
            self.world.database.advance(60)
            self.world.work()
        return self.world.images.stream(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.images, name)


def test_two_jobs_of_a_campaign_do_not_work_side_by_side(world: World) -> None:
    world.campaign()
    world.add(*range(10))
    world.publish()
    world.work()
    world.add(10)
    first = world.jobs.claim(["embed"], "another", 30)
    assert first is not None
    world.add(11)
    assert world.work() == 1
    assert len(world.pools()) == 1, "the job must wait for the one at work"
    with first.finish():
        pass
    world.database.advance(YIELD_S)
    world.work()
    assert set(world.features()) == ids(range(12))


def test_images_that_arrive_meanwhile_are_embedded_next(world: World) -> None:
    world.campaign()
    world.add(*range(4))
    world.publish()
    arriving = Arriving(world)
    assert world.work(world.worker(pool=arriving)) == 2
    assert [event.generation for event in world.pools()] == [1, 2]
    assert set(world.features()) == ids(range(5))


class Arriving:
    """A bucket in which an image arrives while another is read."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.arrived = False

    def stream(self, key: str) -> Any:
        if not self.arrived:
            self.arrived = True
            self.world.add(4)
        return self.world.images.stream(key)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.images, name)


class Promoting(Watched):
    """A bucket whose fifth image is read when a version is promoted."""

    def __init__(self, world: World, seed: int) -> None:
        super().__init__(world.images)
        self.promote: Callable[[], object] | None = lambda: world.publish(version=2, seed=seed)

    @contextmanager
    def stream(self, key: str) -> Iterator[Iterator[bytes]]:
        if len(self.opened) == 4 and self.promote:
            promote, self.promote = self.promote, None
            promote()
        with super().stream(key) as pieces:
            yield pieces


def test_a_version_promoted_meanwhile_does_not_wait_for_the_pool_under_the_one_before(world: World) -> None:
    world.campaign()
    world.add(*range(40))
    world.publish()
    pool = Promoting(world, seed=2)
    world.work(world.worker(pool=pool))
    assert [event.version for event in world.pools()] == [2]
    assert set(world.features()) == ids(range(40))
    assert len(pool.opened) < 40 + 24, "most of the pool was embedded under the older version"
    with world.database.read() as tx:
        (given_way,) = (job for job in world.jobs.list(tx) if "turn" in (job.result or {}))
    assert given_way.result == {"version": 1, "turn": "a newer version's"}


def test_a_version_promoted_meanwhile_on_the_same_backbone_goes_on_with_the_same_pass(world: World) -> None:
    world.campaign()
    world.add(*range(20))
    world.publish()
    pool = Promoting(world, seed=1)
    world.work(world.worker(pool=pool))
    assert [event.version for event in world.pools()] == [1, 2]
    assert len(pool.opened) == 20
