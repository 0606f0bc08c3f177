from pathlib import Path

import numpy as np
import pytest
import torch

from aloft.learning import FineTuneRecipe, features_of
from aloft.networks import build
from aloft.simulation.full import Full
from aloft.simulation.versions import Features

DRAW = np.random.default_rng(0)
PIXELS = [DRAW.normal(size=(count, 8, 8, 3)).astype(np.float16) for count in (12, 5, 6)]
TARGETS = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)
ROWS = np.array([1, 4, 5, 9])
CPU = torch.device("cpu")


def learner(kept: Path, *, losses: bool = False) -> Full:
    backbone = build("tiny")
    pool = Features.of(features_of(backbone, PIXELS[0], CPU))
    recipe = FineTuneRecipe(steps=3, batch_images=4)
    return Full(backbone, (PIXELS[0], PIXELS[1], PIXELS[2]), pool, recipe, CPU, kept, losses=losses)


def test_a_version_says_of_the_whole_pool_what_its_own_network_makes_of_it(tmp_path: Path) -> None:
    full = learner(tmp_path)
    version = full.learn(ROWS, TARGETS, seed=1)
    assert version.logits.shape == (12, 2)
    assert (version.validation.shape, version.test.shape) == ((5, 2), (6, 2))
    assert not np.array_equal(version.pool.values, full.base().values)
    assert version.columns["bald"]().shape == (12,)


def test_what_was_learned_once_is_not_learned_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = learner(tmp_path).learn(ROWS, TARGETS, seed=1)
    monkeypatch.setattr("aloft.simulation.full.fine_tune", None)
    after = learner(tmp_path).learn(ROWS, TARGETS, seed=1)
    assert np.array_equal(before.logits, after.logits)
    with pytest.raises(TypeError):
        learner(tmp_path).learn(ROWS, TARGETS, seed=2)


def test_learning_to_foretell_losses_changes_nothing_else(tmp_path: Path) -> None:
    plain = learner(tmp_path).learn(ROWS, TARGETS, seed=1)
    beside = learner(tmp_path, losses=True).learn(ROWS, TARGETS, seed=1)
    assert np.array_equal(plain.logits, beside.logits)
    assert np.array_equal(plain.pool.values, beside.pool.values)
    assert np.isfinite(beside.columns["mll"]()).all()
