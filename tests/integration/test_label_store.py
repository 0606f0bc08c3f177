"""Campaigns and imports, with a test in the place of everybody else, on SQLite and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import (
    campaign_pb2,
    campaign_service_pb2,
    image_service_pb2,
)
from aloft.kit.errors import (
    Aborted,
    AlreadyExists,
    InvalidArgument,
)
from aloft.label_store.store import tables
from tests.integration.label_store_world import (
    CAMPAIGN,
    PARENT,
    World,
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
    base = created.base_model
    assert (base.architecture, base.WhichOneof("source")) == ("resnet18", "pretraining")
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
