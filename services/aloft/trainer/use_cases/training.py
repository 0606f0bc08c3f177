"""Trains, with a run's recipe and on its device, its progress told and its checkpoints kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aloft.kit.errors import FailedPrecondition
from aloft.trainer.domain.campaign import Mode, Pretraining, Training
from aloft.trainer.use_cases.checkpoints import RunCheckpoints
from aloft.trainer.use_cases.means import Attempt

if TYPE_CHECKING:
    from aloft.networks import Backbone, Head, LossHead

Hyperparameters = dict[str, Any]
"""As the card tells them."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What is learned from labels."""

    backbone: "Backbone"
    head: "Head"
    losses: "LossHead | None"
    """None where the campaign's strategy asks for no losses."""
    hyperparameters: Hyperparameters


def learn_from_pool(
    attempt: Attempt, initial: "Backbone", images: NDArray[np.floating], asked: Pretraining
) -> "tuple[Backbone, Hyperparameters]":
    """Learn a backbone from images without labels."""
    from aloft.learning import PretrainRecipe, pretrain
    from aloft.networks import choose_device

    options = attempt.means.options
    recipe = PretrainRecipe(
        steps=asked.steps,
        batch_images=asked.batch_images,
        learning_rate=asked.learning_rate,
        seed=asked.seed,
    )
    device, checkpoints = choose_device(options.device), RunCheckpoints(attempt)
    with _may_diverge():
        backbone = pretrain(
            initial, images, recipe, device, attempt.beat, checkpoints, options.checkpoint_every_s
        )
    return backbone, {"method": asked.method, **asdict(recipe)}


def learn_from_labels(
    attempt: Attempt, base: "Backbone", images: NDArray[np.floating], told: NDArray[np.float32]
) -> Learned:
    """Learn a head, and in the mode `full` a backbone with it, from images × labels."""
    asked = attempt.run.training or Training()
    with _may_diverge():
        if asked.mode is Mode.PROBE:
            return _probed(attempt, base, images, told, asked)
        return _fine_tuned(attempt, base, images, told, asked)


def _probed(
    attempt: Attempt,
    base: "Backbone",
    images: NDArray[np.floating],
    told: NDArray[np.float32],
    asked: Training,
) -> Learned:
    from aloft.learning import features_of, loss_head, solve_head
    from aloft.networks import choose_device

    attempt.beat(0, 1, "solving the head")
    features = features_of(base, images, choose_device(attempt.means.options.device))
    head = solve_head(features, told)
    losses = loss_head.fit(features, told, head, asked.seed) if asked.loss_head else None
    return Learned(base, head, losses, {})


def _fine_tuned(
    attempt: Attempt,
    base: "Backbone",
    images: NDArray[np.floating],
    told: NDArray[np.float32],
    asked: Training,
) -> Learned:
    from aloft.learning import FineTuneRecipe, fine_tune, fine_tune_with_losses
    from aloft.networks import StagesUnknown, choose_device

    options = attempt.means.options
    recipe = FineTuneRecipe(
        steps=asked.steps,
        batch_images=asked.batch_images,
        learning_rate=asked.learning_rate,
        seed=asked.seed,
    )
    checkpoints, device = RunCheckpoints(attempt), choose_device(options.device)
    given = (base, images, told, recipe, device, attempt.beat, checkpoints, options.checkpoint_every_s)
    if not asked.loss_head:
        return Learned(*fine_tune(*given), None, asdict(recipe))
    try:
        return Learned(*fine_tune_with_losses(*given), asdict(recipe))
    except StagesUnknown as error:
        raise FailedPrecondition("STAGES_UNKNOWN", str(error)) from error


@contextmanager
def _may_diverge() -> Iterator[None]:
    # The same recipe on the same images would end so again.
    try:
        yield
    except ArithmeticError as error:
        raise FailedPrecondition("TRAINING_DIVERGED", str(error)) from error
