import numpy as np
import pytest
import torch
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
    targets = scores > np.quantile(scores, np.linspace(0.5, 0.9, labels), axis=0).diagonal()
    targets = targets.astype(np.float32)
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


def test_the_solution_is_that_of_a_general_minimiser() -> None:
    features, targets = labelled(30, 6)
    scaled = scaling_of(features).apply(features)
    x, y = torch.from_numpy(scaled), torch.from_numpy(targets).double()
    parameters = torch.zeros(7, 5, dtype=torch.float64, requires_grad=True)
    minimiser = torch.optim.LBFGS(
        [parameters],
        max_iter=500,
        tolerance_grad=1e-10,
        tolerance_change=1e-16,
        line_search_fn="strong_wolfe",
    )

    def loss() -> torch.Tensor:
        minimiser.zero_grad()
        logits = x @ parameters[:-1] + parameters[-1]
        each = torch.nn.functional.softplus(logits) - y.nan_to_num() * logits
        total = each[~y.isnan()].sum() + 0.5 * parameters[:-1].square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    minimiser.step(loss)
    weight, bias = solve(scaled, targets)
    np.testing.assert_allclose(weight, parameters.detach().numpy()[:-1].T, atol=1e-5)
    np.testing.assert_allclose(bias, parameters.detach().numpy()[-1], atol=1e-5)


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
