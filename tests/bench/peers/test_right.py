"""Where a peer is right, Aloft picks the same, or does as well within 1 %, on 20 seeded cases."""

import numpy as np
import pytest
from numpy.typing import NDArray

from aloft.strategies.directions import Directions
from aloft.strategies.herding import bandwidth
from tests.bench.peers import calls
from tests.bench.peers.calls import Case

# Peers warn of what is theirs.
pytestmark = [pytest.mark.bench, pytest.mark.filterwarnings("ignore")]

CASES = range(20)


def spread(seed: int, labels: int = 1, count: int = 400, width: int = 16) -> Case:
    """Draw a pool that is unevenly dense, with a few labelled images."""
    draws = np.random.default_rng([7, seed])
    centres = 3 * draws.standard_normal((12, width))
    rows = centres[draws.integers(12, size=count + 10) ** 2 % 12] + draws.standard_normal((count + 10, width))
    halves = rows.astype(np.float16).astype(np.float32)
    logits = 2 * draws.standard_normal((count, labels), dtype=np.float32)
    return Case(halves[:count], logits, halves[count:])


def clustered(seed: int, clusters: int = 8) -> Case:
    """Draw clusters of unequal size, far apart, as directions about their mean; nothing is labelled."""
    draws = np.random.default_rng([8, seed])
    sizes = 30 + 5 * draws.permutation(clusters)
    centres = 12 * np.eye(16)[:clusters]
    rows = np.repeat(centres, sizes, axis=0) + draws.standard_normal((int(sizes.sum()), 16))
    return directions(rows.astype(np.float32))


def directions(rows: NDArray[np.float32]) -> Case:
    """Centre rows and make them of unit length until both hold, so that doing it again changes nothing."""
    for _ in range(50):
        about = Directions.about_mean(rows)
        rows = about.of(rows) / np.float32(about.length)
    count = len(rows)
    return Case(rows, np.zeros((count, 1), dtype=np.float32), np.empty((0, rows.shape[1]), dtype=np.float32))


@pytest.mark.parametrize("seed", CASES)
def test_k_centre_picks_what_scikit_activeml_and_small_text_pick(seed: int) -> None:
    case = spread(seed)
    picked = calls.aloft("kcenter")(case, 20, seed)
    assert picked == calls.skactiveml_core_set(case, 20, seed)
    assert picked == calls.small_text_greedy_coreset(case, 20, seed)


@pytest.mark.parametrize("seed", CASES)
def test_badge_measures_the_distances_that_scikit_activeml_draws_by(seed: int) -> None:
    """With one label, two classes with probabilities p and 1 − p have the same gradients but for √2."""
    from skactiveml.pool._badge import _d_2

    case = spread(seed)
    picks = calls.aloft_picks("badge", case, 20, seed)
    inputs = np.column_stack([case.features, np.ones(len(case.features))])  # the bias
    classes = np.column_stack([1 - case.probabilities[:, 0], case.probabilities[:, 0]])
    factor = classes - np.eye(2)[classes.argmax(axis=1)]
    gradients = (factor[:, :, None] * inputs[:, None, :]).reshape(len(inputs), -1)
    squared = _d_2(gradients, [])
    for place, pick in enumerate(picks.picks):
        row = int(pick.image, 16)
        assert pick.score == pytest.approx(np.sqrt(squared[row] / 2), rel=0.01)
        # The peer lets the lengths stay behind the first draw, a mistake that test_wrong.py shows.
        squared = _d_2(gradients, [row], squared if place else np.full(len(squared), np.inf))


def two_classes(case: Case) -> Case:
    """Say one label as two classes, and the bias as one more feature, as scikit-activeml wants both."""
    bias = [
        np.column_stack([rows, np.ones(len(rows), np.float32)]) for rows in (case.features, case.labelled)
    ]
    return Case(bias[0], np.column_stack([-case.logits, case.logits]), bias[1])


@pytest.mark.parametrize("seed", CASES)
def test_typiclust_picks_the_images_that_scikit_activeml_picks(seed: int) -> None:
    case = clustered(seed)
    picked = calls.aloft("typiclust")(case, 8, seed)
    assert set(picked) == set(calls.skactiveml_typi_clust(case, 8, seed, k=20))


@pytest.mark.parametrize("seed", CASES)
def test_herding_covers_as_much_as_scikit_activeml(seed: int) -> None:
    case = directions(spread(seed).features)
    about = Directions.about_mean(case.features)
    sigma = bandwidth(about, about.of(case.features))
    theirs = calls.skactiveml_max_herding(case, 20, seed, gamma=1 / (2 * sigma**2))
    ours = calls.aloft("herding")(case, 20, seed)
    assert _coverage(case, ours, sigma) == pytest.approx(_coverage(case, theirs, sigma), rel=0.01)


def _coverage(case: Case, rows: list[int], sigma: float) -> float:
    apart = np.square(case.features[:, None, :] - case.features[rows][None]).sum(axis=2)
    return float(np.exp(-apart / (2 * sigma**2)).max(axis=1).mean())


@pytest.mark.parametrize("seed", CASES)
def test_centroids_picks_the_images_that_small_text_picks(seed: int) -> None:
    case = clustered(seed)
    picked = calls.aloft("centroids")(case, 8, seed)
    assert set(picked) == set(calls.small_text_embedding_k_means(case, 8, seed))


@pytest.mark.parametrize("seed", CASES)
def test_of_one_label_entropy_picks_what_the_peers_pick(seed: int) -> None:
    """One label is two classes: there, and only there, their entropy is of the label."""
    case = spread(seed)
    classes = two_classes(case)
    picked = set(calls.aloft("entropy")(case, 20, seed))
    assert picked == set(calls.modal_entropy_sampling(classes, 20, seed))
    assert picked == set(calls.small_text_prediction_entropy(classes, 20, seed))


@pytest.mark.parametrize("seed", CASES)
def test_of_one_label_margin_is_that_of_scikit_activeml(seed: int) -> None:
    from skactiveml.pool import uncertainty_scores

    case = spread(seed)
    picks = calls.aloft_picks("margin", case, 20, seed)
    scores = uncertainty_scores(two_classes(case).probabilities, method="margin_sampling")
    rows = [int(image, 16) for image in picks.images]
    assert set(rows) == set(np.argsort(-scores)[:20].tolist())
    assert [pick.score for pick in picks.picks] == pytest.approx(scores[rows], rel=0.01)
