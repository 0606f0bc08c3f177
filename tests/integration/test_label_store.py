"""The label store with a test in the place of everybody else, on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from google.protobuf.duration_pb2 import Duration

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import (
    batch_service_pb2,
    campaign_pb2,
    campaign_service_pb2,
    image_service_pb2,
    labelling_service_pb2,
)
from aloft.kit.bus.context import NotYet
from aloft.kit.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
)
from aloft.kit.objects.signing import PATH
from aloft.kit.rpc.call import Principal, Role
from aloft.label_store.store import tables
from tests.contract.databases import ADAPTERS
from tests.integration.label_store_world import (
    CAMPAIGN,
    PARENT,
    VENDOR,
    World,
    check,
    image,
    key,
    opened,
    request_id,
)


@pytest.fixture(params=ADAPTERS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    admin_url = request.getfixturevalue("postgres_database") if request.param == "postgresql" else None
    with opened(tmp_path, admin_url) as made:
        yield made


def ready(world: World, images: int = 8, **campaign: object) -> None:
    """Have a running campaign with registered images and a vendor."""
    world.campaign(**campaign)
    world.put(*range(images))
    world.import_all()
    world.vendor()
    world.resume()


def test_the_migration_makes_the_tables_that_the_code_declares(world: World) -> None:
    with world.database.read() as tx:
        options = {"include_name": lambda name, kind, _: kind != "table" or name in tables.METADATA.tables}
        context = MigrationContext.configure(tx.connection, opts=options)
        assert compare_metadata(context, tables.METADATA) == []


def test_a_new_campaign_is_paused_complete_and_announced(world: World) -> None:
    created = world.campaign()
    assert (created.state, created.state_reason) == (campaign_pb2.Campaign.STATE_PAUSED, "CREATED")
    assert (created.image_spec.height, list(created.image_spec.mean)) == (64, [0.5, 0.5, 0.5])
    assert (created.strategy.expression, created.batch_policy.size) == ("auto", 40)
    assert (created.base_model.architecture, created.base_model.WhichOneof("source")) == ("resnet18", "seed")
    (said,) = world.announced(events.CampaignChanged)
    assert said.campaign == created


def test_a_second_campaign_of_the_same_id_is_refused_but_a_repeat_is_answered(world: World) -> None:
    request = campaign_service_pb2.CreateCampaignRequest(
        campaign_id="one",
        campaign=campaign_pb2.Campaign(taxonomy=campaign_pb2.Taxonomy(labels=[campaign_pb2.Label(id="a")])),
        request_id=request_id(),
    )
    first = world.call("Campaign.CreateCampaign", request)
    assert world.call("Campaign.CreateCampaign", request) == first
    request.request_id = request_id()
    with pytest.raises(AlreadyExists):
        world.call("Campaign.CreateCampaign", request)
    assert len(world.announced(events.CampaignChanged)) == 1


def test_resuming_needs_the_current_etag_and_makes_one_version(world: World) -> None:
    created = world.campaign()
    resume = campaign_service_pb2.ResumeCampaignRequest(name=PARENT, etag=created.etag)
    resumed = world.call("Campaign.ResumeCampaign", resume)
    assert (resumed.state, resumed.version) == (campaign_pb2.Campaign.STATE_RUNNING, 2)
    assert world.resume().version == 2, "resuming what runs changes nothing"
    with pytest.raises(Aborted):
        world.call("Campaign.ResumeCampaign", resume)


def test_an_update_changes_what_the_mask_names_and_nothing_that_is_fixed(world: World) -> None:
    world.campaign()
    request = campaign_service_pb2.UpdateCampaignRequest(campaign=campaign_pb2.Campaign(name=PARENT))
    request.campaign.batch_policy.size = 7
    request.campaign.taxonomy.labels.add(id="new")
    request.update_mask.paths.append("batch_policy.size")
    assert world.call("Campaign.UpdateCampaign", request).batch_policy.size == 7
    request.update_mask.paths[:] = ["taxonomy"]
    with pytest.raises(InvalidArgument):
        world.call("Campaign.UpdateCampaign", request)


def test_an_import_registers_once_and_says_what_was_replaced(world: World) -> None:
    world.campaign()
    world.put(*range(5))
    (world.pool_folder / "empty.png").touch()
    assert world.import_all().registered_images == 5
    again = world.import_all()
    assert (again.registered_images, again.known_images) == (0, 5)
    world.put(3, text="another picture")
    assert world.import_all().registered_images == 1
    first, second = world.announced(events.ImageRegistered)
    assert {one.image for one in first.images} == {image(number) for number in range(5)}
    assert [(one.image, one.version) for one in second.images] == [(image(3), 2)]


def test_a_listing_draws_the_same_splits_every_time(world: World) -> None:
    world.campaign()
    world.put(*range(60))
    world.import_all(validation_fraction=0.2, test_fraction=0.2)
    counted = world.progress()
    assert counted.validation_images > 3 < counted.test_images
    assert counted.pool_images + counted.validation_images + counted.test_images == 60


def test_a_manifest_says_which_of_its_lines_are_wrong(world: World) -> None:
    world.campaign()
    world.put(1, 2, 3)
    lines = [
        "key,split",
        f"{key(1)},",
        f"{key(2)},test",
        f"{key(1)},pool",
        "gone.png,",
        f"{key(3)},tset",
        ",pool",
    ]
    (world.pool_folder / "list.csv").write_text("\r\n".join(lines))
    request = image_service_pb2.ImportImagesRequest(parent=PARENT)
    request.manifest.key = "list.csv"
    said = world.run_import(request)
    assert (said.registered_images, list(said.missing_keys), said.refused_lines) == (2, ["gone.png"], 3)
    assert [problem.partition(":")[0] for problem in said.problems] == ["line 6", "line 7", "line 4"]
    splits = {row.key: row.split for row in world.rows(tables.images)}
    assert splits == {key(1): campaign_pb2.SPLIT_POOL, key(2): campaign_pb2.SPLIT_TEST}


def test_a_registration_too_large_for_an_event_lies_in_an_object(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aloft.label_store.use_cases.registering.INLINE", 100)
    world.campaign()
    world.put(*range(5))
    world.import_all()
    (said,) = world.announced(events.ImageRegistered)
    whole = events.ImageRegistered.FromString(world.objects.get(said.manifest_key))
    assert not said.images
    assert {one.image for one in whole.images} == {image(number) for number in range(5)}


def test_an_import_goes_on_behind_the_part_that_was_committed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aloft.label_store.use_cases.importing.PART", 2)
    world.campaign()
    world.put(*range(7))
    request = image_service_pb2.ImportImagesRequest(parent=PARENT)
    request.listing.prefix = ""
    operation = world.call("Image.ImportImages", request)
    original, parts = world.pool.list, iter(range(2))

    class Cut(Exception):
        """The store goes away after three objects."""

    def cut(prefix: str = "", *, start_after: str = "") -> Iterator[object]:
        broken = next(parts, None) == 0
        for place_in, info in enumerate(original(prefix, start_after=start_after)):
            if broken and place_in == 5:
                raise Cut
            yield info

    monkeypatch.setattr(world.pool, "list", cut)
    assert world.jobs.step()
    world.database.advance(10)
    assert world.jobs.step()
    found = world.call("Image.ListImages", image_service_pb2.ListImagesRequest(parent=PARENT))
    assert len(found.images) == 7
    assert sum(len(event.images) for event in world.announced(events.ImageRegistered)) == 7
    assert operation.name


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
        (task.name, task.lease, "") for task in first
    ], "of the other vendor's lease nothing is shown"


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


def test_what_a_campaign_waits_for_is_a_sentence(world: World) -> None:
    world.campaign(budget=campaign_pb2.Budget(images=1))
    assert "resume" in world.progress().waiting_for
    world.resume()
    assert "import" in world.progress().waiting_for
    world.put(0)
    world.import_all()
    assert "trainer" in world.progress().waiting_for
    world.say(events.ModelPublished(campaign=CAMPAIGN, version=3, promoted=True))
    world.say(events.ModelPublished(campaign=CAMPAIGN, version=2, promoted=True))
    world.say(events.ModelPublished(campaign=CAMPAIGN, version=4, promoted=False))
    assert world.progress().promoted_version == 3
    assert "acquisition" in world.progress().waiting_for
    world.vendor()
    world.select(1, 0)
    leased = world.lease()
    assert world.progress().waiting_for == "vendors: batch 1 is open, 1 tasks are left, 1 leased"
    world.submit(leased)
    assert "BUDGET_IMAGES" in world.progress().waiting_for


def test_lists_come_in_pages(world: World) -> None:
    ready(world, 5)
    seen: list[str] = []
    request = image_service_pb2.ListImagesRequest(parent=PARENT, page_size=2)
    while True:
        page = world.call("Image.ListImages", request)
        seen += [one.name for one in page.images]
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert seen == [f"{PARENT}/images/{one}" for one in sorted(map(image, range(5)))]


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
