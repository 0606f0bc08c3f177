"""What a network is to make small."""

import torch
from torch.nn import functional

from aloft.learning.recipes import FineTuneRecipe

_LEAST = 1e-8


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
