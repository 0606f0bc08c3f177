"""Tidying up: what goes, what stays, and that nobody at work loses anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aloft.api.embedding.v1 import embedding_service_pb2 as api
from aloft.kit.errors import NotFound
from aloft.kit.rpc.call import Call
from tests.integration.embedding_world import OPERATOR, Dying, Killed, World, head, ids, opened

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
