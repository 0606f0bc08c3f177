"""Logits: made from the features that lie in the store, resumed, superseded, or named as impossible."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prometheus_client import Counter

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.embedding import metrics
from aloft.embedding.use_cases.embed_pool import MENDED_S
from aloft.kit.bus.context import Poison
from aloft.kit.explaining import Kind
from aloft.kit.objects.errors import StoreUnavailable
from aloft.networks import Head
from aloft.networks.extractor import Pending
from aloft.shards import stream, stream_logits
from tests.integration.embedding_world import (
    LABELS,
    Dying,
    Killed,
    Watched,
    World,
    head,
    ids,
    opened,
    picture,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Ten images, embedded under version 1, which has no head."""
    with opened(tmp_path) as made:
        yield embedded(made)


def embedded(world: World) -> World:
    world.campaign()
    world.add(*range(10))
    world.publish()
    world.work()
    return world


def value(counter: Counter) -> float:
    """Read what a metric counted so far."""
    ((counted, *_),) = (metric.samples for metric in counter.collect())
    return counted.value


def product(world: World, given: Head) -> dict[str, Any]:
    return {
        image: features.astype(np.float32) @ given.weight.T + given.bias
        for image, features in world.features().items()
    }


def assert_scored(world: World, given: Head) -> None:
    found, wanted = world.logits(), product(world, given)
    assert found.keys() == wanted.keys()
    for image, logits in wanted.items():
        np.testing.assert_allclose(found[image], logits, rtol=1e-5, atol=1e-6, err_msg=image)


def test_a_head_on_a_known_backbone_opens_no_image_and_writes_no_features(
    tmp_path: Path, admin_url: str | None
) -> None:
    with opened(tmp_path, admin_url) as world:
        before = embedded(world).manifest().shards
        pool = Watched(world.images)
        world.publish(version=2, head=head(2))
        world.work(world.worker(pool=pool))
        assert pool.opened == []
        after = world.manifest()
        assert tuple(replace(shard, logits=None) for shard in after.shards) == before
        assert after.labels == LABELS
        assert_scored(world, head(2))
        assert world.pools()[-1].manifest_key.startswith("campaigns/c/logits/2/")


def test_a_head_on_a_new_backbone_brings_features_and_logits(world: World) -> None:
    before = world.features()
    world.publish(version=2, seed=2, head=head(2))
    world.work()
    after = world.features()
    assert all(not np.array_equal(after[image], before[image]) for image in before)
    assert_scored(world, head(2))


def test_norms_beside_logits_are_those_of_the_features_before_rounding(world: World) -> None:
    world.publish(version=2, head=head(2))
    world.work()
    manifest = world.manifest()
    for features, logits in zip(
        stream(world.objects, manifest), stream_logits(world.objects, manifest), strict=True
    ):
        np.testing.assert_array_equal(logits.norms, features.norms)
        np.testing.assert_array_equal(logits.images, features.images)


def test_an_artefact_is_fetched_once(world: World) -> None:
    class Fetched(Watched):
        def get(self, key: str) -> bytes:
            self.opened.append(key)
            data: bytes = self.objects.get(key)
            return data

    bucket = Fetched(world.objects)
    event = world.publish(version=2, seed=2, head=head(2))
    worker = world.worker(objects=bucket)
    world.work(worker)
    world.add(10)
    world.work(worker)
    assert bucket.opened.count(event.artefact_key) == 1


def test_new_images_get_features_and_logits_under_the_current_version_alone(world: World) -> None:
    world.publish(version=2, seed=2, head=head(2))
    world.work()
    old = world.manifest().shards
    keys = world.stored()
    pool = Watched(world.images)
    world.add(10, 11)
    world.work(world.worker(pool=pool))
    assert sorted(pool.opened) == ["10.png", "11.png"]
    assert world.manifest().shards[: len(old)] == old, "no old shard is written anew"
    assert_scored(world, head(2))
    assert set(world.logits()) == ids(range(12))
    fresh = {key.rsplit("/", 1)[0] for key in world.stored() - keys}
    backbone = world.manifest().backbone
    assert fresh == {f"campaigns/c/features/{backbone}", "campaigns/c/logits/2"}


def test_a_killed_job_repeats_only_the_logits_that_are_missing(world: World) -> None:
    world.publish(version=2, head=head(2))
    with pytest.raises(Killed):
        world.work(world.worker(objects=Dying(world.objects, puts=1)))
    made = {key for key in world.stored() if key.startswith("campaigns/c/logits/")}
    assert len(made) == 1
    world.database.advance(60)
    scored = value(metrics.SCORED)
    world.work()
    assert value(metrics.SCORED) - scored == 6, "four of ten images were scored before"
    parts = [shard.logits.key for shard in world.manifest().shards if shard.logits]
    assert {parts[0]} == made
    assert all(key.endswith("-2.arrow") for key in parts[1:]), "a later attempt has names of its own"
    assert_scored(world, head(2))


def test_a_job_killed_between_features_and_logits_keeps_the_features(world: World) -> None:
    world.publish(version=2, seed=2, head=head(2))
    with pytest.raises(Killed):
        world.work(world.worker(objects=Dying(world.objects, puts=3)))
    world.database.advance(60)
    pool = Watched(world.images)
    world.work(world.worker(pool=pool))
    assert pool.opened == []
    assert_scored(world, head(2))


def test_progress_is_told_in_images(world: World) -> None:
    world.publish(version=2, head=head(2))
    bucket = Dying(world.objects, puts=2)
    with pytest.raises(Killed):
        world.work(world.worker(objects=bucket))
    assert world.pool().waiting_for == "the logits of 2 images under version 2: logits, 8 of 10 done"


def test_a_version_without_a_head_makes_no_logits(world: World) -> None:
    assert world.manifest().labels == ()
    assert not [key for key in world.stored() if "/logits/" in key]


def test_the_next_head_leaves_the_logits_of_the_one_before(world: World) -> None:
    for version in (2, 3):
        world.publish(version=version, head=head(version))
        world.work()
        assert_scored(world, head(version))
    assert [event.version for event in world.pools()] == [1, 2, 3]
    of_two = [key for key in world.stored() if key.startswith("campaigns/c/logits/2/part-")]
    assert len(of_two) == 3, "a strategy may compare two versions"


def test_an_image_that_becomes_held_out_leaves_the_pool_without_a_new_shard(world: World) -> None:
    world.publish(version=2, head=head(2))
    world.work()
    keys = {key for key in world.stored() if key.endswith(".arrow")}
    world.register("3.png", split=labels.SPLIT_VALIDATION)
    world.work()
    assert set(world.logits()) == ids(set(range(10)) - {3})
    assert {key for key in world.stored() if key.endswith(".arrow")} == keys


def test_a_replaced_image_has_the_logits_of_what_it_is_now(world: World) -> None:
    world.publish(version=2, head=head(2))
    world.work()
    before = world.logits()
    world.images.put("3.png", picture(333))
    world.register("3.png")
    world.work()
    after = world.logits()
    assert {image for image in after if not np.array_equal(after[image], before[image])} == ids([3])
    assert_scored(world, head(2))


def test_a_quarantined_image_says_which_version_of_it_is_meant(world: World) -> None:
    world.images.put("3.png", b"no image any more")
    world.register("3.png")
    world.work()
    world.images.put("3.png", picture(333))
    world.register("3.png")
    world.work()
    (event,) = world.announced(events.ImageQuarantined)
    assert event.image_version == 2
    assert set(world.features()) == ids(range(10)), "its third version is an image again"


def test_features_that_are_not_finite_stay_and_are_counted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = Pending.result

    def broken(pending: Pending) -> np.ndarray[Any, Any]:
        features = result(pending).copy()
        features[0, 5] = np.nan
        features[-1, 6] = 1e6
        return features

    monkeypatch.setattr(Pending, "result", broken)
    counted = value(metrics.NOT_FINITE)
    world.add(10, 11, 12)
    world.publish(version=2, head=head(2))
    world.work()
    found = world.logits()
    assert set(found) == ids(range(13)), "a broken image is the reader's to leave out"
    assert value(metrics.NOT_FINITE) - counted == 3
    assert sum(not np.isfinite(logits).all() for logits in found.values()) == 3


def damage(world: World, key: str) -> None:
    data = bytearray(world.objects.get(key))
    data[len(data) // 2] ^= 1
    world.objects.put(key, bytes(data))


@pytest.mark.parametrize("gone", [False, True], ids=["damaged", "missing"])
def test_a_shard_that_cannot_be_read_is_made_anew(world: World, gone: bool) -> None:
    broken = world.manifest().shards[1]
    if gone:
        world.objects.delete([broken.key])
    else:
        damage(world, broken.key)
    counted = value(metrics.DAMAGED)
    world.publish(version=2, head=head(2))
    pool = Watched(world.images)
    world.work(world.worker(pool=pool))
    assert "the features of its images are made anew" in world.pool().waiting_for
    world.database.advance(5)
    world.work(world.worker(pool=pool))
    assert len(pool.opened) == 4, "the images of one shard are read again"
    assert broken.key not in {shard.key for shard in world.manifest().shards}
    assert_scored(world, head(2))
    assert set(world.logits()) == ids(range(10))
    assert value(metrics.DAMAGED) - counted == 1


def test_logits_of_features_that_were_made_anew_are_made_anew(world: World) -> None:
    world.publish(version=2, head=head(2))
    world.work()
    broken = world.manifest().shards[2]
    damage(world, broken.key)
    world.publish(version=3, head=head(3))
    world.work()
    world.database.advance(5)
    world.work()
    assert_scored(world, head(3))


def test_a_tampered_artefact_is_named_and_counted_and_looked_at_again(world: World) -> None:
    event = world.publish(version=2, head=head(2))
    data = world.objects.get(event.artefact_key)
    world.objects.put(event.artefact_key, data[:-1] + bytes([data[-1] ^ 1]))
    counted = value(metrics.UNUSABLE)
    world.work()
    assert value(metrics.UNUSABLE) - counted == 1
    (cause,) = world.causes()
    assert (cause.kind, cause.code) == (Kind.STUCK, "ARTEFACT_UNUSABLE")
    assert event.artefact_digest in cause.waits_for
    assert event.artefact_key in cause.remedy
    world.database.advance(MENDED_S + 1)
    world.work()
    assert world.causes()[0].since_us == cause.since_us, "it has been so since it was first seen"
    assert [event.version for event in world.pools()] == [1]
    world.objects.put(event.artefact_key, data)
    world.database.advance(MENDED_S + 1)
    world.work()
    assert_scored(world, head(2))
    assert world.causes()[0].kind is Kind.IDLE


def test_a_later_good_version_takes_the_place_of_one_that_cannot_be_used(world: World) -> None:
    world.publish(version=2, head=head(2), artefact_digest="0" * 64)
    world.work()
    world.publish(version=3, head=head(3))
    world.work()
    assert_scored(world, head(3))
    assert world.causes()[0].kind is Kind.IDLE


@pytest.mark.parametrize(
    ("given", "said", "why"),
    [
        (head(2), {"labels": ("water", "ship")}, "shape (2, 32), it has one of shape (3, 32)"),
        (None, {"labels": LABELS, "base": False}, "shape (3, 32), it has none"),
    ],
    ids=["of other labels", "missing"],
)
def test_a_head_that_is_not_what_was_published_is_not_used(
    world: World, given: Head | None, said: dict[str, Any], why: str
) -> None:
    world.publish(version=2, head=given, **said)
    world.work()
    (cause,) = world.causes()
    assert cause.code == "ARTEFACT_UNUSABLE"
    assert cause.waits_for.endswith(why)


@pytest.mark.parametrize("said", [{"labels": ()}, {"base": True}])
def test_a_version_whose_labels_and_head_disagree_is_poison(world: World, said: dict[str, Any]) -> None:
    with pytest.raises(Poison, match="version 2 has"):
        world.publish(version=2, head=head(2), **said)


def test_a_campaign_that_fails_every_time_does_not_hold_up_another(world: World, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    good = World(world.database, tmp_path / "beside", campaign="good")
    good.objects = world.objects
    good.campaign()
    world.publish(version=2, head=head(2), artefact_digest="0" * 64)
    good.add(*range(6))
    good.publish()
    for seed in range(3):
        world.add(20 + seed)
        assert good.work(good.worker()) == (2 if seed == 0 else 1)
    assert set(good.features()) == ids(range(6))
    assert len(good.pools()) == 1
    assert world.causes()[0].code == "ARTEFACT_UNUSABLE"


def test_a_large_pool_takes_turns_with_a_small_one(world: World, tmp_path: Path) -> None:
    (tmp_path / "beside").mkdir()
    small = World(world.database, tmp_path / "beside", campaign="small")
    small.objects = world.objects
    small.images = world.images
    world.options = replace(world.options, turn_s=0)
    world.add(*range(10, 26))
    small.campaign()
    small.add(0, 1)
    small.publish()
    worker = world.worker()
    while not small.pools():
        assert worker.step(), "nobody embeds the small pool"
    assert len(world.pools()) == 1, "the small pool waited until the large one was done"
    parts = len([key for key in world.stored() if "/features/" in key and key.endswith(".arrow")])
    assert parts == 4, "a turn is one shard"
    world.work(worker)
    assert set(world.features()) == ids(range(26))


def test_jobs_that_fail_do_not_grow_in_number_with_the_events(world: World) -> None:
    away = Watched(world.images)
    away.away = True
    for number in range(10, 16):
        world.add(number)
        world.work(world.worker(pool=away))
        world.database.advance(1)
    with world.database.read() as tx:
        live = [job for job in world.jobs.list(tx) if not job.state.ended]
    assert len(live) == 1, "a job takes over from those that failed before it"
    assert StoreUnavailable("").reason in (live[0].error or "")
    world.database.advance(400)
    world.work()
    assert set(world.features()) == ids(range(16))
