"""Heads solved to convergence: L2-regularised logistic regression, one problem a label, in double precision.

With s_i = 1 for a positive and −1 for a negative, label c minimises over its judged images

    Σ_i log(1 + exp(−s_i (w·x_i + b))) + ‖w‖²/2,

which is the mean loss with λ = 1/n on the weights and none on the bias. All labels are solved at once by
Newton's method. Its steps come from conjugate gradients, preconditioned by what the Hessian would be if all
images of a label were equally uncertain; in the coordinates of the features' own axes that is a diagonal.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.learning.scaling import scaling_of
from aloft.networks import Head

Array = NDArray[np.float64]

TOLERANCE = 1e-7
"""What a gradient may be at the solution, whose terms are of the order of 1 an image."""

_NEWTON_STEPS = 100
_CONJUGATE_STEPS = 250
_HALVINGS = 40
_FLAT = 1e-14
"""Axes along which the features' spread is below this share of the widest are noise of the arithmetic."""


def solve_head(features: NDArray[np.floating], targets: NDArray[np.float32]) -> Head:
    """Solve the head of images × feature size for targets in {0, 1}, NaN where nobody was sure.

    A label whose judged images are all alike, or that nobody judged, has no solution: its weights are zero,
    and its bias says (positives + ½) / (judged + 1).
    """
    scaling = scaling_of(features)
    return scaling.fold(*solve(scaling.apply(features), targets))


def solve(features: Array, targets: NDArray[np.floating]) -> tuple[Array, Array]:
    """Solve weights, labels × feature size, and biases for features as they are."""
    if features.shape[0] != targets.shape[0]:
        raise ValueError(f"{features.shape[0]} rows of features, {targets.shape[0]} of targets")
    judged = ~np.isnan(targets)
    positives, counts = np.nansum(targets, axis=0), judged.sum(axis=0)
    share = (positives + 0.5) / (counts + 1.0)
    weight = np.zeros((targets.shape[1], features.shape[1]))
    bias = np.log(share / (1.0 - share))
    mixed = (positives > 0) & (positives < counts)
    if mixed.any():
        axes, coordinates = _principal_axes(features)
        problem = _Problem.of(coordinates, np.nan_to_num(targets[:, mixed]), judged[:, mixed])
        solution = _newton(problem, bias[mixed])
        weight[mixed] = (axes @ solution[:-1]).T
        bias[mixed] = solution[-1]
    return weight, bias


def _principal_axes(features: Array) -> tuple[Array, Array]:
    """Turn features so that their axes are uncorrelated; no more axes than images or features."""
    images, size = features.shape
    tall = images >= size
    squares, vectors = np.linalg.eigh(features.T @ features if tall else features @ features.T)
    kept = squares > _FLAT * max(squares[-1], np.finfo(float).tiny)
    vectors, lengths = vectors[:, kept], np.sqrt(squares[kept])
    axes = vectors if tall else features.T @ (vectors / lengths)
    return axes, features @ axes


@dataclass(frozen=True, slots=True)
class _Problem:
    """Labels that share their images. Parameters are axes × labels, the bias the last axis."""

    design: Array
    penalty: Array
    targets: Array
    judged: Array

    @classmethod
    def of(cls, coordinates: Array, targets: NDArray[np.floating], judged: NDArray[np.bool_]) -> "_Problem":
        design = np.column_stack([coordinates, np.ones(len(coordinates))])
        penalty = np.ones((design.shape[1], 1))
        penalty[-1] = 0.0
        return cls(design, penalty, targets.astype(np.float64), judged.astype(np.float64))

    def loss(self, parameters: Array, logits: Array) -> Array:
        """Give each label's loss."""
        each = np.logaddexp(0.0, logits) - self.targets * logits
        total: Array = (self.judged * each).sum(axis=0) + 0.5 * (self.penalty * parameters**2).sum(axis=0)
        return total

    def gradient(self, parameters: Array, chances: Array) -> Array:
        """Give the slope of each label's loss."""
        slope: Array = self.design.T @ (self.judged * (chances - self.targets))
        return slope + self.penalty * parameters

    def curved(self, uncertainty: Array, direction: Array) -> Array:
        """Multiply each label's Hessian with its direction."""
        product: Array = self.design.T @ (uncertainty * (self.design @ direction))
        return product + self.penalty * direction


def _newton(problem: _Problem, bias: Array) -> Array:
    parameters = np.zeros((problem.design.shape[1], len(bias)))
    parameters[-1] = bias
    squares = (problem.design**2).sum(axis=0)[:, None]
    for _ in range(_NEWTON_STEPS):
        logits = problem.design @ parameters
        chances = 0.5 * (1.0 + np.tanh(0.5 * logits))
        gradient = problem.gradient(parameters, chances)
        if np.abs(gradient).max() <= TOLERANCE:
            return parameters
        uncertainty = problem.judged * chances * (1.0 - chances)
        typical = uncertainty.sum(axis=0) / problem.judged.sum(axis=0)
        diagonal = problem.penalty + typical * squares
        step = _conjugate_gradients(problem, uncertainty, diagonal, -gradient)
        parameters = _shortened(problem, parameters, logits, gradient, step)
    raise ArithmeticError(f"a head did not converge in {_NEWTON_STEPS} steps of Newton's method")


def _conjugate_gradients(problem: _Problem, uncertainty: Array, diagonal: Array, wanted: Array) -> Array:
    """Solve Hessian · step = wanted for all labels at once, ever more exactly as the gradient shrinks."""
    length = np.sqrt((wanted**2).sum(axis=0))
    enough = np.maximum(length * np.minimum(0.1, length), 0.1 * TOLERANCE)
    step, rest = np.zeros_like(wanted), wanted.copy()
    conditioned = rest / diagonal
    direction, product = conditioned, (rest * conditioned).sum(axis=0)
    for _ in range(_CONJUGATE_STEPS):
        going = np.sqrt((rest**2).sum(axis=0)) > enough
        if not going.any():
            break
        curved = problem.curved(uncertainty, direction)
        bend = (direction * curved).sum(axis=0)
        reach = np.where(going, product / np.where(bend > 0, bend, 1.0), 0.0)
        step = step + reach * direction
        rest = rest - reach * curved
        conditioned = rest / diagonal
        before, product = product, (rest * conditioned).sum(axis=0)
        direction = (
            conditioned + np.where(before > 0, product / np.where(before > 0, before, 1.0), 0.0) * direction
        )
    return step


def _shortened(problem: _Problem, parameters: Array, logits: Array, gradient: Array, step: Array) -> Array:
    """Go along each label's step as far as it is downhill."""
    start, slope = problem.loss(parameters, logits), (gradient * step).sum(axis=0)
    along = problem.design @ step
    reach = np.ones(parameters.shape[1])
    for _ in range(_HALVINGS):
        reached = problem.loss(parameters + reach * step, logits + reach * along)
        # The slack lets a step through that is smaller than the loss can tell.
        uphill = reached > start + 1e-4 * reach * slope + 1e-12 * np.abs(start)
        if not uphill.any():
            break
        reach = np.where(uphill, 0.5 * reach, reach)
    return parameters + reach * step
