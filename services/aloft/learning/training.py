"""The loop that all training shares: steps, schedule, checkpoints, progress, and a loss that stays finite."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

import torch
from torch import nn

from aloft.learning.average import Average, Network
from aloft.learning.checkpoint import seal, unseal
from aloft.learning.errors import TrainingDiverged
from aloft.learning.ports import Checkpoints, Progress

_LOOK_EVERY = 50
"""Steps between looks at the loss on a GPU: each waits until the device has caught up."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the loop needs of a recipe."""

    stage: str
    steps: int
    learning_rate: float
    warm_up: float
    weight_decay: float
    average: float | None
    """How much of the moving average stays at a step; none for no average."""
    belongs_to: bytes
    """The fingerprint of what decides the outcome."""

    def rate(self, step: int) -> float:
        """Give a step's learning rate: a straight rise, then half a cosine down."""
        rise = max(1, round(self.warm_up * self.steps))
        if step < rise:
            return self.learning_rate * (step + 1) / rise
        return (
            self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (step - rise) / max(1, self.steps - rise)))
        )


class Training(Generic[Network]):
    """One network on its way. `loss` makes a step's loss from the step's number alone.

    The networks are built without dropout, so nothing is drawn but by the loss.
    """

    def __init__(
        self, network: Network, loss: Callable[[int], torch.Tensor], plan: Plan, device: torch.device
    ) -> None:
        self.network = network
        self._loss = loss
        self._plan = plan
        self._looks_at_each = device.type != "cuda"
        groups = _groups(network, plan.weight_decay)
        self._optimiser = torch.optim.AdamW(groups, lr=plan.learning_rate, fused=True)
        self._average = None if plan.average is None else Average(network, plan.average)
        self._first_bad = torch.full((), -1, dtype=torch.int64, device=device)
        self._done = 0

    def run(self, progress: Progress, checkpoints: Checkpoints, every_s: float) -> Network:
        """Take the steps that are left, and give the network that results."""
        self._resume(checkpoints)
        progress(self._done, self._plan.steps, self._plan.stage)
        saved = time.monotonic()
        while self._done < self._plan.steps:
            self._step()
            if self._looks_at_each or self._done % _LOOK_EVERY == 0:
                self._look()
            if time.monotonic() - saved >= every_s:
                self._look()
                checkpoints.save(seal(self._state(), self._plan.belongs_to))
                saved = time.monotonic()
            progress(self._done, self._plan.steps, self._plan.stage)
        self._look()
        result = self.network if self._average is None else self._average.network
        if not all(bool(torch.isfinite(each).all()) for each in result.parameters()):
            raise self._diverged(self._plan.steps - 1)
        result.eval()
        return result

    def _step(self) -> None:
        step = self._done
        for group in self._optimiser.param_groups:
            group["lr"] = self._plan.rate(step)
        loss = self._loss(step)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._optimiser.zero_grad(set_to_none=True)
        if self._average is not None:
            self._average.update(step)
        first = ~torch.isfinite(loss.detach()) & (self._first_bad < 0)
        self._first_bad.masked_fill_(first, step)
        self._done = step + 1

    def _look(self) -> None:
        if (step := int(self._first_bad)) >= 0:
            raise self._diverged(step)

    def _diverged(self, step: int) -> TrainingDiverged:
        return TrainingDiverged(self._plan.stage, step, self._plan.rate(step))

    def _state(self) -> dict[str, Any]:
        return {
            "done": self._done,
            "network": self.network.state_dict(),
            "optimiser": self._optimiser.state_dict(),
            "average": None if self._average is None else self._average.network.state_dict(),
        }

    def _resume(self, checkpoints: Checkpoints) -> None:
        data = checkpoints.load()
        state = None if data is None else unseal(data, self._plan.belongs_to)
        if state is None:
            return
        self._done = state["done"]
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        if self._average is not None:
            self._average.network.load_state_dict(state["average"])


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Spare biases and normalisations the decay: it would only fight what they are for."""
    trained = [each for each in network.parameters() if each.requires_grad]
    return [
        {"params": [each for each in trained if each.ndim > 1], "weight_decay": weight_decay},
        {"params": [each for each in trained if each.ndim <= 1], "weight_decay": 0.0},
    ]
