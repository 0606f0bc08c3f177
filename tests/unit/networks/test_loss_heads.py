"""Loss heads: what they foretell, how they lie in a file, and who passes them over."""

from dataclasses import replace

import numpy as np
import pytest
import safetensors.torch
import torch

from aloft.networks import (
    FeatureExtractor,
    Head,
    LossHead,
    StagesUnknown,
    WeightsDoNotFit,
    build,
    load_head,
    load_loss_head,
    load_weights,
    save_weights,
)
from aloft.networks.loss_head import Layer

HEAD = Head(np.ones((2, 32), np.float32), np.zeros(2, np.float32))


def layer(outputs: int, inputs: int, seed: int = 0) -> Layer:
    draw = np.random.default_rng(seed)
    return Layer(
        draw.normal(size=(outputs, inputs)).astype(np.float32), draw.normal(size=outputs).astype(np.float32)
    )


STAGED = LossHead([layer(4, 8), layer(4, 16), layer(4, 32)], layer(1, 12), staged=True)
PLAIN = LossHead([layer(4, 32)], layer(1, 4), staged=False)


def rows(count: int, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(1).normal(size=(count, size)).astype(np.float32)


def test_a_loss_is_foretold_as_worked_by_hand() -> None:
    """Two inputs: max(0, 2·3 − 1) = 5 and max(0, −1·4) = 0 are joined to 10·5 + 7·0 + 0.5."""
    head = LossHead(
        [
            Layer(np.array([[2.0]], np.float32), np.array([-1.0], np.float32)),
            Layer(np.array([[-1.0]], np.float32), np.array([0.0], np.float32)),
        ],
        Layer(np.array([[10.0, 7.0]], np.float32), np.array([0.5], np.float32)),
        staged=True,
    )
    assert head.predict(np.array([[3.0, 4.0]], np.float32)).tolist() == [50.5]


@pytest.mark.parametrize("cut", [1, 1023, 1500])
def test_a_row_has_its_loss_wherever_it_is_cut(cut: int) -> None:
    inputs = rows(2100, 32).astype(np.float16)
    parts = [PLAIN.predict(part) for part in (inputs[:cut], inputs[cut:])]
    np.testing.assert_array_equal(np.concatenate(parts), PLAIN.predict(inputs))


def test_rows_that_are_not_finite_have_no_loss_and_spoil_no_other() -> None:
    inputs = rows(4, 32)
    good = PLAIN.predict(inputs)
    inputs[1, 0], inputs[3, 5] = np.nan, -np.inf
    found = PLAIN.predict(inputs)
    assert np.isnan(found).tolist() == [False, True, False, True]
    np.testing.assert_array_equal(found[[0, 2]], good[[0, 2]])


def test_inputs_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="on 56 values an image is given"):
        STAGED.predict(rows(2, 32))


@pytest.mark.parametrize("head", [STAGED, PLAIN], ids=["on stages", "on features"])
def test_a_loss_head_comes_back_from_a_file_of_weights(head: LossHead) -> None:
    found = load_loss_head(save_weights(build("tiny"), HEAD, head))
    assert found is not None
    assert found.staged == head.staged
    np.testing.assert_array_equal(found.predict(rows(9, head.size)), head.predict(rows(9, head.size)))


def test_most_versions_have_no_loss_head() -> None:
    assert load_loss_head(save_weights(build("tiny"), HEAD)) is None


def test_a_loss_head_is_passed_over_by_whoever_reads_backbone_and_head() -> None:
    backbone = build("tiny")
    weights = save_weights(backbone, HEAD, STAGED)
    assert save_weights(load_weights(build("tiny", seed=2), weights)) == save_weights(backbone)
    head = load_head(weights)
    assert head is not None
    np.testing.assert_array_equal(head.weight, HEAD.weight)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"aloft.loss.last.bias": None}, "lacks 'aloft.loss.last.bias'"),
        ({"aloft.loss.stages.0.weight": torch.full((4, 8), torch.nan)}, "not finite"),
        ({"aloft.loss.last.bias": torch.zeros(1, dtype=torch.float64)}, "float32"),
        ({"aloft.loss.last.weight": torch.zeros(1, 11)}, r"ends in weights \(1, 11\)"),
        ({"aloft.loss.stages.1.bias": torch.zeros(3)}, r"bias \(3,\)"),
        ({"aloft.loss.more": torch.zeros(1)}, "has aloft.loss.more"),
    ],
)
def test_a_damaged_loss_head_is_named(change: dict[str, torch.Tensor | None], why: str) -> None:
    tensors = {**safetensors.torch.load(save_weights(build("tiny"), HEAD, STAGED)), **change}
    data = safetensors.torch.save({name: value for name, value in tensors.items() if value is not None})
    with pytest.raises(WeightsDoNotFit, match=why):
        load_loss_head(data)


def test_layers_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(WeightsDoNotFit, match=r"not \(1, 4\)"):
        replace(PLAIN, last=layer(1, 5))


@pytest.mark.parametrize("architecture", ["tiny", "resnet18", "convnext_atto"])
def test_stages_come_behind_the_very_same_features(architecture: str) -> None:
    backbone = build(architecture)
    images = np.random.default_rng(0).normal(size=(2, 32, 32, 3)).astype(np.float32)
    plain, staged = (
        FeatureExtractor(backbone, torch.device("cpu"), staged=staged) for staged in (False, True)
    )
    both = staged(images)
    assert both.shape == (2, staged.size)
    assert staged.size == backbone.feature_size + sum(backbone.stage_sizes)
    np.testing.assert_array_equal(both[:, : backbone.feature_size], plain(images))


def test_a_network_that_does_not_say_what_its_stages_are_is_named() -> None:
    backbone = build("tiny")
    backbone.network.feature_info = None  # type: ignore[assignment]
    with pytest.raises(StagesUnknown, match="'tiny' does not say what its stages are"):
        FeatureExtractor(backbone, torch.device("cpu"), staged=True)
