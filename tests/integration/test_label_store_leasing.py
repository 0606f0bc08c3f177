"""Leasing and submitting: what a vendor may do, on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import (
    campaign_service_pb2,
    image_service_pb2,
    labelling_service_pb2,
)
from aloft.kit.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)
from aloft.kit.objects.signing import PATH
from aloft.kit.rpc.call import Principal, Role
from tests.integration.label_store_world import (
    CAMPAIGN,
    PARENT,
    VENDOR,
    World,
    check,
    image,
    key,
    opened,
    ready,
    request_id,
)


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, admin_url) as made:
        yield made


def test_a_leased_image_is_read_under_a_key_that_says_nothing(world: World) -> None:
    ready(world)
    world.select(1, 4)
    (task,) = world.lease()
    assert urlsplit(task.image_url).path.startswith(PATH)
    assert world.objects.get(f"campaigns/{CAMPAIGN}/images/{image(4)}") == b"image 4"
    assert key(4) not in task.image_url
    assert 59 < task.expires_in.ToTimedelta().total_seconds() <= 60


def test_an_image_that_is_gone_ends_its_task_and_holds_up_no_other(world: World) -> None:
    ready(world)
    world.select(1, 0, 1)
    (world.pool_folder / key(0)).unlink()
    (task,) = world.lease()
    assert task.image == f"{PARENT}/images/{image(1)}"
    world.submit([task])
    (closed,) = world.announced(events.BatchClosed)
    assert (list(closed.skipped), list(closed.labelled)) == ([image(0)], [image(1)])
    gone = world.call("Image.GetImage", image_service_pb2.GetImageRequest(name=f"{PARENT}/images/{image(0)}"))
    assert gone.state_reason.startswith("MISSING")
    check(world)


def test_no_task_is_leased_to_two_and_an_expired_lease_is_worth_nothing(world: World) -> None:
    ready(world)
    other = world.vendor("other")
    world.select(1, 0, 1)
    mine = world.lease()
    assert world.lease(by=other) == []
    world.database.advance(61)
    theirs = world.lease(by=other)
    assert {task.name for task in theirs} == {task.name for task in mine}
    for late in (lambda: world.submit(mine), lambda: world.skip(mine[0]), lambda: world.extend(mine)):
        with pytest.raises(FailedPrecondition) as refused:
            late()
        assert refused.value.reason == "LEASE_EXPIRED"
        assert mine[0].name in refused.value.metadata["tasks"]
    world.give_back(mine)
    with pytest.raises(FailedPrecondition):
        world.submit(theirs)
    world.submit(theirs, by=other)
    ask = labelling_service_pb2.GetVendorStatisticsRequest(parent=PARENT)
    counted = world.call("Labelling.GetVendorStatistics", ask, VENDOR)
    assert (counted.expired_leases, counted.submitted_annotations) == (2, 0)
    assert world.call("Labelling.GetVendorStatistics", ask, other).submitted_annotations == 2
    check(world)


def test_one_bad_lease_refuses_the_whole_submit(world: World) -> None:
    ready(world)
    world.select(1, 0, 1)
    first, second = world.lease()
    second.lease = "another"
    with pytest.raises(FailedPrecondition):
        world.submit([first, second])
    assert world.announced(events.LabelsCommitted) == []
    assert world.get().label_revision == 0


def test_a_repeated_submit_returns_the_first_outcome(world: World) -> None:
    ready(world)
    world.select(1, 0, 1)
    leased, request = world.lease(), request_id()
    assert world.submit(leased, "water", request=request) == world.submit(leased, "water", request=request)
    assert world.get().label_revision == 1
    with pytest.raises(FailedPrecondition, match="another request"):
        world.submit(leased, "road", request=request)


def test_a_repeated_lease_returns_the_same_tasks(world: World) -> None:
    ready(world)
    other = world.vendor("other")
    world.select(1, 0, 1, 2)
    request = request_id()
    first = world.lease(2, request=request)
    again = world.lease(2, request=request)
    assert [(task.name, task.lease) for task in again] == [(task.name, task.lease) for task in first]
    world.database.advance(100)
    world.lease(by=other)
    late = world.lease(2, request=request)
    assert [(task.name, task.lease, task.image_url) for task in late] == [
        (task.name, "", "") for task in first
    ], "of the other vendor's lease nothing is shown, and nothing is held any more"


def test_an_empty_answer_says_that_nothing_is_free(world: World) -> None:
    ready(world)
    world.select(1, 0, 1, 2, 3)
    first, second, *left = sorted(range(4), key=image)
    for gone in (first, second):
        (world.pool_folder / key(gone)).unlink()
    request = request_id()
    leased = world.lease(2, request=request)
    assert [task.image for task in leased] == [f"{PARENT}/images/{image(number)}" for number in left]
    assert [task.name for task in world.lease(2, request=request)] == [task.name for task in leased]
    ask = labelling_service_pb2.GetVendorStatisticsRequest(parent=PARENT)
    counted = world.call("Labelling.GetVendorStatistics", ask, VENDOR)
    assert counted.skipped_tasks == 0, "the vendor skipped nothing"
    world.submit(leased)
    check(world)


def test_what_was_handed_in_before_is_said_to_be_stored(world: World) -> None:
    ready(world)
    world.select(1, 0, 1, 2)
    first, second, third = world.lease()
    world.submit([first])
    with pytest.raises(FailedPrecondition) as refused:
        world.submit([first, second])
    assert (refused.value.reason, refused.value.metadata["tasks"]) == ("ALREADY_SUBMITTED", first.name)
    third.lease = "another"
    with pytest.raises(FailedPrecondition) as refused:
        world.submit([first, second, third])
    assert (refused.value.reason, refused.value.metadata["tasks"]) == ("LEASE_EXPIRED", third.name)
    world.submit([second])
    check(world)


def test_an_extended_lease_ends_no_sooner_than_before(world: World) -> None:
    ready(world)
    world.select(1, 0)
    leased = world.lease(seconds=3600)
    (extended,) = world.extend(leased)
    assert extended.expires_in.ToTimedelta().total_seconds() > 3500
    world.database.advance(3580)
    (extended,) = world.extend(leased)
    assert 50 < extended.expires_in.ToTimedelta().total_seconds() <= 60


def test_a_skip_without_its_lease_names_the_field(world: World) -> None:
    ready(world)
    world.select(1, 0)
    (task,) = world.lease()
    task.lease = ""
    with pytest.raises(InvalidArgument, match="lease: name the lease"):
        world.skip(task)


def test_what_a_submit_says_is_checked_field_by_field(world: World) -> None:
    ready(world)
    world.select(1, 0, 1)
    leased = world.lease()
    with pytest.raises(InvalidArgument) as refused:
        world.submit(leased, "water", "ocean", "water")
    fields = {violation.field for violation in refused.value.violations}
    assert fields == {f"annotations[{n}].verdicts[{v}].label" for n in (0, 1) for v in (1, 2)}
    with pytest.raises(InvalidArgument, match="request_id"):
        world.submit(leased, request="not a uuid")


def test_a_submit_that_fits_into_no_event_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aloft.label_store.use_cases.submitting.VERDICTS", 3)
    ready(world)
    world.select(1, 0, 1)
    with pytest.raises(InvalidArgument, match="split it"):
        world.submit(world.lease(), "water", "road")


def test_a_quota_answers_when_to_come_back(world: World) -> None:
    ready(world)
    small = world.vendor("small", max_leases=2)
    world.select(1, 0, 1, 2)
    assert len(world.lease(5, by=small)) == 2
    with pytest.raises(ResourceExhausted) as refused:
        world.lease(by=small)
    assert 50 < refused.value.retry_after_s <= 60


def test_a_paused_campaign_leases_nothing_and_takes_what_was_leased(world: World) -> None:
    ready(world)
    world.select(1, 0, 1)
    leased = world.lease(1)
    world.call("Campaign.PauseCampaign", campaign_service_pb2.PauseCampaignRequest(name=PARENT))
    assert world.lease() == []
    world.submit(leased)
    assert world.get().label_revision == 1


def test_a_vendor_learns_nothing_of_other_campaigns(world: World) -> None:
    ready(world)
    stranger = Principal("vendors/acme", Role.VENDOR, frozenset({"d"}))
    for campaign, caller in ((PARENT, stranger), ("campaigns/nowhere", VENDOR)):
        request = labelling_service_pb2.GetLabellingGuideRequest(parent=campaign)
        with pytest.raises(NotFound) as refused:
            world.call("Labelling.GetLabellingGuide", request, caller)
        assert refused.value.message == f"{campaign} does not exist"


def test_a_lease_and_a_submit_are_a_handful_of_statements(world: World) -> None:
    ready(world, 40)
    world.select(1, *range(40))
    world.lease(1)

    def counted(action: object) -> int:
        count = 0

        def note(*_: object) -> None:
            nonlocal count
            count += 1

        engine = world.database.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        action()  # type: ignore[operator]
        sa.event.remove(engine, "before_cursor_execute", note)
        return count

    leased: list[labelling_service_pb2.Task] = []
    world.lease(30, request=request_id())
    world.database.advance(61)
    few = counted(lambda: leased.extend(world.lease(30)))
    assert few <= 14, f"a lease of 30 tasks took {few} statements"
    assert counted(lambda: world.submit(leased[:1])) == counted(lambda: world.submit(leased[1:]))
