"""Any order of selecting, leasing, submitting, skipping, pausing and superseding keeps every promise."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2
from aloft.kit.clock import SECOND, ManualClock
from aloft.kit.errors import FailedPrecondition
from aloft.kit.rpc.call import Principal
from aloft.label_store.store import tables
from tests.integration.label_store_world import (
    PARENT,
    VENDOR,
    Task,
    World,
    check,
    opened,
    reopened,
    request_id,
)

IMAGES = 8
BUDGET = 6
OTHER = Principal("vendors/other", VENDOR.role, VENDOR.campaigns)
NUMBERS = st.lists(st.integers(0, IMAGES), min_size=1, max_size=5, unique=True)
VENDORS = st.sampled_from([VENDOR, OTHER])


@cache
def template(overlap: int, evaluation_images: int) -> Path:
    """Make one campaign with images and two vendors, to copy for each example."""
    folder = Path(tempfile.mkdtemp(prefix="aloft-label-store-"))
    with opened(folder) as world:
        policy = campaign_pb2.BatchPolicy(close_fraction=0.75, close_after=Duration(seconds=600))
        held_out = campaign_pb2.HeldOut(evaluation_images=evaluation_images) if evaluation_images else None
        budget = campaign_pb2.Budget(images=BUDGET, annotations=BUDGET * overlap)
        world.campaign(batch_policy=policy, budget=budget, overlap=overlap, held_out=held_out)
        world.put(*range(IMAGES))
        world.import_all()
        world.vendor()
        world.vendor("other")
        world.resume()
    return folder


class LabelStore(RuleBasedStateMachine):
    """What clients and other services do, in any order, and what they were promised for it."""

    @initialize(overlap=st.integers(1, 3), evaluation_images=st.sampled_from([0, 2]))
    def begin(self, overlap: int, evaluation_images: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="aloft-label-store-"))
        made = template(overlap, evaluation_images)
        shutil.copytree(made, self.folder, dirs_exist_ok=True)
        self.pool = made / "pool"
        self.clock = ManualClock()
        self.world: World = reopened(self.folder, self.clock, self.pool)
        self.batch = 0
        self.leases: dict[str, tuple[Principal, Task, int]] = {}
        self.stale: list[tuple[Principal, Task]] = []
        self.acknowledged: set[str] = set()
        self.handed_in: set[tuple[str, str]] = set()

    def _live(self, by: Principal) -> list[Task]:
        now = self.clock.now()
        return [task for vendor, task, until in self.leases.values() if vendor == by and until > now]

    @rule(numbers=NUMBERS, again=st.booleans())
    def select(self, numbers: list[int], again: bool) -> None:
        self.batch += 1
        self.world.select(self.batch, *numbers)
        if again:
            self.world.select(self.batch, *numbers)

    @rule(
        by=VENDORS,
        most=st.integers(1, 4),
        seconds=st.sampled_from([30, 120]),
        annotator=st.sampled_from("ab"),
        again=st.booleans(),
    )
    def lease(self, by: Principal, most: int, seconds: int, annotator: str, again: bool) -> None:
        request = request_id()
        taken = self.world.lease(most, by, seconds, request, annotator)
        assert len({task.image for task in taken}) == len(taken), "an annotator was sent an image twice"
        now = self.clock.now()
        for task in taken:
            held = self.leases.get(task.name)
            assert held is None or held[2] <= now, f"{task.name} was leased while {held} held it"
            if held is not None:
                self.stale.append((held[0], held[1]))
            self.leases[task.name] = (by, task, now + seconds * SECOND)
        if again:
            repeated = self.world.lease(most, by, seconds, request, annotator)
            assert [(one.name, one.lease) for one in repeated] == [(one.name, one.lease) for one in taken]

    @rule(
        by=VENDORS,
        most=st.integers(1, 4),
        said=st.sampled_from([("water",), ("water", "road"), ()]),
        again=st.booleans(),
    )
    def submit(self, by: Principal, most: int, said: tuple[str, ...], again: bool) -> None:
        live = self._live(by)[:most]
        if live:
            request = request_id()
            first = self.world.submit(live, *said, by=by, request=request)
            assert not again or self.world.submit(live, *said, by=by, request=request) == first
            for task in live:
                self.acknowledged.add(task.name)
                self.handed_in.add((task.name, task.lease))
                self._ended(by, task)

    def _ended(self, by: Principal, task: Task) -> None:
        del self.leases[task.name]
        self.stale.append((by, task))

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def submit_under_an_ended_lease(self, data: st.DataObject) -> None:
        by, task = data.draw(st.sampled_from(self.stale))
        revision = self.world.get().label_revision
        others = [live for live in self._live(by) if live.name != task.name]
        with pytest.raises(FailedPrecondition) as refused:
            self.world.submit([*others, task], by=by)
        stored = (task.name, task.lease) in self.handed_in
        assert refused.value.reason == ("ALREADY_SUBMITTED" if stored else "LEASE_EXPIRED")
        assert self.world.get().label_revision == revision, "a refused submit changed something"

    @rule(by=VENDORS)
    def submit_under_a_foreign_lease(self, by: Principal) -> None:
        foreign = self._live(OTHER if by == VENDOR else VENDOR)
        if foreign:
            with pytest.raises(FailedPrecondition):
                self.world.submit(foreign, by=by)

    @rule(by=VENDORS)
    def skip(self, by: Principal) -> None:
        for task in self._live(by)[:1]:
            self.world.skip(task, by)
            self._ended(by, task)

    @rule(by=VENDORS)
    def give_back(self, by: Principal) -> None:
        live = self._live(by)[:2]
        if live:
            self.world.give_back(live, by)
            for task in live:
                self._ended(by, task)

    @rule(by=VENDORS)
    def extend(self, by: Principal) -> None:
        live = self._live(by)
        if live:
            self.world.extend(live, by)
            for task in live:
                self.leases[task.name] = (by, task, self.clock.now() + 60 * SECOND)

    @rule(seconds=st.sampled_from([5, 31, 121, 601]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)
        now = self.clock.now()
        for name, (by, task, until) in list(self.leases.items()):
            if until <= now:
                del self.leases[name]
                self.stale.append((by, task))

    @rule()
    def books_are_closed(self) -> None:
        while self.world.closer.step():
            pass

    @rule(number=st.integers(0, IMAGES - 1))
    def quarantine(self, number: int) -> None:
        self.world.quarantine(number)

    @rule(running=st.booleans())
    def turn(self, running: bool) -> None:
        if self.world.get().state != campaign_pb2.Campaign.STATE_STOPPED:
            if running:
                self.world.resume()
            else:
                self.world.pause()

    @rule(really=st.integers(0, 9))
    def stop(self, really: int) -> None:
        if really == 0:
            self.world.stop()
            waiting = [row for row in self.world.rows(tables.tasks) if row.state == "open"]
            now = self.clock.now()
            held = {row.image for row in waiting if row.lease_until_us > now}
            assert all(row.final for row in waiting), "it still sends images out"
            assert held == {row.image for row in waiting}, "it waits for images that nobody holds"

    @rule()
    def restart(self) -> None:
        self.world.close()
        self.world.database.close()
        self.world = reopened(self.folder, self.clock, self.pool)

    @invariant()
    def every_promise_is_kept(self) -> None:
        if not hasattr(self, "world"):
            return
        check(self.world)
        kept = {f"{PARENT}/tasks/{row.task}" for row in self.world.rows(tables.annotations)}
        assert self.acknowledged <= kept, "an acknowledged annotation is lost"
        campaign = self.world.rows(tables.campaigns)[0]
        out = [row for row in self.world.rows(tables.tasks) if row.state == "open" and row.batch > 0]
        wanted = campaign.labelled_images + len({row.image for row in out})
        assert wanted <= BUDGET, "more is out or labelled than the budget allows"

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self._everything_ends()
            self.world.close()
            self.world.database.close()
            shutil.rmtree(self.folder)

    def _everything_ends(self) -> None:
        """When nobody comes back, time alone brings every image out of its batch that nobody labelled."""
        self.clock.advance(100_000)
        while self.world.closer.step():
            pass
        check(self.world)
        begun = {row.image for row in self.world.rows(tables.annotations)}
        still = {row.id for row in self.world.rows(tables.images) if row.batch is not None}
        assert still <= begun | self._awaited_to_judge_by(), "an image is out for ever"
        stopped = self.world.get().state == campaign_pb2.Campaign.STATE_STOPPED
        assert not (stopped and still), "an image is out of a campaign that was stopped"
        said = [event.campaign.version for event in self.world.announced(events.CampaignChanged)]
        assert said == list(range(1, len(said) + 1)), f"campaign versions out of order: {said}"

    def _awaited_to_judge_by(self) -> set[str]:
        """Name the images of an evaluation batch of which none is labelled: time alone does not close it."""
        open_ones = [row for row in self.world.rows(tables.batches) if not row.close_reason]
        if not any(row.number == 0 and row.labelled_images == 0 for row in open_ones):
            return set()
        return {row.id for row in self.world.rows(tables.images) if row.batch == 0}


LabelStore.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, suppress_health_check=[HealthCheck.too_slow]
)
TestLabelStore = LabelStore.TestCase
