"""What a network is to make small."""

import torch
from torch.nn import functional

from aloft.learning.recipes import FineTuneRecipe

_LEAST = 1e-8

MARGIN = 1.0
"""By how much foretold losses are to differ, the ξ of learned loss: it only sets their unit."""


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Give SimCLR's loss of two views, images × values each: each view is to find its other among all.

    Normalised temperature-scaled cross-entropy, Chen et al., ICML 2020 (arXiv:2002.05709).
    """
    views = functional.normalize(torch.cat([first, second]), dim=1)
    likeness = views @ views.T / temperature
    count = len(views)
    # No view is to be told from itself.
    likeness = likeness.masked_fill(torch.eye(count, dtype=torch.bool, device=views.device), -torch.inf)
    others = torch.arange(count, device=views.device).roll(count // 2)
    return functional.cross_entropy(likeness, others)


def multi_label(
    logits: torch.Tensor, targets: torch.Tensor, positive_weight: torch.Tensor, recipe: FineTuneRecipe
) -> torch.Tensor:
    """Give the mean loss over judged pairs of image and label; a target that is NaN counts nothing.

    Binary cross-entropy, or with exponents and a margin the asymmetric loss.
    """
    chances = torch.sigmoid(logits)
    hit = -functional.logsigmoid(logits) * positive_weight
    if recipe.focus_positive:
        hit = hit * (1.0 - chances).clamp(min=_LEAST) ** recipe.focus_positive
    if recipe.negative_margin:
        chances = (chances - recipe.negative_margin).clamp(min=0.0)
        miss = -torch.log((1.0 - chances).clamp(min=_LEAST))
    else:
        miss = -functional.logsigmoid(-logits)
    if recipe.focus_negative:
        miss = miss * chances.clamp(min=_LEAST) ** recipe.focus_negative
    judged = ~torch.isnan(targets)
    each = torch.where(targets > 0.5, hit, miss) * judged
    return each.sum() / judged.sum().clamp(min=1)


def by_image(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Give each image the mean binary cross-entropy over its judged labels, NaN where it has none."""
    judged = ~torch.isnan(targets)
    each = functional.softplus(torch.where(targets > 0.5, -logits, logits)) * judged
    return each.sum(dim=1) / judged.sum(dim=1)


def ranking(foretold: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
    """Give the mean of max(0, ξ − s_ij (l̂_i − l̂_j)), s_ij = sign(l_i − l_j), over all pairs that differ.

    Learned loss, Yoo & Kweon, CVPR 2019 (arXiv:1905.03677), who take half as many pairs as there are images.
    A loss that is NaN counts nothing.
    """
    order = torch.sign(losses[:, None] - losses[None, :])
    counts = order.nan_to_num() != 0
    short = functional.relu(MARGIN - order.nan_to_num() * (foretold[:, None] - foretold[None, :])) * counts
    return short.sum() / counts.sum().clamp(min=1)
