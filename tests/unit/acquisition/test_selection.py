import pytest

from aloft.acquisition.selection import announcement
from aloft.acquisition.store.rankings import Ranking
from aloft.kit.bus.outbox import MAX_PAYLOAD
from aloft.label_store.domain.campaigns import BATCH_IMAGES
from aloft.strategies.strategy import Pick, Picks


@pytest.mark.parametrize(
    "why",
    [
        f"Takes the place of an empty cluster: next nearest to a centre, in cluster {BATCH_IMAGES}.",
        f"The highest of {BATCH_IMAGES} that are alike (cluster {BATCH_IMAGES}):"
        f" number {4 * BATCH_IMAGES} of 10000000 by score.",
    ],
    ids=["centroids", "mge+kmeans"],
)
def test_the_largest_batch_that_a_campaign_may_ask_for_fits_into_one_event(why: str) -> None:
    picks = Picks(tuple(Pick("f" * 32, -1.5, BATCH_IMAGES, why) for _ in range(BATCH_IMAGES)))
    ranking = Ranking("c" * 63, 1, "1-" + "f" * 16, 1, 1, "centroids", 2**63, 10**7, 0, "k", "d", "m", "d", 1)
    size = announcement("c" * 63, 1, ranking, 2**63, picks).ByteSize()
    assert size < MAX_PAYLOAD, f"{BATCH_IMAGES} images make an event of {size} bytes"
