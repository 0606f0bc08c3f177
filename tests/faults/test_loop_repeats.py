"""The same seed makes the same weights and the same selections, bit for bit."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1.campaign_pb2 import Campaign, Training
from aloft.kit.bus import topics
from aloft.kit.bus.embedded import EmbeddedBus
from tests.faults.slice_cases import scratch, templates
from tests.slice.story import Story
from tests.slice.world import World, world


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Migrated, empty databases to begin every case with."""
    with scratch() as folder:
        yield templates(folder / "template")


def configure(mode: "Training.Mode.ValueType", seed: int) -> Callable[[Campaign], None]:
    """Pre-train for a few steps, then train in a mode."""

    def configured(campaign: Campaign) -> None:
        campaign.base_model.pretraining.steps = 3
        campaign.base_model.pretraining.batch_images = 4
        campaign.base_model.pretraining.seed = seed
        campaign.training.mode = mode
        campaign.training.steps = 3
        campaign.training.batch_images = 2
        campaign.training.seed = seed
        campaign.strategy.seed = seed

    return configured


def run(template: Path, mode: "Training.Mode.ValueType", seed: int) -> tuple[list[str], list[list[str]]]:
    """Tell the story; say the digest of every version and the images of every batch."""
    with scratch() as folder, world(folder / "world", template) as here:
        Story(here, batches=2, images=8, configure=configure(mode, seed)).tell()
        versions = [event.artefact_digest for event in said(here, events.ModelPublished)]
        batches = [[one.image for one in event.images] for event in said(here, events.BatchSelected)]
        return versions, batches


def said(here: World, payload: type[Any]) -> list[Any]:
    """Read the events of a kind."""
    bus = EmbeddedBus(here.folder / "bus.db")
    subscription = bus.subscribe("reader", [topics.topic_of(payload).name])
    found = [payload.FromString(one.message.value) for one in subscription.poll(100, 0.0)]
    subscription.close()
    bus.close()
    return found


@pytest.mark.parametrize("mode", [Training.MODE_FULL, Training.MODE_PROBE])
def test_the_same_seed_makes_the_same_weights_and_selections(
    template: Path, mode: "Training.Mode.ValueType"
) -> None:
    first, second = run(template, mode, seed=7), run(template, mode, seed=7)
    assert len(first[0]) == 3, f"a base version and two more were to be made, not {first[0]}"
    assert first == second


def test_another_seed_makes_other_weights(template: Path) -> None:
    first, second = run(template, Training.MODE_FULL, seed=7), run(template, Training.MODE_FULL, seed=8)
    assert not set(first[0]) & set(second[0])
