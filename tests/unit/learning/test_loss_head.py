"""A head that learns which images a version errs on."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from aloft.learning import (
    FineTuneRecipe,
    features_of,
    fine_tune,
    fine_tune_with_losses,
    loss_head,
    solve_head,
)
from aloft.learning.losses import by_image, ranking
from aloft.networks import Backbone, Head, LossHead, build, save_weights
from tests.unit.learning.toys import CPU, Kept, Stopped, Watched, noise, stripes

Floats = NDArray[np.float32]

STEPS = 6
IMAGES = noise(20)
TARGETS = (np.random.default_rng(2).random((20, 3)) < 0.4).astype(np.float32)


def half_told(count: int, seed: int) -> tuple[Floats, Floats]:
    """Draw images with labels that a head can tell where the first feature is negative, and else chance."""
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(count, 8)).astype(np.float32)
    told = features[:, 1:4] > 0
    targets = np.where(features[:, :1] > 0, draw.random((count, 3)) < 0.5, told)
    return features, targets.astype(np.float32)


def losses(head: Head, features: Floats, targets: Floats) -> Floats:
    return by_image(torch.from_numpy(head.logits(features)), torch.from_numpy(targets)).numpy()


def order(first: Floats, second: Floats) -> float:
    """Correlate two orders."""
    one, other = (np.argsort(np.argsort(values)).astype(np.float64) for values in (first, second))
    return float(np.corrcoef(one, other)[0, 1])


def test_pairs_are_ranked_as_worked_by_hand() -> None:
    """Of three images the second has the largest loss, and the third an unknown one.

    Foretold are 0.5 and 0.2 for the first two: the pair is in the wrong order, by 0.3, and is to differ by 1.
    """
    foretold, told = torch.tensor([0.5, 0.2, 9.0]), torch.tensor([1.0, 2.0, torch.nan])
    assert float(ranking(foretold, told)) == pytest.approx(1.3)
    assert float(ranking(torch.tensor([-1.0, 0.5, 9.0]), told)) == 0.0, "apart by more than the margin"


def test_images_of_one_loss_are_no_pair() -> None:
    assert float(ranking(torch.tensor([1.0, 5.0]), torch.tensor([2.0, 2.0]))) == 0.0


def test_the_loss_of_an_image_is_the_mean_over_what_was_judged() -> None:
    logits = torch.tensor([[0.0, 3.0], [2.0, -2.0], [1.0, 1.0]])
    targets = torch.tensor([[1.0, torch.nan], [1.0, 0.0], [torch.nan, torch.nan]])
    found = by_image(logits, targets)
    np.testing.assert_allclose(found, [np.log(2), np.log1p(np.exp(-2)), np.nan], rtol=1e-6)


def test_images_that_a_head_cannot_tell_are_foretold_to_have_the_larger_loss() -> None:
    features, targets = half_told(400, 1)
    head = solve_head(features, targets)
    foretold = loss_head.fit(features, targets, head).predict(half_told(1000, 2)[0])
    unseen, wanted = half_told(1000, 2)
    assert order(foretold, losses(head, unseen, wanted)) > 0.4, "losses of images never seen are not ranked"
    hard = unseen[:, 0] > 0
    assert foretold[hard].mean() > foretold[~hard].mean() + 0.5


def test_the_seed_decides_what_is_learned() -> None:
    features, targets = half_told(60, 1)
    head = solve_head(features, targets)
    one, same, other = (loss_head.fit(features, targets, head, seed).predict(features) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_images_that_nobody_judged_teach_nothing() -> None:
    features, targets = half_told(60, 1)
    head = solve_head(features, targets)
    more = np.concatenate([features, np.full((3, 8), 50, np.float32)])
    unsure = np.concatenate([targets, np.full((3, 3), np.nan, np.float32)])
    np.testing.assert_array_equal(
        loss_head.fit(more, unsure, head).predict(features),
        loss_head.fit(features, targets, head).predict(features),
    )


def test_targets_of_other_images_are_refused() -> None:
    features, targets = half_told(9, 1)
    with pytest.raises(ValueError, match="9 rows of features, 8 of targets"):
        loss_head.fit(features, targets[:8], solve_head(features, targets))


def tuned(
    backbone: Backbone | None = None, kept: Kept | None = None, stop_after: int | None = None
) -> tuple[Backbone, Head, LossHead]:
    return fine_tune_with_losses(
        backbone or build("tiny"),
        IMAGES,
        TARGETS,
        FineTuneRecipe(steps=STEPS, batch_images=8),
        CPU,
        Watched(stop_after),
        kept or Kept(),
        0.0,
    )


@pytest.mark.parametrize("architecture", ["tiny", "resnet18"])
def test_a_loss_head_changes_no_bit_of_the_version_that_it_learns_beside(architecture: str) -> None:
    recipe = FineTuneRecipe(steps=2, batch_images=16)
    given = (IMAGES, TARGETS, recipe, CPU, Watched(), Kept())
    plain = fine_tune(build(architecture), *given)
    backbone, head, _ = fine_tune_with_losses(build(architecture), *given)
    assert save_weights(backbone, head) == save_weights(*plain)


@pytest.mark.parametrize("killed_after", [1, 4, STEPS])
def test_killed_and_resumed_training_ends_with_the_loss_head_of_undisturbed(killed_after: int) -> None:
    kept = Kept()
    with pytest.raises(Stopped):
        tuned(kept=kept, stop_after=killed_after)
    assert save_weights(*tuned(kept=kept)) == save_weights(*tuned())


def test_a_checkpoint_without_a_loss_head_is_another_training_s(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    recipe = FineTuneRecipe(steps=STEPS, batch_images=8)
    fine_tune(build("tiny"), IMAGES, TARGETS, recipe, CPU, Watched(), kept, 0.0)
    assert save_weights(*tuned(kept=kept)) == save_weights(*tuned())
    assert "another recipe" in caplog.text


def test_a_fine_tuned_network_ranks_images_by_the_loss_that_it_has_on_them() -> None:
    images, targets = stripes(96)
    targets[:, 1] = np.where(targets[:, 0] == 1, targets[:, 1], np.random.default_rng(5).integers(0, 2, 96))
    recipe = FineTuneRecipe(steps=150, batch_images=32, learning_rate=3e-3)
    backbone, head, foreteller = fine_tune_with_losses(
        build("tiny"), images, targets, recipe, CPU, Watched(), Kept()
    )
    both = features_of(backbone, images, CPU, staged=True)
    size = backbone.feature_size
    np.testing.assert_array_equal(both[:, :size], features_of(backbone, images, CPU))
    assert foreteller.staged
    assert order(foreteller.predict(both[:, size:]), losses(head, both[:, :size], targets)) > 0.3
