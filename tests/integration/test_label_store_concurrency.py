"""Vendors on many threads against PostgreSQL while newer batches arrive: nothing is leased twice or lost."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from aloft.api.labels.v1 import campaign_pb2
from aloft.kit.errors import FailedPrecondition
from aloft.kit.rpc.call import Principal
from aloft.label_store.store import tables
from tests.integration.label_store_world import VENDOR, Task, World, check, opened

VENDORS = 8
BATCH = 40
BATCHES = 4
IMAGES = BATCH * BATCHES


class Vendor:
    """One thread's worth of labelling: lease a few, then submit, skip, give back or forget them."""

    def __init__(self, world: World, name: str, over: threading.Event) -> None:
        self.world = world
        self.principal = Principal(f"vendors/{name}", VENDOR.role, VENDOR.campaigns)
        self.chance = random.Random(name)
        self.over = over
        self.leased: list[Task] = []
        self.given_back: list[str] = []
        self.submitted: list[str] = []

    def work(self) -> None:
        """Go on until it is over and nothing is left."""
        while True:
            last = self.over.is_set()
            tasks = self.world.lease(self.chance.randint(1, 5), self.principal, 600)
            self.leased += tasks
            if tasks:
                self._end(tasks)
            elif last:
                return

    def _end(self, tasks: list[Task]) -> None:
        match self.chance.randrange(8):
            case 0:
                self.world.skip(tasks[0], self.principal)
                rest = tasks[1:]
            case 1:
                self.world.give_back(tasks[:1], self.principal)
                self.given_back.append(tasks[0].name)
                rest = tasks[1:]
            case 2:
                self.world.extend(tasks, self.principal)
                rest = tasks
            case _:
                rest = tasks
        if rest:
            self.world.submit(rest, "water", by=self.principal)
            self.submitted += [task.name for task in rest]


def _deadlocks(world: World) -> int:
    with world.database.read() as tx:
        wanted = sa.text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(tx.execute(wanted).scalar_one())


def test_many_vendors_and_newer_batches_never_get_in_each_others_way(
    postgres_database: str, tmp_path: Path
) -> None:
    with opened(tmp_path, postgres_database) as world:
        world.campaign(batch_policy=campaign_pb2.BatchPolicy(close_fraction=0.9))
        world.put(*range(IMAGES))
        world.import_all()
        world.resume()
        over = threading.Event()
        vendors = []
        for number in range(VENDORS):
            world.vendor(f"v{number}")
            vendors.append(Vendor(world, f"v{number}", over))
        world.select(1, *range(BATCH))
        with ThreadPoolExecutor(VENDORS + 1) as threads:
            working = [threads.submit(vendor.work) for vendor in vendors]
            try:
                for batch in range(2, BATCHES + 1):
                    _wait_for_labels(world, BATCH * (batch - 2) // 2 + BATCH // 4)
                    world.select(batch, *range(BATCH * (batch - 1), BATCH * batch))
            finally:
                over.set()
            for each in working:
                each.result(60)
        while world.closer.step():
            pass
        check(world)
        claims = Counter(task.name for vendor in vendors for task in vendor.leased)
        claims.subtract(name for vendor in vendors for name in vendor.given_back)
        assert max(claims.values()) == 1, "a task was leased while another held it"
        kept = [f"campaigns/c/tasks/{row.task}" for row in world.rows(tables.annotations)]
        assert sorted(kept) == sorted(name for vendor in vendors for name in vendor.submitted), (
            "lost, or twice"
        )
        reasons = {row.close_reason for row in world.rows(tables.batches)}
        assert "SUPERSEDED" in reasons, f"no newer batch came in time to supersede one: {reasons}"
        assert _deadlocks(world) == 0, "transactions locked each other out"


def _wait_for_labels(world: World, wanted: int) -> None:
    """Let vendors get some way into a batch; they always do, unless something is stuck."""
    pause = threading.Event()
    for _ in range(600):
        if len(world.rows(tables.annotations)) >= wanted:
            return
        pause.wait(0.05)
    pytest.fail(f"after 30 s fewer than {wanted} images are labelled")


def test_a_task_is_leased_once_however_many_ask_at_the_same_moment(
    postgres_database: str, tmp_path: Path
) -> None:
    with opened(tmp_path, postgres_database) as world:
        world.campaign()
        world.put(*range(10))
        world.import_all()
        world.resume()
        principals = [world.vendor(f"v{number}") for number in range(VENDORS)]
        world.select(1, *range(10))
        together = threading.Barrier(VENDORS)

        def lease(principal: Principal) -> list[Task]:
            together.wait(30)
            return world.lease(5, principal)

        with ThreadPoolExecutor(VENDORS) as threads:
            leased = [task for tasks in threads.map(lease, principals) for task in tasks]
        names = [task.name for task in leased]
        assert len(names) == len(set(names)), "a task was leased to two"


def test_an_image_is_labelled_by_as_many_as_overlap_and_by_each_once(
    postgres_database: str, tmp_path: Path
) -> None:
    overlap, images = 3, 12
    with opened(tmp_path, postgres_database) as world:
        world.campaign(overlap=overlap)
        world.put(*range(images))
        world.import_all()
        world.resume()
        vendors = [world.vendor(f"v{number}") for number in range(3)]
        who = [(vendor, annotator) for vendor in vendors for annotator in "ab"]
        # The same annotator asks from two places at once: that makes it no two.
        who += who[:2]
        world.select(1, *range(images))
        together = threading.Barrier(len(who))

        def work(principal: Principal, annotator: str) -> None:
            together.wait(30)
            # Others may be changing all that is left just then: nothing leased does not mean nothing to do.
            while world.progress().open_tasks:
                leased = world.lease(4, principal, annotator=annotator)
                seen = [task.image for task in leased]
                assert len(set(seen)) == len(seen), "one annotator was sent an image twice"
                if leased:
                    world.submit(leased, "water", by=principal)
                elif _has_seen_all(world, principal, annotator, images):
                    return

        with ThreadPoolExecutor(len(who)) as threads:
            for each in [threads.submit(work, *one) for one in who]:
                each.result(60)
        times = Counter(row.image for row in world.rows(tables.annotations))
        assert set(times.values()) == {overlap}, f"overlap is {overlap} and images have {times}"
        assert world.progress().labelled_images == images
        check(world)
        assert _deadlocks(world) == 0, "transactions locked each other out"


def _has_seen_all(world: World, principal: Principal, annotator: str, images: int) -> bool:
    vendor = principal.name.partition("/")[2]
    rows = [row for row in world.rows(tables.tasks) if (row.vendor, row.annotator) == (vendor, annotator)]
    return len({row.image for row in rows}) == images


def test_the_same_request_at_the_same_moment_has_one_effect(postgres_database: str, tmp_path: Path) -> None:
    with opened(tmp_path, postgres_database) as world:
        world.campaign()
        world.put(*range(4))
        world.import_all()
        world.vendor()
        world.resume()
        world.select(1, *range(4))
        leased = world.lease()
        together = threading.Barrier(4)

        def submit(_: int) -> int:
            together.wait(30)
            request = "1f0e2d3c-4b5a-4978-8a6b-5c4d3e2f1a0b"
            return world.submit(leased, "water", request=request).accepted_annotations

        with ThreadPoolExecutor(4) as threads:
            assert list(threads.map(submit, range(4))) == [4] * 4
        assert world.get().label_revision == 1
        with pytest.raises(FailedPrecondition):
            world.submit(leased)
        check(world)
