"""Shards that are lost, or of which no row counts any more: the pool comes to be whole, and no larger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aloft.shards import Shard
from tests.integration.embedding_world import World, head, ids, opened


@pytest.fixture
def world(admin_url: str | None, tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path, admin_url) as made:
        made.campaign()
        made.add(*range(8))
        yield made


def all_of(world: World) -> None:
    """Have every job done, those included that wait to be tried again."""
    world.work()
    world.database.advance(30)
    world.work()


def first(world: World) -> Shard:
    return world.manifest().shards[0]


@pytest.mark.parametrize("which", ["features", "logits"])
def test_a_lost_shard_is_made_anew_with_the_next_image(world: World, which: str) -> None:
    world.publish(1, head=head(1))
    world.work()
    before = world.logits()
    shard = first(world)
    assert shard.logits is not None
    world.objects.delete([shard.key if which == "features" else shard.logits.key])
    world.add(8)
    all_of(world)
    assert set(world.logits()) == ids(range(9))
    assert set(world.features()) == ids(range(9))
    assert all((world.logits()[image] == before[image]).all() for image in before)


def test_a_lost_shard_of_a_base_version_is_made_anew_when_somebody_tidies_up(world: World) -> None:
    world.publish(1)
    world.work()
    world.objects.delete([first(world).key])
    looked = world.collect(dry_run=True)
    assert (looked.lost_objects, world.work()) == (1, 0)
    assert world.collect().lost_objects == 1
    all_of(world)
    assert set(world.features()) == ids(range(8))
    assert world.collect().lost_objects == 0
    assert world.work() == 0


def test_a_lost_manifest_is_written_again(world: World) -> None:
    world.publish(1)
    world.work()
    said = world.pools()[-1]
    world.objects.delete([said.manifest_key])
    world.collect()
    all_of(world)
    assert world.pools() == [said]
    assert set(world.features()) == ids(range(8))


def test_a_shard_of_which_no_row_counts_is_no_part_of_the_pool(world: World) -> None:
    world.publish(1, head=head(1))
    world.work()
    for other in (4, 5, 6):
        world.images.put("3.png", world.images.get(f"{other}.png"))
        world.register("3.png")
        world.work()
    manifest = world.manifest()
    assert sorted(shard.images for shard in manifest.shards) == [1, 3, 4]
    world.database.advance(3601)
    world.collect()
    kept = {shard.key for shard in manifest.shards}
    assert {key for key in world.stored() if "/features/" in key and key.endswith(".arrow")} == kept
    assert set(world.logits()) == ids(range(8))
