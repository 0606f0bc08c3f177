import subprocess
import sys

import numpy as np
import pytest
import safetensors.torch
import torch

from aloft.networks import (
    Head,
    WeightsDoNotFit,
    backbone_digest,
    build,
    load_head,
    load_weights,
    save_weights,
)

HEAD = Head(np.arange(64, dtype=np.float32).reshape(2, 32), np.array([-1.0, 1.0], np.float32))


def written(**tensors: torch.Tensor) -> bytes:
    return safetensors.torch.save({f"aloft.head.{name}": tensor for name, tensor in tensors.items()})


def test_a_head_survives_being_saved_beside_its_backbone() -> None:
    head = load_head(save_weights(build("tiny"), HEAD))
    assert head is not None
    np.testing.assert_array_equal(head.weight, HEAD.weight)
    np.testing.assert_array_equal(head.bias, HEAD.bias)


def test_a_base_version_has_no_head() -> None:
    assert load_head(save_weights(build("tiny"))) is None


def test_a_head_changes_nothing_about_the_backbone() -> None:
    backbone = build("tiny", seed=1)
    loaded = load_weights(build("tiny", seed=2), save_weights(backbone, HEAD))
    assert backbone_digest(loaded) == backbone_digest(backbone)


def test_logits_are_features_times_weight_plus_bias_in_single_precision() -> None:
    features = np.random.default_rng(0).normal(size=(5, 32)).astype(np.float16)
    logits = HEAD.logits(features)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, features.astype(np.float32) @ HEAD.weight.T + HEAD.bias)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no weights", "not a safetensors file"),
        (written(weight=torch.zeros(2, 32)), "a head is"),
        (written(weight=torch.zeros(2, 32), bias=torch.zeros(2, dtype=torch.float16)), "in float32"),
        (written(weight=torch.zeros(2, 32), bias=torch.zeros(3)), "a head of weight"),
        (written(weight=torch.zeros(2, 32), bias=torch.full((2,), torch.nan)), "not finite"),
    ],
)
def test_a_broken_head_is_refused_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(WeightsDoNotFit, match=why):
        load_head(data)


def test_heads_recipes_and_evaluation_need_no_torch() -> None:
    code = (
        "import sys; from aloft.networks import load_head; "
        "from aloft.learning import FineTuneRecipe, evaluate, solve_head; print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_every_name_that_is_promised_is_there() -> None:
    import aloft.learning
    import aloft.networks

    for package in (aloft.learning, aloft.networks):
        missing = [name for name in package.__all__ if not hasattr(package, name)]
        assert missing == []
