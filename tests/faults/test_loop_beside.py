"""Two campaigns at once, one of them broken on purpose: the other is not slowed."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aloft.api.labels.v1.campaign_pb2 import Campaign
from aloft.kit.objects.directory import DirectoryObjects
from tests.faults.slice_cases import scratch, templates
from tests.slice.story import Story, one_step
from tests.slice.world import World, world

BATCHES = 2


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """Migrated, empty databases to begin every case with."""
    with scratch() as folder:
        yield templates(folder / "template")


class Campaigns:
    """A campaign that is well, and one beside it that is broken once it has begun."""

    def __init__(self, here: World, broken: Callable[[Campaign], None]) -> None:
        self.here = here
        self.well = Story(here, "well", batches=BATCHES)
        self.broken = Story(here, "broken", batches=BATCHES, configure=broken)

    def both_begin(self) -> None:
        self.broken.set_up()
        self.well.set_up()

    def microseconds(self, harm: Callable[[], bool] = lambda: False) -> int:
        """Say how long the well one takes to its end while `harm` is done to the other."""
        begun = self.here.clock.now()

        def act() -> bool:
            harm()
            return self.well.label() | self.broken.label()

        self.here.until(self.well.done, f"{BATCHES} batches of the well one are closed", act=act)
        return self.here.clock.now() - begun


def broken_weights(campaign: Campaign) -> None:
    """Begin from weights that are not there."""
    one_step(campaign)
    campaign.base_model.checkpoint_key = "no/such/weights.safetensors"


def damage(folder: str) -> Callable[[World], bool]:
    """Overwrite whatever the broken campaign keeps in a folder of its objects."""

    def overwrite(here: World) -> bool:
        objects = DirectoryObjects(here.folder / "objects")
        found = [info.key for info in objects.list(f"campaigns/broken/{folder}/")]
        for key in found:
            objects.put(key, b"damaged")
        return bool(found)

    return overwrite


BROKEN: dict[str, tuple[Callable[[Campaign], None], Callable[[World], bool]]] = {
    "its training fails for good": (broken_weights, lambda _: False),
    "its weights are damaged in the store": (one_step, damage("models")),
    "its shards are damaged in the store": (one_step, damage("features")),
}


@pytest.fixture(scope="module")
def undisturbed(template: Path) -> int:
    """Say how long the well one takes when neither is broken."""
    with scratch() as folder, world(folder / "world", template) as here:
        campaigns = Campaigns(here, one_step)
        campaigns.both_begin()
        return campaigns.microseconds()


@pytest.mark.parametrize("what", BROKEN)
def test_a_campaign_that_is_broken_does_not_slow_the_one_beside_it(
    what: str, template: Path, undisturbed: int
) -> None:
    configure, harm = BROKEN[what]
    with scratch() as folder, world(folder / "world", template) as here:
        campaigns = Campaigns(here, configure)
        campaigns.both_begin()
        spent = campaigns.microseconds(lambda: harm(here))
        assert not campaigns.broken.done(), "the broken one went on as if nothing were broken"
        here.settle()
        campaigns.well.check()
    # Time is set forward only when nothing moves: waiting for the broken one would show in it.
    assert spent <= undisturbed + 5_000_000, f"{spent / 1e6:.1f} s, and {undisturbed / 1e6:.1f} s without"
