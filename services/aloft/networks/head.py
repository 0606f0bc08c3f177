"""A version's head: from features to logits. NumPy alone: whoever has features needs no torch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from aloft.networks.errors import WeightsDoNotFit

PREFIX = "aloft.head."
WEIGHT = f"{PREFIX}weight"
BIAS = f"{PREFIX}bias"


@dataclass(frozen=True, slots=True)
class Head:
    """One linear output a label, on a backbone's raw features."""

    weight: NDArray[np.float32]
    """Labels × feature size."""
    bias: NDArray[np.float32]
    """One a label."""

    def __post_init__(self) -> None:
        if self.weight.ndim != 2 or self.bias.shape != self.weight.shape[:1]:
            raise WeightsDoNotFit(f"a head of weight {self.weight.shape} and bias {self.bias.shape}")

    def logits(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Make the raw logits of images × feature size, in the order of the version's labels."""
        return features.astype(np.float32, copy=False) @ self.weight.T + self.bias


def load_head(data: bytes) -> Head | None:
    """Read the head of a version's weights; a base version has none."""
    try:
        held = deserialize(data)  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise WeightsDoNotFit(f"not a safetensors file: {error}") from error
    tensors = {name: tensor for name, tensor in held if name.startswith(PREFIX)}
    if not tensors:
        return None
    if tensors.keys() != {WEIGHT, BIAS} or any(tensor["dtype"] != "F32" for tensor in tensors.values()):
        raise WeightsDoNotFit(f"a head is {WEIGHT} and {BIAS}, in float32, not {', '.join(sorted(tensors))}")
    weight, bias = (
        np.frombuffer(tensors[name]["data"], "<f4").reshape(tensors[name]["shape"]) for name in (WEIGHT, BIAS)
    )
    if not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise WeightsDoNotFit("the head has values that are not finite")
    return Head(weight, bias)
