"""How batches become tasks and close, on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import (
    batch_service_pb2,
    campaign_pb2,
    labelling_service_pb2,
)
from aloft.kit.bus.context import NotYet
from aloft.kit.errors import (
    FailedPrecondition,
)
from aloft.label_store.store import tables
from tests.integration.label_store_world import (
    PARENT,
    World,
    check,
    image,
    opened,
    ready,
)


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, admin_url) as made:
        yield made


def test_a_selection_becomes_tasks_once_and_returns_what_it_cannot_take(world: World) -> None:
    ready(world, 6)
    world.quarantine(5)
    world.select(1, 0, 1, 5, 99)
    world.select(1, 2, 3)
    (released,) = world.announced(events.ImageReleased)
    assert (released.batch, released.reason) == (1, "NOT_ACCEPTED")
    assert set(released.images) == {image(5), image(99)}
    assert {row.image for row in world.rows(tables.tasks)} == {image(0), image(1)}
    check(world)


def test_a_selection_of_an_unknown_campaign_waits_for_it(world: World) -> None:
    with pytest.raises(NotYet):
        world.select(1, 0)


def test_a_selection_of_which_nothing_is_taken_closes_at_once(world: World) -> None:
    ready(world)
    world.select(1, 90, 91)
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.batch, closed.reason, list(closed.accepted)) == (1, "EMPTY", [])
    check(world)


def test_labelling_a_whole_batch_commits_revisions_and_closes_it(world: World) -> None:
    ready(world)
    world.select(1, 0, 1, 2)
    leased = world.lease(2)
    assert [task.taxonomy_version for task in leased] == [1, 1]
    assert world.submit(leased, "road", "water").accepted_annotations == 2
    world.submit(world.lease(), "forest")
    first, second = world.announced(events.LabelsCommitted)
    assert [verdict.label for verdict in first.label_sets[0].verdicts] == ["water", "road"], "taxonomy order"
    assert (first.label_revision, second.label_revision) == (1, 2)
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, closed.label_revision, len(closed.labelled)) == ("COMPLETE", 2, 3)
    got = world.call("Batch.GetBatch", batch_service_pb2.GetBatchRequest(name=f"{PARENT}/batches/1"))
    assert (got.labelled_images, got.close_reason) == (3, "COMPLETE")
    check(world)


def test_a_newer_batch_supersedes_what_nobody_touched_and_honours_the_rest(world: World) -> None:
    ready(world)
    world.select(1, 0, 1, 2)
    (held,) = world.lease(1)
    world.select(2, 3, 4)
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, len(closed.superseded), len(closed.outstanding)) == ("SUPERSEDED", 2, 1)
    (released,) = world.announced(events.ImageReleased)
    assert (released.reason, sorted(released.images)) == ("SUPERSEDED", list(closed.superseded))
    check(world)
    world.submit([held], "water")
    assert world.get().label_revision == 1, "who held it when it was superseded is heard"
    check(world)


def test_a_lease_that_outlives_its_batch_is_the_last_one(world: World) -> None:
    ready(world)
    world.select(1, 0, 1)
    world.lease(1)
    world.select(2, 3)
    world.database.advance(61)
    (task,) = world.lease()
    assert task.image == f"{PARENT}/images/{image(3)}", "the image of the old batch is not sent out again"
    assert world.closer.step()
    released = world.announced(events.ImageReleased)[-1]
    assert (released.batch, released.reason, len(released.images)) == (1, "LEASE_EXPIRED", 1)
    assert not world.closer.step()
    check(world)


def test_an_image_given_back_from_a_closed_batch_is_released(world: World) -> None:
    ready(world)
    world.select(1, 0, 1)
    leased = world.lease(1)
    world.select(2, 3)
    world.give_back(leased)
    assert world.announced(events.ImageReleased)[-1].reason == "SUPERSEDED"
    check(world)


def test_a_skipped_image_is_not_sent_out_again(world: World) -> None:
    ready(world)
    world.select(1, 0)
    (task,) = world.lease()
    assert world.skip(task).state == labelling_service_pb2.Task.STATE_SKIPPED
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, list(closed.skipped)) == ("COMPLETE", [image(0)])
    world.select(2, 0, 1)
    assert list(world.announced(events.ImageReleased)[-1].images) == [image(0)]
    check(world)


def test_a_batch_closes_at_its_fraction_and_returns_the_rest(world: World) -> None:
    ready(world, batch_policy=campaign_pb2.BatchPolicy(close_fraction=0.5))
    world.select(1, 0, 1, 2, 3)
    first, second, held = world.lease(3)
    world.submit([first])
    assert world.announced(events.BatchClosed) == []
    world.submit([second])
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, len(closed.labelled), len(closed.outstanding)) == ("CLOSE_FRACTION", 2, 1)
    (released,) = world.announced(events.ImageReleased)
    assert (released.reason, len(released.images)) == ("BATCH_CLOSED", 1)
    world.submit([held])
    check(world)


def test_a_batch_closes_when_its_time_has_passed(world: World) -> None:
    ready(world, batch_policy=campaign_pb2.BatchPolicy(close_after=Duration(seconds=300)))
    world.select(1, 0, 1)
    assert not world.closer.step()
    world.database.advance(301)
    assert world.closer.step()
    (closed,) = world.announced(events.BatchClosed)
    assert closed.reason == "CLOSE_AFTER"
    check(world)


def test_a_quarantined_image_leaves_its_batch_unless_somebody_holds_it(world: World) -> None:
    ready(world)
    world.select(1, 0, 1)
    held = world.lease(1)
    for number in (0, 1):
        world.quarantine(number)
        world.quarantine(number)
    assert world.announced(events.BatchClosed) == [], "the leased one is still awaited"
    world.database.advance(61)
    assert world.lease() == []
    assert world.closer.step()
    (closed,) = world.announced(events.BatchClosed)
    assert sorted(closed.skipped) == sorted([image(0), image(1)])
    assert held
    check(world)


def test_a_quarantine_of_an_older_image_is_ignored(world: World) -> None:
    ready(world)
    world.put(0, text="mended")
    world.import_all()
    world.quarantine(0, version=1)
    world.select(1, 0)
    assert len(world.lease()) == 1


def test_the_budget_trims_a_batch_and_stops_the_campaign(world: World) -> None:
    ready(world, budget=campaign_pb2.Budget(images=3))
    world.select(1, 0, 1)
    world.submit(world.lease())
    world.select(2, 2, 3, 4)
    (released,) = world.announced(events.ImageReleased)
    assert (released.reason, list(released.images)) == ("NOT_ACCEPTED", [image(3), image(4)])
    world.submit(world.lease())
    stopped = world.get()
    assert (stopped.state, stopped.state_reason) == (campaign_pb2.Campaign.STATE_STOPPED, "BUDGET_IMAGES")
    assert world.announced(events.CampaignChanged)[-1].campaign == stopped
    world.select(3, 5)
    assert world.announced(events.BatchClosed)[-1].reason == "CAMPAIGN_STOPPED"
    with pytest.raises(FailedPrecondition):
        world.resume()
    check(world)


def test_an_older_batch_that_arrives_late_is_not_opened(world: World) -> None:
    ready(world)
    world.select(2, 0)
    world.select(1, 1)
    closed = world.announced(events.BatchClosed)[-1]
    assert (closed.batch, closed.reason) == (1, "SUPERSEDED")
    assert len(world.lease()) == 1
    check(world)


def test_a_batch_that_is_open_closes_by_the_time_that_a_changed_policy_gives_it(world: World) -> None:
    ready(world, batch_policy=campaign_pb2.BatchPolicy(close_after=Duration(seconds=3000)))
    world.select(1, 0, 1)
    world.database.advance(200)
    world.change(batch_policy=campaign_pb2.BatchPolicy(close_after=Duration(seconds=300)))
    assert not world.closer.step()
    world.database.advance(101)
    assert world.closer.step(), "the time does not count from when the batch was opened"
    assert world.batch(1).close_reason == "CLOSE_AFTER"
    check(world)


def test_a_batch_that_a_changed_policy_gives_no_time_stays_open(world: World) -> None:
    ready(world, batch_policy=campaign_pb2.BatchPolicy(close_after=Duration(seconds=300)))
    world.select(1, 0, 1)
    world.change(batch_policy=campaign_pb2.BatchPolicy(size=2))
    world.database.advance(301)
    assert not world.closer.step()
    assert world.batch(1).close_reason == ""


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (campaign_pb2.BatchPolicy(close_after=Duration(seconds=60)), "CLOSE_AFTER"),
        (campaign_pb2.BatchPolicy(close_fraction=0.5), "CLOSE_FRACTION"),
    ],
)
def test_a_changed_policy_closes_at_once_what_is_due_by_it(
    world: World, policy: campaign_pb2.BatchPolicy, reason: str
) -> None:
    ready(world)
    world.select(1, 0, 1, 2)
    world.submit(world.lease(2), "water")
    world.database.advance(61)
    changed = world.change(batch_policy=policy)
    assert changed == world.get()
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, len(closed.labelled), closed.train) == (reason, 2, True)
    check(world)


def test_a_changed_policy_that_closes_the_last_batch_stops_a_campaign_without_budget(world: World) -> None:
    ready(world, budget=campaign_pb2.Budget(images=2))
    world.select(1, 0, 1)
    world.submit(world.lease(1), "water")
    world.change(budget=campaign_pb2.Budget(images=1))
    changed = world.change(batch_policy=campaign_pb2.BatchPolicy(close_fraction=0.5))
    assert (changed.state_reason, world.batch(1).close_reason) == ("BUDGET_IMAGES", "CLOSE_FRACTION")
    check(world)
