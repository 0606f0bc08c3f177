"""Several annotators for each image: who gets it, what they agree on, and what becomes of a part of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2
from aloft.kit.rpc.call import Principal
from aloft.label_store.store import tables
from tests.contract.databases import ADAPTERS
from tests.integration.label_store_world import POSITIVE, VENDOR, World, check, image, key, opened

ON_BOTH = pytest.mark.parametrize("world", ADAPTERS, indirect=True)
"""For tests whose SQL differs between the databases, or could."""


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    database = getattr(request, "param", "sqlite")
    admin_url = request.getfixturevalue("postgres_database") if database == "postgresql" else None
    with opened(tmp_path, admin_url) as made:
        yield made


def ready(world: World, overlap: int = 3, images: int = 6, **campaign: object) -> Principal:
    """Have a running campaign, a vendor and another one."""
    world.campaign(overlap=overlap, **campaign)
    world.put(*range(images))
    world.import_all()
    world.vendor()
    world.resume()
    return world.vendor("other")


def label(world: World, *labels: str, annotator: str = "ann", by: Principal = VENDOR) -> int:
    """Let an annotator label all that it gets, and say how much that was."""
    leased = world.lease(100, by, annotator=annotator)
    if leased:
        world.submit(leased, *labels, by=by)
    return len(leased)


def verdicts(world: World, number: int) -> dict[str, int] | None:
    """Read the label set of an image, None if it has none."""
    (row,) = [row for row in world.rows(tables.images) if row.id == image(number)]
    return row.verdicts if row.label_set_version else None


@ON_BOTH
def test_an_image_is_labelled_by_different_annotators_and_the_majority_counts(world: World) -> None:
    other = ready(world)
    world.select(1, 0, 1)
    assert label(world, "water", annotator="ann") == 2
    assert label(world, "water", annotator="ann") == 0, "who labelled it got it again"
    assert label(world, "water", "road", annotator="bob") == 2
    assert world.announced(events.LabelsCommitted) == [], "a label set before all annotations are in"
    assert label(world, "forest", annotator="ann", by=other) == 2, "another vendor's ann is somebody else"
    (said,) = world.announced(events.LabelsCommitted)
    assert [[(one.label, one.verdict) for one in each.verdicts] for each in said.label_sets] == [
        [("water", POSITIVE)]
    ] * 2
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, len(closed.labelled), closed.train) == ("COMPLETE", 2, True)
    counted = world.progress()
    assert (counted.labelled_images, counted.annotations) == (2, 6)
    check(world)


def test_annotators_who_disagree_evenly_leave_a_label_unsure(world: World) -> None:
    ready(world, overlap=2)
    world.select(1, 0)
    label(world, "water", annotator="a")
    label(world, "road", annotator="b")
    unsure = campaign_pb2.VERDICT_UNSURE
    assert verdicts(world, 0) == {"water": unsure, "road": unsure}


def test_one_annotator_gets_an_image_once_however_it_asks(world: World) -> None:
    ready(world)
    world.select(1, 0, 1)
    first = world.lease(10)
    assert sorted(task.image for task in first) == sorted({task.image for task in first})
    assert world.lease(10) == [], "what it holds already was sent to it again"
    world.database.advance(61)
    again = world.lease(10)
    assert len(again) == 2, "a lease that ran out without a label keeps the annotator from the image"
    world.submit(again)
    assert len(world.lease(10, annotator="bob")) == 2


def test_who_skips_an_image_leaves_it_to_the_annotators_of_others(world: World) -> None:
    other = ready(world)
    world.select(1, 0)
    (task,) = world.lease()
    world.skip(task)
    assert world.lease(annotator="bob") == [], "another annotator of the vendor that skipped it got it"
    label(world, "water", annotator="x", by=other)
    assert verdicts(world, 0) is None
    label(world, "water", annotator="y", by=other)
    assert verdicts(world, 0) == {"water": POSITIVE}, "two of three annotated it and one skipped it"
    (closed,) = world.announced(events.BatchClosed)
    assert list(closed.labelled) == [image(0)]
    check(world)


def test_an_image_that_every_vendor_skips_is_skipped(world: World) -> None:
    other = ready(world)
    world.select(1, 0)
    for vendor in (VENDOR, other):
        (task,) = world.lease(by=vendor)
        world.skip(task, vendor)
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, list(closed.skipped), closed.train) == ("COMPLETE", [image(0)], False)
    world.select(2, 0, 1)
    assert list(world.announced(events.ImageReleased)[-1].images) == [image(0)]
    check(world)


def test_what_the_last_vendor_skips_is_decided_by_the_annotations_there_are(world: World) -> None:
    other = ready(world)
    world.select(1, 0)
    label(world, "road", annotator="a")
    (held,) = world.lease(annotator="b")
    for vendor, annotator in ((other, "x"), (VENDOR, "c")):
        if leased := world.lease(by=vendor, annotator=annotator):
            world.skip(leased[0], vendor)
    assert verdicts(world, 0) is None, "somebody still holds it"
    world.submit([held], "road")
    assert verdicts(world, 0) == {"road": POSITIVE}
    check(world)


@ON_BOTH
def test_a_newer_batch_supersedes_what_nobody_began_and_waits_for_what_somebody_did(world: World) -> None:
    ready(world, overlap=2)
    world.select(1, 0, 1, 2)
    begun, held = world.lease(2)
    world.submit([begun], "water")
    world.select(2, 3)
    (closed,) = world.announced(events.BatchClosed)
    assert (len(closed.superseded), len(closed.outstanding), closed.train) == (1, 2, False)
    check(world)
    bob = world.lease(10, annotator="bob")
    assert begun.image in {task.image for task in bob}, "what was begun is not sent to the second annotator"
    assert held.image not in {task.image for task in bob}, "what is only leased was sent out once more"
    world.submit([task for task in bob if task.image == begun.image], "water")
    assert world.get().label_revision == 1
    world.submit([held], "road")
    (rest,) = [task for task in world.lease(10, annotator="bob") if task.image == held.image]
    world.submit([rest], "road")
    assert world.get().label_revision == 2
    check(world)


def test_a_last_lease_that_runs_out_releases_an_image_only_if_nobody_labels_it(world: World) -> None:
    ready(world, overlap=2)
    world.select(1, 0)
    world.lease(1, seconds=30)
    (longer,) = world.lease(1, annotator="bob", seconds=90)
    world.select(2, 3)
    world.database.advance(31)
    assert world.closer.step()
    assert not world.closer.step(), "the same lease was dealt with twice"
    assert [event.reason for event in world.announced(events.ImageReleased)] == []
    world.submit([longer], "water")
    (other,) = [task for task in world.lease(10) if task.image == longer.image]
    world.submit([other], "water")
    assert world.get().label_revision == 1
    check(world)


def test_a_stop_makes_label_sets_of_what_was_labelled_in_part(world: World) -> None:
    ready(world)
    world.select(1, 0, 1, 2)
    first, second = world.lease(2)
    world.submit([first], "water")
    stopped = world.stop()
    assert (stopped.state, stopped.state_reason) == (campaign_pb2.Campaign.STATE_STOPPED, "OPERATOR")
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, closed.train, closed.label_revision) == ("CAMPAIGN_STOPPED", True, 1)
    assert (len(closed.labelled), len(closed.outstanding)) == (1, 1)
    world.submit([second], "road")
    assert world.get().label_revision == 2, "who held it when it was stopped is heard"
    assert world.lease(annotator="bob") == []
    check(world)


def test_a_stop_labels_what_closed_batches_still_waited_for(world: World) -> None:
    ready(world)
    world.select(1, 0)
    label(world, "water")
    world.select(2, 1)
    assert world.get().label_revision == 0
    world.stop()
    assert verdicts(world, 0) == {"water": POSITIVE}
    assert not [row for row in world.rows(tables.tasks) if row.state == "open"]
    check(world)


def test_a_quarantined_image_is_sent_to_no_further_annotator(world: World) -> None:
    ready(world, overlap=2)
    world.select(1, 0, 1)
    both = world.lease(2)
    (mine,) = [task for task in both if task.image.endswith(image(0))]
    world.submit([mine], "water")
    world.quarantine(0)
    assert {task.image for task in world.lease(10, annotator="bob")} == {
        task.image for task in both if task is not mine
    }
    assert verdicts(world, 0) == {"water": POSITIVE}
    check(world)


def test_a_budget_of_annotations_counts_each(world: World) -> None:
    ready(world, budget=campaign_pb2.Budget(annotations=7))
    world.select(1, 0, 1, 2)
    (released,) = world.announced(events.ImageReleased)
    assert (released.reason, list(released.images)) == ("NOT_ACCEPTED", [image(2)])
    for annotator in "abc":
        label(world, "water", annotator=annotator)
    assert world.get().state_reason == "BUDGET_ANNOTATIONS", "one is left, and an image needs three"
    assert world.progress().annotations == 6
    check(world)


def test_a_batch_closes_at_its_fraction_of_images(world: World) -> None:
    ready(world, overlap=2, batch_policy=campaign_pb2.BatchPolicy(close_fraction=0.5))
    world.select(1, 0, 1, 2, 3)
    label(world, annotator="a")
    assert world.announced(events.BatchClosed) == [], "half the annotations are no half of the images"
    world.submit(world.lease(2, annotator="b"))
    (closed,) = world.announced(events.BatchClosed)
    assert (closed.reason, len(closed.labelled), len(closed.outstanding)) == ("CLOSE_FRACTION", 2, 2)
    label(world, annotator="b")
    assert world.progress().labelled_images == 4
    check(world)


@ON_BOTH
def test_an_image_that_could_not_be_read_is_labelled_in_a_later_batch_once_it_is_mended(world: World) -> None:
    ready(world, overlap=2)
    world.select(1, 0)
    (world.pool_folder / key(0)).unlink()
    assert world.lease() == []
    assert world.batch(1).skipped_images == 1
    world.put(0)
    world.import_all()
    world.select(2, 0)
    assert [label(world, "water", annotator=one) for one in ("ann", "bob")] == [1, 1]
    assert world.batch(2).close_reason == "COMPLETE"
    check(world)
