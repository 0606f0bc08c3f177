"""What images that come, go and come back do to batches."""

import pytest
import sqlalchemy as sa

from aloft.acquisition.store.tables import images
from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus.context import Poison
from aloft.kit.objects.digests import sha256_hex
from tests.integration.acquisition.world import CAMPAIGN, World, begin, image


def test_a_quarantined_image_is_neither_ranked_nor_selected(world: World) -> None:
    world.campaign(size=8)
    world.publish()
    world.quarantine(image(3))
    world.embed(range(8))
    world.work()
    assert world.rankings()[0].images == 7
    assert image(3) not in world.batch(1)


def test_an_image_that_was_replaced_after_its_quarantine_is_selected_like_any_other(world: World) -> None:
    world.campaign(size=8)
    world.publish()
    world.quarantine(image(3))
    world.quarantine(image(4), version=2)
    world.register(image(3), version=2)
    world.register(image(4), version=2)
    world.embed(range(8))
    world.work()
    assert image(3) in world.batch(1)
    assert image(4) not in world.batch(1), "the version that was quarantined was sent out"


def test_what_is_said_of_an_older_version_of_an_image_changes_nothing(world: World) -> None:
    world.campaign()
    world.register(image(3), version=3)
    world.quarantine(image(3), version=2)
    world.register(image(3), version=2, split="TEST")
    assert image(3) not in world.taken()
    world.quarantine(image(3), version=3)
    world.register(image(3), version=3)
    assert image(3) in world.taken()


def test_an_image_that_leaves_the_pool_for_another_split_is_no_longer_selected(world: World) -> None:
    world.campaign(size=8)
    world.publish()
    world.embed(range(8))
    world.register(image(5), version=2, split="VALIDATION")
    world.work()
    assert image(5) not in world.batch(1)


def test_registrations_that_lie_in_an_object_are_read_there(sqlite: World) -> None:
    sqlite.campaign()
    body = events.ImageRegistered(images=[sqlite.registered(image(5), 2, "TEST")]).SerializeToString()
    sqlite.objects.put("registrations", body)
    said = events.ImageRegistered(campaign=CAMPAIGN, manifest_key="registrations")
    with pytest.raises(Poison, match="the event says"):
        sqlite.say(said)
    said.manifest_digest = sha256_hex(body)
    sqlite.say(said)
    assert sqlite.taken() == {image(5)}


def test_an_image_that_is_new_needs_no_row(sqlite: World) -> None:
    sqlite.campaign()
    sqlite.register(image(1))
    sqlite.register(image(2), split="TEST")
    with sqlite.database.read() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(images)).scalar_one() == 0


def test_a_replaced_image_ends_the_exhaustion(sqlite: World) -> None:
    sqlite.campaign(size=1)
    sqlite.publish()
    sqlite.embed(range(2))
    sqlite.work()
    (sent,) = sqlite.batch(1)
    (other,) = {image(0), image(1)} - {sent}
    sqlite.quarantine(other)
    sqlite.label_and_close(1)
    sqlite.work()
    assert "exhausted" in sqlite.waiting_for()
    sqlite.register(other, version=2)
    sqlite.work()
    assert sqlite.batch(2) == [other]


def test_new_images_are_ranked_and_leave_the_open_batch_alone(world: World) -> None:
    begin(world)
    world.embed(range(12))
    world.work()
    newest = world.rankings()[0]
    assert (newest.images, newest.generation) == (12, 2)
    assert len(world.selected()) == 1
    world.label_and_close(1)
    world.work()
    assert world.selected()[1].ranking == newest.name


def test_a_released_image_ends_the_exhaustion(world: World) -> None:
    begin(world, images=2)
    one, two = world.batch(1)
    world.label([one])
    world.close(1, "CLOSE_FRACTION", accepted=[one, two], labelled=[one], outstanding=[two])
    world.work()
    assert "exhausted" in world.waiting_for()
    world.release(1, [two])
    world.work()
    assert world.batch(2) == [two]
