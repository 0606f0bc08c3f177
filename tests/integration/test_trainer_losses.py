"""Versions that foretell their losses: trained when a campaign's strategy ranks by them, and only then."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.api.trainer.v1 import trainer_service_pb2 as api
from aloft.kit.objects.digests import sha256_hex
from aloft.networks import Backbone, load_loss_head
from aloft.serving.archive import read_archive
from aloft.serving.handler import Handler
from aloft.trainer.domain.runs import FINE_TUNE
from tests.integration.test_trainer_resuming import Killed, Watched
from tests.integration.trainer_world import World, picture, world_on

FULL, PROBE = {"steps": 6}, {"mode": labels.Training.MODE_PROBE}
BOTH = pytest.mark.parametrize("training", [FULL, PROBE], ids=["full", "probe"])


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[list[World]]:
    """Two that hear the same."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with (
        world_on(tmp_path / "one") as one,
        world_on(tmp_path / "two") as two,
    ):
        yield [one, two]


@pytest.fixture
def world(worlds: list[World]) -> World:
    return worlds[0]


def due(world: World, strategy: str, training: dict[str, Any]) -> None:
    """Begin a campaign whose batch has closed."""
    world.campaign(1, training=training, strategy=strategy)
    world.work()
    world.label(range(10))
    world.close()


def trained(world: World, strategy: str, training: dict[str, Any]) -> events.ModelPublished:
    due(world, strategy, training)
    world.work()
    return world.published()[-1]


@BOTH
def test_a_version_foretells_losses_where_the_strategy_ranks_by_them(
    world: World, training: dict[str, Any]
) -> None:
    event = trained(world, "mll+kmeans", training)
    assert event.loss_head
    losses = load_loss_head(world.objects.get(event.artefact_key))
    assert losses is not None
    assert losses.staged == (training is FULL), "a frozen backbone gives nothing but its features"
    assert world.card(event)["loss_head"] is True


@BOTH
def test_the_version_is_the_same_to_the_bit_with_losses_beside_it(
    worlds: list[World], training: dict[str, Any]
) -> None:
    plain, foretelling = (
        world.objects.get(trained(world, strategy, training).artefact_key)
        for world, strategy in zip(worlds, ("mge", "mll"), strict=True)
    )
    assert load_loss_head(plain) is None
    one, other = safetensors.numpy.load(plain), safetensors.numpy.load(foretelling)
    assert {name for name in other.keys() - one.keys() if not name.startswith("aloft.loss.")} == set()
    for name, tensor in one.items():
        np.testing.assert_array_equal(tensor, other[name], err_msg=name)
    metrics = [world.published()[-1].metrics for world in worlds]
    assert metrics[0] == metrics[1]


def test_a_strategy_that_comes_to_rank_by_losses_brings_a_version_that_foretells_them_once(
    world: World,
) -> None:
    before = trained(world, "mge", PROBE)
    world.campaign(2, training=PROBE, strategy="mll")
    assert world.work() == [FINE_TUNE], "nothing could be ranked, and no batch would bring such a version"
    after = world.published()[-1]
    assert (before.loss_head, after.loss_head) == (False, True)
    assert after.label_revision == before.label_revision
    world.campaign(3, training=PROBE, strategy="mll+kmeans")
    assert world.work() == []


def test_what_a_run_learns_stays_when_the_strategy_changes_meanwhile(world: World) -> None:
    due(world, "mll", FULL)
    world.campaign(2, training=FULL, strategy="mge")
    world.work()
    assert world.published()[-1].loss_head


def test_a_run_that_is_killed_ends_with_the_loss_head_of_one_that_was_not(worlds: list[World]) -> None:
    undisturbed, killed = worlds
    whole = trained(undisturbed, "mll", FULL)
    due(killed, "mll", FULL)
    with pytest.raises(Killed):
        killed.work(Watched(killed.objects, dies_after=3))
    killed.database.advance(60)
    rest = Watched(killed.objects)
    killed.work(rest)
    assert killed.published()[-1].artefact_digest == whole.artefact_digest
    assert rest.checkpoints == 3, "training did not go on where it was"


def test_what_is_served_passes_the_loss_head_over(world: World) -> None:
    trained(world, "mll", FULL)
    data = world.objects.get(world.model(2).archive_key)
    served, weights = read_archive(data)
    (answer,) = Handler(served, weights, sha256_hex(data), "cpu").answer([picture(1)[0]])
    assert answer.status == 200


def test_a_network_that_does_not_say_what_its_stages_are_fails_the_run_with_a_remedy(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    due(world, "mll", FULL)
    seen = Backbone.__init__

    def silent(self: Backbone, *given: Any) -> None:
        seen(self, *given)
        self.network.feature_info = None  # type: ignore[assignment]

    monkeypatch.setattr(Backbone, "__init__", silent)
    world.work()
    assert world.run(2).state == api.Run.STATE_FAILED
    assert "does not say what its stages are" in world.run(2).error
    assert "another strategy than mll" in world.run(2).error


def test_a_strategy_that_is_not_known_here_asks_for_no_losses(world: World) -> None:
    assert not trained(world, "outside", PROBE).loss_head
