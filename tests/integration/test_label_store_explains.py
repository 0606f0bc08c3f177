"""Why a campaign stands where it stands, as the label store tells it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aloft.api.explanation.v1 import explanation_service_pb2
from aloft.api.labels.v1 import campaign_pb2
from aloft.kit.errors import NotFound
from aloft.kit.explaining import Cause, Kind
from aloft.label_store.explaining import explain
from tests.contract.databases import ADAPTERS
from tests.integration.label_store_world import PARENT, VENDOR, World, image, key, opened

STUCK, WAITING, IDLE = Kind.STUCK, Kind.WAITING, Kind.IDLE


ON_BOTH = pytest.mark.parametrize("world", ADAPTERS, indirect=True)
"""For tests whose SQL differs between the databases, or could."""


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    database = getattr(request, "param", "sqlite")
    admin_url = request.getfixturevalue("postgres_database") if database == "postgresql" else None
    with opened(tmp_path, admin_url) as made:
        yield made


def codes(world: World) -> list[tuple[Kind, str]]:
    """Say the causes by kind and code."""
    return [(cause.kind, cause.code) for cause in world.causes()]


def only(world: World) -> Cause:
    """Read the one cause that there is."""
    (cause,) = world.causes()
    return cause


def ready(world: World, **campaign: object) -> None:
    """Have a running campaign with registered images and no vendor."""
    world.campaign(**campaign)
    world.put(*range(6))
    world.import_all()
    world.resume()


def test_a_paused_campaign_waits_for_whoever_may_resume_it(world: World) -> None:
    ready(world)
    world.database.advance(30)
    world.pause()
    cause = only(world)
    assert (cause.kind, cause.code, cause.remedy) == (STUCK, "PAUSED", "aloft campaign resume c")
    assert "PAUSED_BY_OPERATOR by admins/first" in cause.waits_for
    with world.database.read() as tx:
        assert 0 <= tx.now() - (cause.since_us or 0) < 20_000_000, "it is paused since it was paused"


def test_a_new_campaign_lacks_images_and_labels_to_judge_by(world: World) -> None:
    world.campaign(held_out=campaign_pb2.HeldOut(imported=True))
    assert codes(world) == [(STUCK, "PAUSED"), (STUCK, "NO_IMAGES"), (STUCK, "HELD_OUT_NOT_LABELLED")]
    world.put(0, 1)
    world.manifest("key,split,water", f"{key(0)},test,1", f"{key(1)},pool,")
    assert codes(world) == [(STUCK, "PAUSED")]


def test_a_pool_that_is_too_small_to_hold_images_out_is_a_cause(world: World) -> None:
    world.campaign(held_out=campaign_pb2.HeldOut(evaluation_images=4))
    world.put(0, 1)
    world.import_all()
    assert codes(world) == [(STUCK, "PAUSED"), (STUCK, "POOL_TOO_SMALL")]


def test_a_running_campaign_without_images_is_stuck(world: World) -> None:
    world.campaign()
    world.resume()
    assert codes(world)[0] == (STUCK, "NO_IMAGES")


def test_before_a_batch_it_waits_for_the_trainer_and_then_for_acquisition(world: World) -> None:
    ready(world)
    assert (only(world).kind, only(world).code) == (WAITING, "FIRST_VERSION")
    world.publish(1, None)
    assert (only(world).kind, only(world).code) == (WAITING, "SELECTION")


def test_tasks_that_nobody_may_take_are_told_from_tasks_that_nobody_takes(world: World) -> None:
    ready(world)
    world.select(1, 0, 1, 2)
    assert codes(world) == [(STUCK, "NO_VENDOR")]
    assert "aloft vendor create" in only(world).remedy
    world.vendor()
    cause = only(world)
    assert (cause.kind, cause.code) == (WAITING, "VENDORS")
    assert "batch 1 is open, 3 tasks are left, 0 leased" in cause.waits_for
    world.database.advance(100)
    world.lease(1)
    assert (only(world).since_us or 0) - (cause.since_us or 0) >= 90_000_000, "not since a task was taken"


@ON_BOTH
def test_annotators_are_missing_where_an_image_needs_more_than_there_are(world: World) -> None:
    ready(world, overlap=2)
    world.vendor()
    world.select(1, 0, 1)
    world.submit(world.lease(1))
    assert codes(world) == [(WAITING, "VENDORS"), (WAITING, "TOO_FEW_ANNOTATORS")]
    world.submit(world.lease(1, annotator="bob"))
    assert codes(world) == [(WAITING, "VENDORS")]


def test_the_evaluation_batch_is_named_beside_the_other(world: World) -> None:
    ready(world, held_out=campaign_pb2.HeldOut(evaluation_images=2))
    world.vendor()
    world.select(1, *range(6))
    assert "batch 0 and 1 is open" in only(world).waits_for
    world.submit(world.lease(2))
    assert "batch 1 is open" in only(world).waits_for


def test_an_evaluation_batch_of_which_nothing_was_labelled_is_a_cause_until_labels_are_imported(
    world: World,
) -> None:
    half = campaign_pb2.BatchPolicy(close_fraction=0.5)
    ready(world, held_out=campaign_pb2.HeldOut(evaluation_images=2), batch_policy=half)
    world.vendor()
    first, second = world.lease(2)
    world.skip(first)
    assert world.batch(0).close_reason == "CLOSE_FRACTION"
    assert codes(world) == [(WAITING, "VENDORS")], "the other image is still being labelled"
    world.skip(second)
    cause = only(world)
    assert (cause.kind, cause.code) == (STUCK, "HELD_OUT_NOT_LABELLED")
    assert "evaluation batch" in cause.waits_for
    assert cause.remedy.startswith("aloft images import c, with a manifest")
    held_out = next(one for one in range(6) if first.image.endswith(image(one)))
    world.manifest("key,water", f"{key(held_out)},1")
    assert (WAITING, "FIRST_VERSION") in codes(world)


def test_annotations_of_a_closed_batch_are_waited_for(world: World) -> None:
    ready(world, batch_policy=campaign_pb2.BatchPolicy(close_fraction=0.5))
    world.vendor()
    world.select(1, 0, 1)
    first, _ = world.lease(2)
    world.submit([first])
    assert "outstanding, 1 tasks are left, 1 leased" in only(world).waits_for


def test_a_stopped_campaign_waits_for_nothing_and_names_the_rule(world: World) -> None:
    ready(world, budget=campaign_pb2.Budget(images=1))
    world.vendor()
    world.select(1, 0)
    world.submit(world.lease(by=VENDOR))
    cause = only(world)
    assert (cause.kind, cause.code) == (IDLE, "STOPPED")
    assert "BUDGET_IMAGES" in cause.waits_for


def test_the_causes_are_served(world: World) -> None:
    world.campaign()
    request = explanation_service_pb2.ExplainCampaignRequest(name=PARENT)
    said = world.call("Explanation.ExplainCampaign", request)
    assert said.service == "label_store"
    assert [cause.code for cause in said.causes][:2] == ["PAUSED", "NO_IMAGES"]


def test_a_campaign_that_is_unknown_is_not_found(world: World) -> None:
    with world.database.read() as tx, pytest.raises(NotFound):
        explain(tx, "nowhere")
