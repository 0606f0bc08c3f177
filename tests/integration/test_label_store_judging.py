"""What versions are judged by, and when their scores stop a campaign."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.duration_pb2 import Duration

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import batch_service_pb2, campaign_pb2, campaign_service_pb2, image_service_pb2
from aloft.kit.bus.context import Poison
from aloft.kit.errors import FailedPrecondition, InvalidArgument
from aloft.label_store.store import tables
from tests.contract.databases import ADAPTERS
from tests.integration.label_store_world import LABELS, PARENT, POSITIVE, World, check, image, key, opened

IMPORTED = campaign_pb2.HeldOut(imported=True)
VALIDATION, TEST = campaign_pb2.SPLIT_VALIDATION, campaign_pb2.SPLIT_TEST
HEADER = ",".join(["key", "split", *LABELS])


ON_BOTH = pytest.mark.parametrize("world", ADAPTERS, indirect=True)
"""For tests whose SQL differs between the databases, or could."""


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    database = getattr(request, "param", "sqlite")
    admin_url = request.getfixturevalue("postgres_database") if database == "postgresql" else None
    with opened(tmp_path, admin_url) as made:
        yield made


def evaluated(world: World, images: int = 4, pool: int = 9, **campaign: object) -> None:
    """Have a running campaign that holds images out by itself."""
    world.campaign(held_out=campaign_pb2.HeldOut(evaluation_images=images), **campaign)
    world.put(*range(pool))
    world.import_all()
    world.vendor()
    world.resume()


def judged(world: World, **campaign: object) -> None:
    """Have a running campaign with images held out and labelled."""
    world.campaign(held_out=IMPORTED, **campaign)
    world.put(*range(8))
    world.manifest(HEADER, f"{key(0)},validation,1,0,0", *(f"{key(one)},pool,,," for one in range(1, 8)))
    world.vendor()
    world.resume()


def held_out(world: World) -> set[str]:
    """Name the images of the held-out splits."""
    return {row.id for row in world.rows(tables.images) if row.split in (VALIDATION, TEST)}


def test_a_campaign_that_judges_by_nothing_is_refused_with_the_fix(world: World) -> None:
    with pytest.raises(InvalidArgument) as refused:
        world.campaign(gate=campaign_pb2.Gate(minimum=0.5))
    (violation,) = refused.value.violations
    assert violation.field == "campaign.gate"
    assert "held_out.imported" in violation.description


@ON_BOTH
def test_a_manifest_brings_label_sets_that_the_budget_does_not_pay_for(world: World) -> None:
    world.campaign(held_out=IMPORTED, budget=campaign_pb2.Budget(images=2))
    world.put(*range(5))
    said = world.manifest(
        HEADER,
        f"{key(0)},validation,1,0,?",
        f"{key(1)},test,0,,",
        f"{key(2)},pool,,1,",
        f"{key(3)},pool,,,",
    )
    assert (said.registered_images, said.labelled_images, said.refused_lines) == (4, 3, 0)
    (event,) = world.announced(events.LabelsCommitted)
    sets = {
        each.image: (each.split, {one.label: one.verdict for one in each.verdicts})
        for each in event.label_sets
    }
    assert sets == {
        image(0): (VALIDATION, {"water": POSITIVE, "road": campaign_pb2.VERDICT_UNSURE}),
        image(1): (TEST, {}),
        image(2): (campaign_pb2.SPLIT_POOL, {"forest": POSITIVE}),
    }
    counted = world.progress()
    assert (counted.labelled_validation_images, counted.labelled_test_images) == (1, 1)
    assert (counted.labelled_images, counted.annotations, counted.label_revision) == (0, 0, 1)
    world.vendor()
    world.resume()
    world.select(1, 2, 3)
    assert list(world.announced(events.ImageReleased)[-1].images) == [image(2)], "it has a label already"
    check(world)


def test_a_second_import_labels_what_has_no_label_and_changes_none(world: World) -> None:
    world.campaign()
    world.put(*range(3))
    world.manifest("key,water", f"{key(0)},1", f"{key(1)},")
    again = world.manifest("key,water", f"{key(0)},0", f"{key(1)},1", f"{key(2)},0")
    assert (again.registered_images, again.known_images, again.labelled_images) == (1, 2, 2)
    labels = {row.id: row.verdicts for row in world.rows(tables.images)}
    assert labels == {image(0): {"water": POSITIVE}, image(1): {"water": POSITIVE}, image(2): {}}
    assert [event.label_revision for event in world.announced(events.LabelsCommitted)] == [1, 2]


def test_an_import_says_of_which_images_it_brings_another_label_set(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aloft.label_store.use_cases.importing.PART", 2)
    world.campaign()
    world.put(*range(3))
    stays = f"{key(0)} has a label set already, which stays"
    rows = [f"{key(0)},1", f"{key(1)},1", f"{key(0)},0", f"{key(2)},"]
    said = world.manifest("key,water", *rows)
    assert (said.labelled_images, said.refused_lines, list(said.problems)) == (2, 0, [f"line 4: {stays}"])
    assert list(world.manifest("key,water", *rows[:2]).problems) == [], "these say the same"
    assert list(world.manifest("key,water", rows[2], rows[1]).problems) == [f"line 2: {stays}"]


def test_what_is_wrong_with_the_labels_of_a_manifest_is_said(world: World) -> None:
    world.campaign()
    world.put(*range(4))
    world.vendor()
    world.import_all()
    world.resume()
    world.select(1, 3)
    said = world.manifest(
        "key,split,water,waterr,source",
        f"{key(0)},pool,yes,1,drone",
        f"{key(1)},pool,1,1,drone",
        f"{key(3)},pool,1,1,drone",
    )
    assert (said.labelled_images, said.refused_lines) == (1, 2)
    assert list(said.problems) == [
        "line 1: no label of the campaign, so passed over: 'waterr', 'source'",
        "line 2: water is 1, 0, ? (unsure) or empty, not 'yes'",
        f"line 4: {key(3)} is out to be labelled, with batch 1",
    ]
    check(world)


def test_a_long_import_makes_a_revision_of_each_part(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aloft.label_store.use_cases.importing.PART", 3)
    monkeypatch.setattr("aloft.label_store.use_cases.committing.VERDICTS", 4)
    world.campaign()
    world.put(*range(5))
    world.manifest("key,water,road", *(f"{key(one)},1,1" for one in range(5)))
    revisions = [
        (each.label_revision, len(each.label_sets)) for each in world.announced(events.LabelsCommitted)
    ]
    assert revisions == [(1, 2), (2, 1), (3, 2)]
    check(world)


def test_a_manifest_that_names_a_label_twice_is_refused(world: World) -> None:
    world.campaign()
    world.put(1)
    (world.pool_folder / "list.csv").write_text(f"key,water,water\n{key(1)},1,0\n")
    request = image_service_pb2.ImportImagesRequest(parent=PARENT)
    request.manifest.key = "list.csv"
    with pytest.raises(AssertionError, match="names water twice"):
        world.run_import(request)


def test_a_campaign_whose_held_out_images_have_no_labels_does_not_begin(world: World) -> None:
    world.campaign(held_out=IMPORTED)
    world.put(*range(3))
    world.manifest("key,split,water", f"{key(0)},test,", f"{key(1)},pool,1")
    with pytest.raises(FailedPrecondition, match="import a manifest") as refused:
        world.resume()
    assert refused.value.reason == "HELD_OUT_NOT_LABELLED"
    assert world.get().state == campaign_pb2.Campaign.STATE_PAUSED
    world.manifest("key,split,water", f"{key(0)},test,0")
    assert world.resume().state == campaign_pb2.Campaign.STATE_RUNNING


@ON_BOTH
def test_the_evaluation_batch_leaves_the_pool_when_labelling_begins(world: World) -> None:
    evaluated(world, 5)
    moved = world.announced(events.ImageRegistered)[1:]
    said = {one.image: (one.split, one.version) for event in moved for one in event.images}
    assert said.keys() == held_out(world)
    assert Counter(said.values()) == {(VALIDATION, 2): 3, (TEST, 2): 2}
    assert (world.progress().pool_images, world.progress().open_batch) == (4, f"{PARENT}/batches/0")
    world.select(1, *range(9))
    assert {row.image for row in world.rows(tables.tasks) if row.batch == 1}.isdisjoint(said)
    world.pause()
    world.resume()
    assert len(held_out(world)) == 5, "it is drawn once"
    listed = world.call("Batch.ListBatches", batch_service_pb2.ListBatchesRequest(parent=PARENT)).batches
    assert [batch.name.rpartition("/")[2] for batch in listed] == ["0", "1"]
    check(world)


def test_the_evaluation_batch_is_leased_first_charged_to_nobody_and_trains_nothing(world: World) -> None:
    evaluated(world, budget=campaign_pb2.Budget(images=2, annotations=2))
    world.select(1, *range(9))
    first = world.lease(4)
    assert {task.image.rpartition("/")[2] for task in first} == held_out(world)
    world.submit(first, "water")
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.batch, closed.reason, closed.train, len(closed.labelled)) == (0, "COMPLETE", False, 4)
    assert {each.split for event in world.announced(events.LabelsCommitted) for each in event.label_sets} == {
        VALIDATION,
        TEST,
    }
    counted = world.progress()
    assert (counted.labelled_images, counted.annotations) == (0, 0)
    assert (counted.labelled_validation_images, counted.labelled_test_images) == (2, 2)
    world.submit(world.lease(), "water")
    assert world.get().state_reason == "BUDGET_IMAGES"
    assert world.batch(1).labelled_images == 2
    check(world)


def test_a_newer_batch_leaves_the_evaluation_batch_open(world: World) -> None:
    evaluated(world, pool=12)
    pool = [one for one in range(12) if image(one) not in held_out(world)]
    world.select(1, *pool[:2])
    world.select(2, *pool[2:4])
    assert [event.batch for event in world.announced(events.BatchClosed)] == [1]
    assert len(world.lease(10)) == 6
    check(world)


def test_the_evaluation_batch_closes_when_its_time_has_passed(world: World) -> None:
    evaluated(world, batch_policy=campaign_pb2.BatchPolicy(close_after=Duration(seconds=300)))
    world.submit(world.lease(1), "water")
    world.database.advance(301)
    assert world.closer.step()
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.batch, closed.reason, len(closed.labelled)) == (0, "CLOSE_AFTER", 1)
    assert world.announced(events.ImageReleased) == [], "they are no part of the pool any more"
    assert len(held_out(world)) == 4
    check(world)


def test_a_pool_that_is_too_small_to_hold_images_out_is_named(world: World) -> None:
    world.campaign(held_out=campaign_pb2.HeldOut(evaluation_images=4))
    world.put(*range(4))
    world.import_all()
    with pytest.raises(FailedPrecondition, match="at least 1 more") as refused:
        world.resume()
    assert refused.value.reason == "POOL_TOO_SMALL"
    assert held_out(world) == set()
    world.put(4)
    world.import_all()
    world.resume()
    assert world.progress().pool_images == 1


def test_the_same_seed_holds_the_same_images_out(tmp_path: Path) -> None:
    drawn = []
    for run, seed in enumerate((7, 7, 8)):
        folder = tmp_path / str(run)
        folder.mkdir()
        with opened(folder) as world:
            evaluated(world, 6, 24, strategy=campaign_pb2.Strategy(seed=seed))
            drawn.append({row.id: row.split for row in world.rows(tables.images)})
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_target_that_a_promoted_version_reaches_stops_the_campaign(world: World) -> None:
    judged(world, stop_rules=campaign_pb2.StopRules(target_score=0.8))
    world.select(1, 1, 2)
    (first, _) = world.lease(2)
    world.submit([first], "water")
    world.publish(1, 0.9, promoted=False)
    world.publish(2, 0.7)
    assert world.get().state == campaign_pb2.Campaign.STATE_RUNNING
    assert world.progress().score == 0.7
    world.publish(3, 0.81)
    stopped = world.get()
    assert (stopped.state, stopped.state_reason) == (campaign_pb2.Campaign.STATE_STOPPED, "TARGET_SCORE")
    assert world.announced(events.CampaignChanged)[-1].campaign.state_reason == "TARGET_SCORE"
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, closed.train, len(closed.outstanding)) == ("CAMPAIGN_STOPPED", True, 1)
    with pytest.raises(FailedPrecondition):
        world.resume()
    check(world)


@ON_BOTH
def test_scores_that_do_not_grow_stop_the_campaign_in_whatever_order_they_are_heard(world: World) -> None:
    judged(world, stop_rules=campaign_pb2.StopRules(plateau=campaign_pb2.StopRules.Plateau(versions=2)))
    world.publish(2, 0.6)
    world.publish(5, 0.602)
    world.publish(5, 0.9)
    assert world.progress().score == 0.602, "a repeat changed what a version scored"
    assert world.get().state == campaign_pb2.Campaign.STATE_RUNNING
    world.publish(4, 0.601, promoted=False)
    assert world.get().state_reason == "PLATEAU"
    assert world.progress().score == 0.602


def test_a_base_version_and_an_unjudged_one_have_no_score(world: World) -> None:
    judged(world, stop_rules=campaign_pb2.StopRules(target_score=0))
    world.say(events.ModelPublished(campaign="c", version=1, promoted=True, base=True, score=0.9))
    world.publish(2, None)
    assert not world.progress().HasField("score")
    assert world.get().state == campaign_pb2.Campaign.STATE_RUNNING
    with pytest.raises(Poison, match="nan"):
        world.publish(3, float("nan"))


def test_a_rule_that_is_met_already_stops_a_campaign_that_is_given_it(world: World) -> None:
    judged(world)
    world.publish(1, 0.7)
    request = campaign_service_pb2.UpdateCampaignRequest(campaign=campaign_pb2.Campaign(name=PARENT))
    request.campaign.stop_rules.target_score = 0.65
    assert world.call("Campaign.UpdateCampaign", request).state_reason == "TARGET_SCORE"


def test_what_decides_which_versions_there_are_is_changed_but_not_what_they_are_judged_by(
    world: World,
) -> None:
    judged(world)
    request = campaign_service_pb2.UpdateCampaignRequest(campaign=campaign_pb2.Campaign(name=PARENT))
    request.campaign.gate.max_drop = 0.1
    request.campaign.training.mode = campaign_pb2.Training.MODE_PROBE
    changed = world.call("Campaign.UpdateCampaign", request)
    assert (changed.gate.max_drop, changed.training.mode) == (0.1, campaign_pb2.Training.MODE_PROBE)
    assert changed.training.steps == 600
    for fixed in ("held_out", "base_model", "taxonomy", "overlap", "image_spec"):
        request.update_mask.paths[:] = [fixed]
        with pytest.raises(InvalidArgument, match="cannot be changed"):
            world.call("Campaign.UpdateCampaign", request)


def test_of_a_stopped_campaign_only_how_its_labels_are_learned_may_change(world: World) -> None:
    evaluated(world)
    world.stop()
    changed = world.change(gate=campaign_pb2.Gate(minimum=0.3), training=campaign_pb2.Training(steps=50))
    assert (changed.state, changed.gate.minimum, changed.training.steps) == (
        campaign_pb2.Campaign.STATE_STOPPED,
        0.3,
        50,
    )
    assert world.announced(events.CampaignChanged)[-1].campaign == changed
    with pytest.raises(FailedPrecondition, match="for good"):
        world.change(budget=campaign_pb2.Budget(images=90))


@pytest.mark.parametrize("header", ["key,Water,road", "key,watr,road", "key,split,rood"])
def test_a_column_that_is_a_slip_of_a_label_is_refused_before_anything_is_negative_by_it(
    world: World, header: str
) -> None:
    world.campaign()
    world.put(0)
    with pytest.raises(AssertionError, match="spell the label so"):
        world.manifest(header, f"{key(0)},1,1")
    assert world.announced(events.ImageRegistered) == []


def test_a_campaign_is_stopped_for_good_and_once(world: World) -> None:
    judged(world)
    world.select(1, 1, 2)
    leased = world.lease(1)
    first = world.stop()
    assert first.state_reason == "OPERATOR"
    assert world.stop() == first
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, closed.train) == ("CAMPAIGN_STOPPED", False)
    world.submit(leased, "water")
    assert world.progress().labelled_images == 1, "what was leased is still taken"
    assert world.lease() == []
    check(world)


def test_the_evaluation_batch_is_not_closed_by_time_before_something_of_it_is_labelled(world: World) -> None:
    evaluated(world, batch_policy=campaign_pb2.BatchPolicy(close_after=Duration(seconds=300)))
    world.database.advance(301)
    assert not world.closer.step()
    world.change(batch_policy=campaign_pb2.BatchPolicy(close_after=Duration(seconds=200)))
    assert world.announced(events.BatchClosed) == []
    world.submit(world.lease(1), "water")
    assert world.closer.step()
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.batch, closed.reason, len(closed.labelled)) == (0, "CLOSE_AFTER", 1)
    check(world)
