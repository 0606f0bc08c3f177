"""Embedding against a database and two buckets: what it writes, keeps, leaves out and survives."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from aloft.api.embedding.v1 import embedding_service_pb2 as api
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.embedding.store.tables import METADATA
from aloft.kit.bus.context import NotYet, Poison
from aloft.kit.errors import InvalidArgument, NotFound
from aloft.kit.ids import image_id
from aloft.kit.jobs import State
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.rpc.call import Call
from tests.integration.embedding_world import (
    CAMPAIGN,
    OPERATOR,
    Watched,
    World,
    ids,
    opened,
    picture,
)


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, admin_url) as made:
        yield made


@pytest.fixture
def other(tmp_path: Path) -> Iterator[World]:
    """The same campaign elsewhere, in other batches and shards."""
    folder = tmp_path / "other"
    folder.mkdir()
    with opened(folder, batch=7, shard_images=100) as made:
        yield made


@pytest.fixture
def embedded(world: World) -> World:
    """Ten images, embedded under version 1."""
    world.campaign()
    world.add(*range(10))
    world.publish()
    world.work()
    return world


def test_the_migration_makes_the_tables_that_the_code_declares(world: World) -> None:
    with world.database.transaction() as tx:
        context = MigrationContext.configure(
            tx.connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name in METADATA.tables},
        )
        assert compare_metadata(context, METADATA) == []


def test_the_whole_pool_is_embedded_and_announced_once(embedded: World) -> None:
    (event,) = embedded.pools()
    assert (event.version, event.generation, event.images) == (1, 1, 10)
    assert set(embedded.features()) == ids(range(10))
    assert [shard.rows for shard in embedded.manifest().shards] == [4, 4, 2], "shards have four images each"
    assert embedded.pool() == api.Pool(
        name="campaigns/c/pool",
        model_version=1,
        generation=1,
        manifest_digest=event.manifest_digest,
        registered_images=10,
        embedded_images=10,
    )


def test_features_are_those_of_the_images_whatever_the_batches(embedded: World, other: World) -> None:
    other.campaign()
    other.add(*reversed(range(10)))
    other.publish()
    other.work()
    wanted = embedded.features()
    for image, features in other.features().items():
        np.testing.assert_allclose(features, wanted[image], rtol=2e-3, atol=1e-6, err_msg=image)


def test_the_same_images_give_the_same_shards_in_whatever_order_they_came(
    embedded: World, other: World
) -> None:
    other.options = embedded.options
    other.campaign()
    other.publish()
    other.add(*reversed(range(10)))
    other.work()
    digests = [[shard.digest for shard in each.manifest().shards] for each in (embedded, other)]
    assert digests[0] == digests[1]


def test_a_repeated_event_changes_nothing(embedded: World) -> None:
    before = embedded.pool()
    embedded.publish()
    embedded.work()
    assert embedded.pool() == before
    assert len(embedded.pools()) == 1, "the same manifest was announced twice"


def test_only_new_images_are_opened(embedded: World) -> None:
    old = embedded.manifest().shards
    pool = Watched(embedded.images)
    embedded.add(10, 11, 12)
    embedded.work(embedded.worker(pool=pool))
    assert sorted(pool.opened) == ["10.png", "11.png", "12.png"]
    assert embedded.pools()[-1].generation == 2
    assert embedded.manifest().shards[: len(old)] == old, "new images must not make new old shards"
    assert set(embedded.features()) == ids(range(13))


def test_a_version_with_the_same_backbone_opens_no_image(embedded: World) -> None:
    pool = Watched(embedded.images)
    embedded.publish(version=2)
    embedded.work(embedded.worker(pool=pool))
    assert pool.opened == []
    assert [(event.version, event.generation) for event in embedded.pools()] == [(1, 1), (2, 2)]
    assert set(embedded.features()) == ids(range(10))


def test_a_version_with_another_backbone_embeds_everything_anew(embedded: World) -> None:
    before = embedded.features()
    embedded.publish(version=2, seed=2)
    embedded.work()
    after = embedded.features()
    assert after.keys() == before.keys()
    assert all(not np.array_equal(after[image], before[image]) for image in before)


def test_only_what_was_promoted_and_is_newest_is_embedded(embedded: World) -> None:
    embedded.publish(version=3, promoted=False, seed=3)
    embedded.publish(version=2, seed=2)
    embedded.publish(version=1)
    embedded.work()
    assert [event.version for event in embedded.pools()] == [1, 2]


def test_held_out_images_are_not_embedded(world: World) -> None:
    world.campaign()
    world.put(1, 2, 3)
    world.register("1.png")
    world.register("2.png", split=labels.SPLIT_VALIDATION)
    world.register("3.png", split=labels.SPLIT_TEST)
    world.publish()
    world.work()
    assert set(world.features()) == ids([1])


def test_a_replaced_image_counts_once_and_as_it_is_now(embedded: World) -> None:
    before = embedded.features()
    embedded.images.put("3.png", picture(333))
    embedded.register("3.png")
    embedded.work()
    after = embedded.features()
    changed = {image for image in after if not np.array_equal(after[image], before[image])}
    assert changed == ids([3])
    assert len(after) == 10


def test_an_older_registration_is_ignored(embedded: World) -> None:
    old = embedded.registered("3.png")
    embedded.register("3.png")
    embedded.work()
    before = embedded.manifest()
    embedded.say(events.ImageRegistered(campaign=CAMPAIGN, images=[old]))
    embedded.work()
    assert embedded.manifest() == before


def test_each_bad_image_is_quarantined_with_its_reason_and_stops_nothing(world: World) -> None:
    world.campaign()
    world.put(*range(8))
    world.images.put("1.png", b"no image")
    world.images.put("2.png", picture(2, bands=1))
    world.images.put("7.png", b"x" * ((1 << 20) + 1))
    world.register(*(f"{number}.png" for number in range(8)))
    world.images.delete(["3.png"])
    world.images.put("4.png", picture(444))
    world.publish()
    world.work()
    reasons = {1: "UNREADABLE", 2: "WRONG_BANDS", 3: "MISSING", 4: "CHANGED", 7: "UNREADABLE"}
    assert world.quarantined() == {image_id(f"{number}.png"): why for number, why in reasons.items()}
    assert set(world.features()) == ids([0, 5, 6])
    found = world.pool()
    assert (found.registered_images, found.quarantined_images, found.waiting_for) == (8, 5, "")


def test_a_quarantined_image_is_taken_again_when_it_is_registered_anew(world: World) -> None:
    world.campaign()
    world.put(1, 2)
    world.images.put("1.png", b"no image")
    world.register("1.png", "2.png")
    world.publish()
    world.work()
    world.add(1)
    world.work()
    assert set(world.features()) == ids([1, 2])
    assert len(world.announced(events.ImageQuarantined)) == 1


def test_an_embedded_image_that_goes_bad_leaves_the_manifest(embedded: World) -> None:
    embedded.images.put("3.png", b"no image any more")
    embedded.register("3.png")
    embedded.work()
    assert set(embedded.features()) == ids(set(range(10)) - {3})
    assert embedded.pools()[-1].images == 9


def test_a_pool_of_nothing_but_bad_images_announces_no_manifest(world: World) -> None:
    world.campaign()
    for number in range(9):
        world.images.put(f"{number}.png", b"no image")
    world.register(*(f"{number}.png" for number in range(9)))
    world.publish()
    world.work()
    assert len(world.quarantined()) == 9
    assert world.pools() == []
    assert world.pool().waiting_for == "usable images: all 9 of the pool are quarantined"


def test_a_store_that_is_away_quarantines_nothing(world: World) -> None:
    world.campaign()
    world.add(*range(6))
    world.publish()
    pool = Watched(world.images)
    pool.away = True
    for _ in range(8):
        world.work(world.worker(pool=pool))
        world.database.advance(400)
    assert world.quarantined() == {}
    assert "the store does not answer" in world.pool().waiting_for
    pool.away = False
    world.work(world.worker(pool=pool))
    assert set(world.features()) == ids(range(6)), "the job must outlast any number of failures"


def test_images_may_come_by_a_manifest(world: World) -> None:
    world.campaign()
    world.put(*range(5))
    listed = [world.registered(f"{number}.png") for number in range(5)]
    data = events.ImageRegistered(campaign=CAMPAIGN, images=listed).SerializeToString()
    world.objects.put("imports/1", data)
    by_manifest = events.ImageRegistered(
        campaign=CAMPAIGN, manifest_key="imports/1", manifest_digest=sha256_hex(data)
    )
    world.say(by_manifest)
    world.publish()
    world.work()
    assert set(world.features()) == ids(range(5))
    by_manifest.manifest_digest = "0" * 64
    with pytest.raises(Poison, match="imports/1"):
        world.say(by_manifest)


def test_what_speaks_of_an_unknown_campaign_waits_for_it(world: World) -> None:
    with pytest.raises(NotYet):
        world.add(1)
    with pytest.raises(NotYet):
        world.publish()


def test_a_specification_that_makes_no_sense_is_poison(world: World) -> None:
    with pytest.raises(Poison, match=r"image_spec\.std"):
        world.campaign(image_spec=labels.ImageSpec(bands=3, std=[0.0, 1.0, 1.0]))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"artefact_digest": "0" * 64}, "published was 0000"),
        ({"artefact_key": "campaigns/c/models/1/gone"}, "no object"),
        ({"backbone_digest": "0" * 64}, "published was 0000"),
        ({"architecture": "resnet18"}, "not those of resnet18"),
        ({"architecture": "nonsense"}, "no architecture 'nonsense'"),
    ],
)
def test_an_artefact_that_is_not_what_was_published_is_not_used(
    world: World, wrong: dict[str, Any], why: str
) -> None:
    world.campaign()
    world.add(1)
    world.publish(**wrong)
    world.work()
    assert world.pools() == []
    assert why in world.pool().waiting_for
    world.publish(version=2)
    world.work()
    assert world.pools()[-1].version == 2


def test_the_pool_says_what_it_waits_for(world: World) -> None:
    with pytest.raises(NotFound):
        world.pool()
    world.campaign()
    assert world.pool().waiting_for == "a promoted model version: the trainer has published none"
    world.publish()
    world.work()
    assert world.pool().waiting_for == "images: none is registered for the pool"
    world.add(1, 2)
    assert world.pool().waiting_for == "the features of 2 images under version 1: a job is queued"
    lease = world.jobs.claim(["embed"], "another", 30)
    assert lease is not None
    lease.heartbeat(done=1, total=2, stage="embedding")
    assert world.pool().waiting_for == "the features of 2 images under version 1: embedding, 1 of 2 done"


def test_a_name_that_is_no_pools_is_refused(world: World) -> None:
    with pytest.raises(InvalidArgument):
        world.servicer.GetPool(api.GetPoolRequest(name="campaigns/c"), Call.by(OPERATOR))


def test_a_finished_job_says_what_it_did(embedded: World) -> None:
    with embedded.database.read() as tx:
        (job,) = embedded.jobs.list(tx, campaign=CAMPAIGN)
    assert job.state is State.SUCCEEDED
    assert job.result == {"version": 1, "images": 10}
