import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from aloft.learning import FineTuneRecipe
from aloft.learning.losses import multi_label, nt_xent

PLAIN = FineTuneRecipe()
ALIKE = torch.ones(1)


def one(logit: float, target: float, recipe: FineTuneRecipe = PLAIN, weight: float = 1.0) -> float:
    return float(
        multi_label(torch.tensor([[logit]]), torch.tensor([[target]]), torch.tensor([weight]), recipe)
    )


def test_the_contrastive_loss_is_that_of_the_paper() -> None:
    draw = np.random.default_rng(0)
    views = draw.normal(size=(2, 3, 5))
    unit = (views / np.linalg.norm(views, axis=2, keepdims=True)).reshape(6, 5)
    total = 0.0
    for at in range(6):
        others = [math.exp(unit[at] @ unit[other] / 0.3) for other in range(6) if other != at]
        total -= math.log(math.exp(unit[at] @ unit[(at + 3) % 6] / 0.3) / sum(others))
    first, second = torch.from_numpy(views)
    assert float(nt_xent(first, second, 0.3)) == pytest.approx(total / 6)


def test_views_that_match_cost_less_than_views_that_do_not() -> None:
    views = torch.eye(4)
    assert nt_xent(views, views, 0.2) < nt_xent(views, views.roll(1, 0), 0.2)


def test_without_options_it_is_binary_cross_entropy() -> None:
    logits, targets = torch.randn(5, 3), torch.randint(0, 2, (5, 3)).float()
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    torch.testing.assert_close(multi_label(logits, targets, ALIKE, PLAIN), wanted)


def test_what_nobody_was_sure_of_has_neither_loss_nor_gradient() -> None:
    logits = torch.randn(4, 2, requires_grad=True)
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0], [torch.nan, 0.0], [1.0, torch.nan]])
    loss = multi_label(logits, targets, ALIKE, PLAIN)
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert torch.equal(logits.grad == 0, torch.isnan(targets))
    judged = ~torch.isnan(targets)
    wanted = torch.nn.functional.binary_cross_entropy_with_logits(logits[judged], targets[judged])
    torch.testing.assert_close(loss, wanted)


def test_a_batch_of_which_nobody_was_sure_costs_nothing() -> None:
    assert one(3.0, torch.nan) == 0.0


def test_positives_can_count_more_often() -> None:
    assert one(0.5, 1.0, weight=4.0) == pytest.approx(4 * one(0.5, 1.0))
    assert one(0.5, 0.0, weight=4.0) == pytest.approx(one(0.5, 0.0))


@pytest.mark.parametrize("logit", [-40.0, -1.0, 2.0, 40.0])
def test_the_asymmetric_loss_is_that_of_the_paper(logit: float) -> None:
    recipe = replace(PLAIN, focus_positive=1.0, focus_negative=4.0, negative_margin=0.05)
    chance = 1 / (1 + math.exp(-logit))
    shifted = max(chance - 0.05, 0.0)
    positive = -((1 - chance) * math.log(chance)) if chance < 1 else 0.0
    assert one(logit, 1.0, recipe) == pytest.approx(positive, rel=1e-4, abs=1e-6)
    assert one(logit, 0.0, recipe) == pytest.approx(-(shifted**4) * math.log(1 - shifted), rel=1e-4, abs=1e-6)
