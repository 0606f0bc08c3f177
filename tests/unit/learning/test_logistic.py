import numpy as np
import pytest
from numpy.typing import NDArray

from aloft.learning import solve_head
from aloft.learning.calibration import sigmoid
from aloft.learning.logistic import solve
from aloft.learning.scaling import MEAN_LENGTH, scaling_of

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]


def labelled(images: int, size: int, labels: int = 5, seed: int = 0) -> tuple[Floats, Floats]:
    """Features as a network has them, far from centred, and labels from common to rare, some unsure."""
    draw = np.random.default_rng(seed)
    features = np.maximum(draw.normal(size=(images, 8)) @ draw.normal(size=(8, size)), 0) * 7
    scores = features @ draw.normal(size=(size, labels)) / 20 + draw.logistic(size=(images, labels))
    cuts = np.quantile(scores, np.linspace(0.5, 0.9, labels), axis=0).diagonal()
    targets = (scores > cuts).astype(np.float32)
    targets[draw.random(targets.shape) < 0.1] = np.nan
    return features.astype(np.float32), targets


def slopes(features: Doubles, targets: Floats, weight: Doubles, bias: Doubles) -> Doubles:
    wrong = np.nan_to_num(sigmoid(features @ weight.T + bias) - targets)
    return np.column_stack([wrong.T @ features + weight, wrong.sum(axis=0)])


@pytest.mark.parametrize(("images", "size"), [(12, 40), (60, 60), (300, 40), (40, 300)])
def test_nothing_is_left_to_gain_at_the_solution(images: int, size: int) -> None:
    features, targets = labelled(images, size)
    scaled = scaling_of(features).apply(features)
    found = slopes(scaled, targets, *solve(scaled, targets))
    np.testing.assert_allclose(found, 0.0, atol=1e-6)


def slowly(features: Doubles, targets: Doubles) -> Doubles:
    """Solve one label by many small steps downhill, from zero: the weights, and the bias last."""
    design = np.column_stack([features, np.ones(len(features))])
    penalty = np.append(np.ones(features.shape[1]), 0.0)
    reach = 1.0 / (0.25 * np.linalg.norm(design, 2) ** 2 + 1.0)
    parameters = ahead = np.zeros(design.shape[1])
    for step in range(20_000):
        slope = design.T @ (sigmoid(design @ ahead) - targets) + penalty * ahead
        before, parameters = parameters, ahead - reach * slope
        ahead = parameters + step / (step + 3) * (parameters - before)
        if np.abs(slope).max() < 1e-9:
            break
    return parameters


def test_the_solution_is_that_of_a_slow_and_simple_minimiser() -> None:
    features, targets = labelled(30, 6)
    scaled = scaling_of(features).apply(features)
    weight, bias = solve(scaled, targets)
    for label, wanted in enumerate(targets.T):
        sure = ~np.isnan(wanted)
        found = np.append(weight[label], bias[label])
        np.testing.assert_allclose(found, slowly(scaled[sure], wanted[sure].astype(float)), atol=1e-5)


def test_a_head_is_the_same_however_features_are_shifted_or_stretched() -> None:
    features, targets = labelled(80, 12)
    moved = 30.0 * features + 5.0
    logits, again = (solve_head(given, targets).logits(given) for given in (features, moved))
    np.testing.assert_allclose(logits, again, atol=1e-3)


def test_features_are_scaled_to_one_mean_length() -> None:
    features, _ = labelled(80, 12)
    scaled = scaling_of(features).apply(features)
    assert np.linalg.norm(scaled, axis=1).mean() == pytest.approx(MEAN_LENGTH)
    np.testing.assert_allclose(scaled.mean(axis=0), 0.0, atol=1e-9)


def test_a_label_learns_nothing_from_images_on_which_it_is_unsure() -> None:
    features, targets = labelled(60, 10)
    sure = ~np.isnan(targets[:, 1])
    scaled = scaling_of(features).apply(features)
    weight, bias = solve(scaled, targets)
    alone = solve(scaled[sure], targets[sure, 1:2])
    np.testing.assert_allclose(weight[1], alone[0][0], atol=1e-6)
    np.testing.assert_allclose(bias[1], alone[1][0], atol=1e-6)


@pytest.mark.parametrize(
    ("target", "chance"), [(0.0, 0.5 / 21), (1.0, 20.5 / 21), (np.nan, 0.5)], ids=["none", "all", "unsure"]
)
def test_a_label_whose_images_are_all_alike_says_how_often_it_was_seen(target: float, chance: float) -> None:
    features, targets = labelled(20, 10)
    targets[:, 2] = target
    head = solve_head(features, targets)
    assert not head.weight[2].any()
    np.testing.assert_allclose(sigmoid(head.logits(features)[:, 2]), chance, rtol=1e-5)
    assert head.weight[1].any(), "the other labels were not solved"


def test_one_image_and_no_label_at_all_are_no_special_case() -> None:
    features, _ = labelled(1, 10)
    assert np.isfinite(solve_head(features, np.ones((1, 3), np.float32)).logits(features)).all()
    assert solve_head(features, np.ones((1, 0), np.float32)).logits(features).shape == (1, 0)


def test_labels_that_features_tell_apart_perfectly_have_a_finite_head() -> None:
    features = np.repeat(np.array([[0.0, 1.0], [1.0, 0.0]], np.float32), 10, axis=0)
    targets = np.repeat(np.array([[0.0], [1.0]], np.float32), 10, axis=0)
    logits = solve_head(features, targets).logits(features)[:, 0]
    assert (logits[:10] < -1).all()
    assert (logits[10:] > 1).all()


def test_features_that_are_not_finite_are_refused() -> None:
    features, targets = labelled(20, 10)
    features[3, 3] = np.nan
    with pytest.raises(ValueError, match="not finite"):
        solve_head(features, targets)
