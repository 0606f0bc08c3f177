"""Tidying up: what goes, what stays, and that nobody at work loses anything."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import pytest

from aloft.api.embedding.v1 import embedding_service_pb2 as api
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.embedding.use_cases.collect_garbage import collect_garbage
from aloft.kit.errors import NotFound
from aloft.kit.objects.port import Objects
from aloft.kit.rpc.call import Call
from aloft.shards import Manifest, read_manifest, stream, stream_logits
from tests.integration.embedding_world import OPERATOR, Dying, Killed, Watched, World, head, ids, opened

HOUR_S = 3601


def versions(world: World) -> World:
    """Five images under a base version, then under two versions that each changed the backbone."""
    world.campaign()
    world.add(*range(5))
    world.publish()
    world.work()
    for version in (2, 3):
        world.publish(version=version, seed=version, head=head(version))
        world.work()
    return world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        yield versions(made)


def backbone(world: World, version: int) -> str:
    return {event.version: event.backbone_digest for event in world.pools()}[version]


def test_features_of_older_backbones_go_and_the_previous_stay(tmp_path: Path, admin_url: str | None) -> None:
    with opened(tmp_path, admin_url) as made:
        world = versions(made)
        before = world.stored()
        removed = world.collect()
        gone = before - world.stored()
        assert gone == {
            key for key in before if key.startswith(f"campaigns/c/features/{backbone(world, 1)}/")
        }
        assert removed.objects == len(gone) == 3, "two shards and a manifest"
        assert set(removed.keys) == gone
        assert removed.bytes > 0
        assert {key.split("/")[3] for key in world.stored() if "/features/" in key} == {
            backbone(world, 2),
            backbone(world, 3),
        }
        assert world.collect() == api.CollectPoolGarbageResponse()


def test_a_dry_run_says_the_same_and_removes_nothing(world: World) -> None:
    before = world.stored()
    said = world.collect(dry_run=True)
    assert world.stored() == before
    assert said == world.collect()
    assert world.stored() == before - set(said.keys)


def test_the_newest_manifest_reads_as_before(world: World) -> None:
    features, logits = world.features(), world.logits()
    world.collect()
    assert world.features().keys() == features.keys() == ids(range(5))
    assert world.logits().keys() == logits.keys()
    world.add(5)
    world.work()
    assert set(world.logits()) == ids(range(6))


def test_a_backbone_whose_features_went_is_embedded_anew(world: World) -> None:
    world.collect()
    world.publish(version=4, seed=1, head=head(4))
    world.work()
    assert set(world.logits()) == ids(range(5))
    assert world.pools()[-1].version == 4


def test_manifests_that_were_replaced_outlive_it_for_an_hour(world: World) -> None:
    old = world.pools()[-1].manifest_key
    world.add(5)
    world.work()
    world.collect()
    assert old in world.stored(), "somebody may have begun to read it"
    world.database.advance(HOUR_S)
    assert old in world.collect().keys
    assert old not in world.stored()
    assert world.pools()[-1].manifest_key in world.stored()


def manifest_of(world: World, event: events.PoolEmbedded) -> Manifest:
    return read_manifest(world.objects, event.manifest_key, event.manifest_digest)


def readable(world: World, event: events.PoolEmbedded) -> tuple[int, int]:
    """Read a manifest with all that it names; say how many images have features, and logits."""
    manifest = manifest_of(world, event)
    features = sum(len(rows) for rows in stream(world.objects, manifest))
    return features, sum(len(rows) for rows in stream_logits(world.objects, manifest))


@pytest.fixture
def recolumned(tmp_path: Path) -> Iterator[World]:
    """Twelve images in three shards, and a strategy that came to need a column beside their logits."""
    with opened(tmp_path) as world:
        world.campaign(strategy=labels.Strategy(expression="mge+kmeans", seed=1))
        world.add(*range(12))
        world.publish(head=head(1))
        world.work()
        world.campaign(2, strategy=labels.Strategy(expression="bald", seed=1))
        yield world


def test_the_manifest_in_force_reads_while_those_columns_are_made_that_the_next_one_names(
    recolumned: World,
) -> None:
    with pytest.raises(Killed):
        recolumned.work(recolumned.worker(objects=Dying(recolumned.objects, puts=1)))
    (event,) = recolumned.pools()
    assert recolumned.collect().objects == 0
    assert readable(recolumned, event) == (12, 12)


def test_a_replaced_manifest_keeps_its_shards_as_long_as_itself(recolumned: World) -> None:
    recolumned.work()
    old, new = recolumned.pools()
    replaced = {shard.logits.key for shard in manifest_of(recolumned, old).shards if shard.logits}
    assert recolumned.collect().objects == 0
    assert readable(recolumned, old) == (12, 12), "somebody may have begun to read it"
    recolumned.database.advance(HOUR_S)
    assert set(recolumned.collect().keys) == {old.manifest_key, *replaced}
    assert readable(recolumned, new) == (12, 12)


def test_a_manifest_that_is_gone_does_not_stop_the_tidying(recolumned: World) -> None:
    recolumned.work()
    old, new = recolumned.pools()
    recolumned.objects.delete([old.manifest_key])
    assert recolumned.collect().objects == 3, "the logits that it alone named"
    assert readable(recolumned, new) == (12, 12)


def test_a_manifest_that_a_queued_job_will_announce_is_not_deleted_under_it(world: World) -> None:
    class Failing(Watched):
        """A bucket behind which the database is away, once the manifest lies there."""

        def put(self, key: str, *arguments: object, **named: object) -> object:
            stored = self.objects.put(key, *arguments, **named)
            if key.endswith(".json"):
                raise ConnectionError("the database is away")
            return stored

    class Slow(Watched):
        """A bucket that deletes after a job has been at work: what goes was decided before."""

        def delete(self, keys: Iterable[str]) -> None:
            decided = list(keys)
            world.database.advance(10)
            world.work()
            self.objects.delete(decided)

    world.add(5)
    world.work(world.worker(objects=Failing(world.objects)))
    collect_garbage(world.database, cast(Objects, Slow(world.objects)), world.name, dry_run=False)
    assert readable(world, world.pools()[-1]) == (6, 6)


def test_what_a_killed_job_left_goes_once_it_is_begun_again(world: World) -> None:
    world.collect()
    world.publish(version=4, seed=3, head=head(4))

    class DyingAfter(Dying):
        def put(self, *arguments: object, **named: object) -> object:
            stored = self.objects.put(*arguments, **named)
            self.puts -= 1
            if self.puts < 0:
                raise Killed
            return stored

    before = world.stored()
    with pytest.raises(Killed):
        world.work(world.worker(objects=DyingAfter(world.objects, puts=0)))
    (left,) = world.stored() - before
    assert left not in world.collect().keys, "its attempt may be at work still"
    world.database.advance(60)
    world.work()
    assert world.collect().keys == [left]
    assert set(world.logits()) == ids(range(5))


def test_a_job_at_work_loses_nothing(world: World) -> None:
    world.publish(version=4, seed=4, head=head(4))

    class Tidied(Dying):
        """A bucket in which somebody tidies up after everything that is stored."""

        def put(self, *arguments: object, **named: object) -> object:
            stored = self.objects.put(*arguments, **named)
            world.collect()
            return stored

    world.work(world.worker(objects=Tidied(world.objects, puts=0)))
    assert world.pools()[-1].version == 4
    assert set(world.logits()) == ids(range(5))
    assert set(world.features()) == ids(range(5))


def test_campaigns_do_not_tidy_up_each_others_pools(world: World, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    beside = World(world.database, tmp_path / "beside", campaign="beside")
    beside.objects = world.objects
    beside.campaign()
    beside.add(1)
    beside.publish()
    beside.work()
    world.collect()
    assert set(beside.features()) == ids([1])


def test_a_pool_that_is_not_known_is_not_tidied_up(world: World) -> None:
    asked = api.CollectPoolGarbageRequest(name="campaigns/unknown/pool")
    with pytest.raises(NotFound):
        world.servicer.CollectPoolGarbage(asked, Call.by(OPERATOR))
