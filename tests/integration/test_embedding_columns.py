"""Columns beside the logits: made when a campaign's strategy needs them, from what the version can give."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aloft.imagery import ImageSpec, preprocess
from aloft.kit.explaining import Kind
from aloft.learning import features_of
from aloft.learning.bald import mutual_information
from aloft.networks import LossHead, build, choose_device
from aloft.networks.loss_head import Layer
from aloft.strategies.seeds import derive
from tests.integration.embedding_world import (
    FEATURES,
    Dying,
    Killed,
    Watched,
    World,
    head,
    ids,
    opened,
    picture,
)

BALD, MLL, MGE = ({"expression": name, "seed": 2**64 - 1} for name in ("bald+kmeans", "mll", "mge+kmeans"))


def layer(outputs: int, inputs: int) -> Layer:
    drawn = np.random.default_rng(outputs + inputs)
    return Layer(
        drawn.normal(size=(outputs, inputs)).astype(np.float32), drawn.normal(size=outputs).astype(np.float32)
    )


ON_FEATURES = LossHead([layer(4, FEATURES)], layer(1, 4), staged=False)
ON_STAGES = LossHead([layer(4, 8), layer(4, 16), layer(4, 32)], layer(1, 12), staged=True)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with opened(tmp_path) as made:
        yield made


def embedded(world: World, strategy: dict[str, Any], losses: LossHead | None = None) -> World:
    """Embed ten images under version 2, which has a head, in shards of four, four and two."""
    world.campaign(strategy=strategy)
    world.add(*range(10))
    world.publish(version=2, head=head(2), losses=losses)
    world.work()
    return world


def assert_idle(world: World) -> None:
    assert world.causes()[0].kind is Kind.IDLE, world.causes()[0].waits_for


def foretold(numbers: range, seed: int = 1) -> dict[str, float]:
    """Foretell the losses of images from stages of the network, as one batch."""
    spec = ImageSpec(height=16, width=16, bands=3)
    images = np.stack([preprocess(picture(number), spec) for number in numbers])
    both = features_of(build("tiny", seed=seed), images, choose_device("cpu"), staged=True)
    losses = ON_STAGES.predict(both[:, FEATURES:])
    return dict(zip((next(iter(ids([number]))) for number in numbers), losses.tolist(), strict=True))


def test_a_strategy_that_needs_no_column_gets_none(world: World) -> None:
    embedded(world, MGE, ON_FEATURES)
    assert world.manifest().columns == ()


def test_what_passes_with_dropout_disagree_about_lies_beside_the_logits(
    tmp_path: Path, admin_url: str | None
) -> None:
    with opened(tmp_path, admin_url) as world:
        embedded(world, BALD)
        assert world.manifest().columns == ("bald",)
        found = world.column("bald")
        assert set(found) == ids(range(10))
        assert all(0 < value <= 1 for value in found.values()), "dropout is not active"
        assert_idle(world)


def test_an_image_has_its_value_whatever_shard_it_lies_in(tmp_path: Path) -> None:
    found = []
    for size in (3, 10):
        (tmp_path / str(size)).mkdir()
        with opened(tmp_path / str(size), shard_images=size) as world:
            found.append(embedded(world, BALD).column("bald"))
    assert found[0] == found[1]


def test_the_seed_of_the_campaign_and_the_version_decide_the_masks(world: World) -> None:
    embedded(world, BALD)
    before = world.column("bald")
    assert_masked(world, before, version=2)
    world.publish(version=3, head=head(2))
    world.work()
    assert_masked(world, world.column("bald"), version=3)
    assert world.column("bald") != before


def assert_masked(world: World, found: dict[str, float], version: int) -> None:
    """Compare a column with the masks that the campaign's seed and the version give."""
    seed = derive(2**64 - 1, "bald", version) // 2
    features = np.stack([world.features()[image] for image in found])
    wanted = mutual_information(features, head(2), seed=seed)
    np.testing.assert_array_equal(wanted, np.array(list(found.values()), np.float32))


def test_masks_stay_those_of_a_version_when_the_seed_changes(world: World) -> None:
    before = embedded(world, BALD).column("bald")
    world.campaign(version=2, strategy={**BALD, "seed": 5})
    world.add(10)
    world.work()
    after = world.column("bald")
    assert set(after) == ids(range(11))
    assert {image: after[image] for image in before} == before
    assert_masked(world, after, version=2)


def test_a_strategy_that_comes_to_need_a_column_has_it_made_without_opening_an_image(world: World) -> None:
    embedded(world, MGE)
    before, logits = world.manifest(), world.logits()
    pool = Watched(world.images)
    world.campaign(version=2, strategy=BALD)
    assert world.causes()[0].waits_for == "the logits of 10 images under version 2: a job is queued"
    world.work(world.worker(pool=pool))
    assert pool.opened == []
    after = world.manifest()
    assert after.columns == ("bald",)
    assert [replace(shard, logits=None) for shard in after.shards] == [
        replace(shard, logits=None) for shard in before.shards
    ]
    assert [event.generation for event in world.pools()] == [1, 2], "acquisition ranks by a new generation"
    assert {image: values.tolist() for image, values in world.logits().items()} == {
        image: values.tolist() for image, values in logits.items()
    }
    assert_idle(world)


def test_a_strategy_that_needs_a_column_no_more_leaves_it(world: World) -> None:
    embedded(world, BALD)
    keys = world.stored()
    world.campaign(version=2, strategy=MGE)
    assert world.work() == 0
    world.campaign(version=3, strategy=BALD)
    assert world.work() == 0
    assert world.stored() == keys
    assert world.manifest().columns == ("bald",)


def test_new_images_of_a_strategy_of_before_are_not_said_to_have_its_column(world: World) -> None:
    embedded(world, BALD)
    world.campaign(version=2, strategy=MGE)
    world.add(10)
    world.work()
    assert world.manifest().columns == ()
    assert set(world.logits()) == ids(range(11))
    world.campaign(version=3, strategy=BALD)
    world.work()
    assert set(world.column("bald")) == ids(range(11))


def test_a_campaign_that_changes_otherwise_queues_nothing(world: World) -> None:
    embedded(world, BALD)
    world.campaign(version=2, strategy=BALD, display_name="Harbours")
    assert world.work() == 0


def test_a_base_version_has_no_columns(world: World) -> None:
    world.campaign(strategy=BALD)
    world.add(*range(4))
    world.publish()
    world.work()
    assert world.manifest().columns == ()
    assert_idle(world)


def test_a_killed_job_repeats_only_the_columns_that_are_missing(world: World) -> None:
    embedded(world, MGE)
    world.campaign(version=2, strategy=BALD)
    with pytest.raises(Killed):
        world.work(world.worker(objects=Dying(world.objects, puts=1)))
    world.database.advance(60)
    keys = world.stored()
    world.work()
    assert len([key for key in world.stored() - keys if key.endswith(".arrow")]) == 2
    assert set(world.column("bald")) == ids(range(10))


def test_losses_foretold_from_features_take_no_image(world: World) -> None:
    embedded(world, MGE, ON_FEATURES)
    pool = Watched(world.images)
    world.campaign(version=2, strategy=MLL)
    world.work(world.worker(pool=pool))
    assert pool.opened == []
    features = world.features()
    wanted = ON_FEATURES.predict(np.stack(list(features.values())))
    assert list(world.column("mll").values()) == wanted.tolist()


def test_losses_foretold_from_stages_come_with_the_features_in_one_pass(world: World) -> None:
    pool = Watched(world.images)
    world.campaign(strategy=MLL)
    world.add(*range(10))
    world.publish(version=2, head=head(2), losses=ON_STAGES)
    worker = world.worker(pool=pool)
    world.work(worker)
    assert sorted(pool.opened) == sorted(f"{number}.png" for number in range(10))
    assert_foretold(world, range(10))
    world.add(10)
    world.work(worker)
    assert len(pool.opened) == 11, "only the new image is opened"
    assert_foretold(world, range(11))
    assert_idle(world)


def assert_foretold(world: World, numbers: range, seed: int = 1) -> None:
    found, wanted = world.column("mll"), foretold(numbers, seed)
    assert found.keys() == wanted.keys()
    np.testing.assert_allclose(
        [found[image] for image in wanted], list(wanted.values()), rtol=1e-4, atol=1e-5
    )


def test_features_and_logits_are_the_same_with_losses_beside_them(tmp_path: Path) -> None:
    found = []
    for name, strategy in {"with": MLL, "without": MGE}.items():
        (tmp_path / name).mkdir()
        with opened(tmp_path / name) as world:
            embedded(world, strategy, ON_STAGES)
            found.append((world.features(), world.logits()))
    for one, other in zip(*found, strict=True):
        assert {image: row.tolist() for image, row in one.items()} == {
            image: row.tolist() for image, row in other.items()
        }


def test_losses_from_stages_that_a_strategy_comes_to_need_take_another_pass(world: World) -> None:
    embedded(world, MGE, ON_STAGES)
    pool = Watched(world.images)
    world.campaign(version=2, strategy=MLL)
    world.work(world.worker(pool=pool))
    assert len(pool.opened) == 10
    assert_foretold(world, range(10))
    assert [event.generation for event in world.pools()] == [1, 2]
    assert_idle(world)


def test_a_pass_for_losses_that_was_killed_goes_on_behind_what_it_wrote(world: World) -> None:
    world.campaign(strategy=MLL)
    world.add(*range(10))
    world.publish(version=2, head=head(2), losses=ON_STAGES)
    with pytest.raises(Killed):
        world.work(world.worker(objects=Dying(world.objects, puts=2)))
    world.database.advance(60)
    pool = Watched(world.images)
    world.work(world.worker(pool=pool))
    assert len(pool.opened) == 6, "four of ten images have features and losses"
    assert_foretold(world, range(10))


def test_the_manifest_in_force_reads_while_another_pass_is_made_for_losses(world: World) -> None:
    embedded(world, MGE, ON_STAGES)
    world.campaign(2, strategy=MLL)
    with pytest.raises(Killed):
        world.work(world.worker(objects=Dying(world.objects, puts=2)))
    world.collect()
    assert len(world.pools()) == 1
    assert set(world.features()) == set(world.logits()) == ids(range(10))


def test_another_version_on_the_same_backbone_foretells_its_own_losses(world: World) -> None:
    embedded(world, MLL, ON_STAGES)
    other = replace(ON_STAGES, last=layer(1, 12), layers=[layer(4, 8), layer(4, 16), Layer(*_turned())])
    world.publish(version=3, head=head(3), losses=other)
    before = world.column("mll")
    world.work()
    assert world.manifest().version == 3
    assert world.column("mll") != before
    assert set(world.column("mll")) == ids(range(10))


def _turned() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    given = layer(4, 32)
    return -given.weight, given.bias


def test_a_version_that_foretells_no_loss_is_embedded_without(world: World) -> None:
    embedded(world, MLL)
    assert world.manifest().columns == ()
    assert_idle(world)
    world.publish(version=3, head=head(3), losses=ON_FEATURES)
    world.work()
    assert world.manifest().columns == ("mll",)


def test_a_loss_head_that_was_announced_and_is_missing_is_named(world: World) -> None:
    world.campaign(strategy=MLL)
    world.add(*range(4))
    world.publish(version=2, head=head(2), loss_head=True)
    world.work()
    (cause,) = world.causes()
    assert cause.code == "ARTEFACT_UNUSABLE"
    assert cause.waits_for.endswith("it should have a loss head, it has none")


def test_a_strategy_that_is_not_known_here_holds_up_nothing(world: World) -> None:
    embedded(world, {"expression": "outside", "seed": 1})
    assert world.manifest().columns == ()
    assert_idle(world)
