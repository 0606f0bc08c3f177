"""How networks learn and are judged: self-supervision, fine-tuning, heads, evaluation.

Pure algorithms over arrays: whoever calls brings the images, the labels, a way to tell progress and a place
for checkpoints. Whatever is drawn is drawn from (seed, step), so that the same seed on the same machine gives
the same weights, and a training that was killed and resumed ends with the weights of one that was not.

Recipes, heads and evaluation need NumPy alone; the first name that is asked for that trains imports torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from aloft.learning.calibration import Calibration, calibrate
from aloft.learning.errors import TrainingDiverged
from aloft.learning.evaluation import Evaluation, LabelScore, evaluate
from aloft.learning.logistic import solve_head
from aloft.learning.ports import Checkpoints, Progress
from aloft.learning.recipes import Augmentation, FineTuneRecipe, PretrainRecipe

if TYPE_CHECKING:
    from aloft.learning.features import features_of
    from aloft.learning.fine_tuning import fine_tune, fine_tune_with_losses
    from aloft.learning.simclr import pretrain

__all__ = [
    "Augmentation",
    "Calibration",
    "Checkpoints",
    "Evaluation",
    "FineTuneRecipe",
    "LabelScore",
    "PretrainRecipe",
    "Progress",
    "TrainingDiverged",
    "calibrate",
    "evaluate",
    "features_of",
    "fine_tune",
    "fine_tune_with_losses",
    "pretrain",
    "solve_head",
]

_WITH_TORCH = {
    "features_of": "features",
    "fine_tune": "fine_tuning",
    "fine_tune_with_losses": "fine_tuning",
    "pretrain": "simclr",
}


def __getattr__(name: str) -> object:
    if name in _WITH_TORCH:
        return getattr(import_module(f"{__name__}.{_WITH_TORCH[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
