"""Trains, with a run's recipe and on its device, its progress told and its checkpoints kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aloft.kit.errors import FailedPrecondition
from aloft.trainer.domain.campaign import Mode, Pretraining, Training
from aloft.trainer.use_cases.checkpoints import RunCheckpoints
from aloft.trainer.use_cases.means import Attempt

if TYPE_CHECKING:
    from aloft.networks import Backbone, Head

Hyperparameters = dict[str, Any]
"""As the card tells them."""


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
) -> "tuple[Backbone, Head, Hyperparameters]":
    """Learn a head, and in the mode `full` a backbone with it, from images × labels."""
    from aloft.learning import FineTuneRecipe, features_of, fine_tune, solve_head
    from aloft.networks import choose_device

    asked, options = attempt.run.training or Training(), attempt.means.options
    device = choose_device(options.device)
    if asked.mode is Mode.PROBE:
        attempt.beat(0, 1, "solving the head")
        with _may_diverge():
            return base, solve_head(features_of(base, images, device), told), {}
    recipe = FineTuneRecipe(
        steps=asked.steps,
        batch_images=asked.batch_images,
        learning_rate=asked.learning_rate,
        seed=asked.seed,
    )
    checkpoints = RunCheckpoints(attempt)
    with _may_diverge():
        backbone, head = fine_tune(
            base, images, told, recipe, device, attempt.beat, checkpoints, options.checkpoint_every_s
        )
    return backbone, head, asdict(recipe)


@contextmanager
def _may_diverge() -> Iterator[None]:
    # The same recipe on the same images would end so again.
    try:
        yield
    except ArithmeticError as error:
        raise FailedPrecondition("TRAINING_DIVERGED", str(error)) from error
