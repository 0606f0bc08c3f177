"""A version's loss head: from features, or stages of the network, to the loss it foretells. NumPy alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from aloft.networks.errors import WeightsDoNotFit

PREFIX = "aloft.loss."
_ON_FEATURES = f"{PREFIX}features"
_ON_STAGES = f"{PREFIX}stages"

_ROWS = 1024


@dataclass(frozen=True, slots=True)
class Layer:
    """A linear layer on one input."""

    weight: NDArray[np.float32]
    """Outputs × inputs."""
    bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.bias.shape != self.weight.shape[:1]:
            raise WeightsDoNotFit(f"a layer of weight {self.weight.shape} and bias {self.bias.shape}")


@dataclass(frozen=True, slots=True)
class LossHead:
    """Foretells by how much a version errs on an image, up to what does not change the order.

    Each input goes through a layer of its own and is cut off below 0; one more layer joins them.
    """

    layers: Sequence[Layer]
    last: Layer
    staged: bool
    """The inputs are means over an image of stages of the backbone, and not its features."""

    def __post_init__(self) -> None:
        hidden = sum(len(layer.bias) for layer in self.layers)
        if self.last.weight.shape != (1, hidden):
            raise WeightsDoNotFit(f"a loss head ends in weights {self.last.weight.shape}, not (1, {hidden})")

    @property
    def size(self) -> int:
        """How many values of an image it looks at."""
        return sum(layer.weight.shape[1] for layer in self.layers)

    def predict(self, inputs: NDArray[np.floating]) -> NDArray[np.float32]:
        """Foretell the loss of each of images × size, inputs side by side; NaN where one is not finite."""
        if inputs.shape[1:] != (self.size,):
            raise ValueError(f"a loss head on {self.size} values an image is given {inputs.shape[1:]}")
        found = np.empty(len(inputs), dtype=np.float32)
        for start in range(0, len(inputs), _ROWS):
            part = slice(start, start + _ROWS)
            found[part] = self._predict(inputs[part].astype(np.float64))
        return found

    def _predict(self, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
        ends = np.cumsum([layer.weight.shape[1] for layer in self.layers])
        parts = np.split(inputs, ends[:-1], axis=1)
        # In double precision, so that where rows were cut shows only past what a column holds.
        with np.errstate(invalid="ignore", over="ignore"):
            hidden = [_through(layer, part) for layer, part in zip(self.layers, parts, strict=True)]
            losses: NDArray[np.float64] = _linear(self.last, np.concatenate(hidden, axis=1))[:, 0]
        return np.where(np.isfinite(inputs).all(axis=1), losses, np.nan)


def loss_tensors(head: LossHead) -> dict[str, NDArray[np.float32]]:
    """Name its weights as a file of weights holds them."""
    begin = _ON_STAGES if head.staged else _ON_FEATURES
    named = {f"{begin}.{at}": layer for at, layer in enumerate(head.layers)} | {f"{PREFIX}last": head.last}
    return {
        f"{name}.{what}": value
        for name, layer in named.items()
        for what, value in (("weight", layer.weight), ("bias", layer.bias))
    }


def load_loss_head(data: bytes) -> LossHead | None:
    """Read the loss head of a version's weights; most versions have none."""
    try:
        held = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise WeightsDoNotFit(f"not a safetensors file: {error}") from error
    tensors = {name: tensor for name, tensor in held if name.startswith(PREFIX)}
    if not tensors:
        return None
    if any(tensor["dtype"] != "F32" for tensor in tensors.values()):
        raise WeightsDoNotFit("a loss head is in float32")
    values = {
        name: np.frombuffer(tensor["data"], "<f4").reshape(tensor["shape"])
        for name, tensor in tensors.items()
    }
    if not all(np.isfinite(value).all() for value in values.values()):
        raise WeightsDoNotFit("the loss head has values that are not finite")
    staged = any(name.startswith(_ON_STAGES) for name in values)
    begin = _ON_STAGES if staged else _ON_FEATURES
    layers = range(sum(name.startswith(begin) for name in values) // 2)
    try:
        found = LossHead(
            [_layer(values, f"{begin}.{at}") for at in layers], _layer(values, f"{PREFIX}last"), staged
        )
    except KeyError as error:
        raise WeightsDoNotFit(f"the loss head lacks {error}") from error
    if extra := values.keys() - loss_tensors(found).keys():
        raise WeightsDoNotFit(f"the loss head has {', '.join(sorted(extra))}, which no loss head has")
    return found


def _layer(values: dict[str, NDArray[np.float32]], name: str) -> Layer:
    return Layer(values[f"{name}.weight"], values[f"{name}.bias"])


def _through(layer: Layer, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.maximum(_linear(layer, inputs), 0.0)


def _linear(layer: Layer, inputs: NDArray[np.float64]) -> NDArray[np.float64]:
    answer: NDArray[np.float64] = inputs @ layer.weight.T.astype(np.float64) + layer.bias
    return answer
