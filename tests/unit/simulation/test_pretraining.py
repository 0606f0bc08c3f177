from pathlib import Path

import numpy as np
import pytest
import torch

from aloft.networks import backbone_digest
from aloft.simulation import pretraining
from aloft.simulation.pretraining import Pretraining, pretrained
from tests.unit.simulation.made import untold

IMAGES = np.random.default_rng(0).normal(size=(8, 8, 8, 3)).astype(np.float16)
PLAN = Pretraining("tiny", bands=3, epochs=2, seed=0)
CPU = torch.device("cpu")


def test_weights_are_learned_once_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pretrained(PLAN, IMAGES, tmp_path, CPU, untold)
    monkeypatch.setattr(pretraining, "pretrain", None)
    assert backbone_digest(pretrained(PLAN, IMAGES, tmp_path, CPU, untold)) == backbone_digest(made)
    assert [path.suffix for path in (tmp_path / "weights").iterdir()] == [".safetensors"]


def test_other_images_or_another_plan_make_other_weights(tmp_path: Path) -> None:
    pretrained(PLAN, IMAGES, tmp_path, CPU, untold)
    pretrained(PLAN, IMAGES[:7], tmp_path, CPU, untold)
    pretrained(Pretraining("tiny", bands=3, epochs=2, seed=1), IMAGES, tmp_path, CPU, untold)
    assert len(list((tmp_path / "weights").iterdir())) == 3


def test_a_pass_sees_each_image_about_once() -> None:
    assert PLAN.recipe(2 * pretraining.BATCH + 9).steps == 4
