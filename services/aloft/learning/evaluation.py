"""How good a version's logits are on judged images."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft.learning.average_precision import average_precision, weighted_average_precisions
from aloft.learning.calibration import Calibration, check_shapes

RARE = 0.05
"""A label is rare where less than this share of the judged images has it."""

_DRAWS = 500
_SEED = 0
_BINS = 15

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class LabelScore:
    """How good a version is at one label."""

    label: str
    judged: int
    """Images on which the label was called positive or negative."""
    positives: int
    ap: float | None
    """Average precision; none where the judged are all alike."""
    interval: Interval | None
    """Where 95 % of the average precisions lie when the images are drawn anew."""
    f1: float | None

    @property
    def rare(self) -> bool:
        """Say whether the label is rare among the judged."""
        return self.positives < RARE * self.judged


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How good a version is, on one split. A score is none where no label could be judged."""

    map_macro: float | None
    """The mean of the labels' average precisions: those that have one."""
    map_macro_interval: Interval | None
    map_micro: float | None
    """The average precision over all pairs of image and label."""
    f1_macro: float | None
    f1_micro: float | None
    ece: float | None
    """The expected calibration error."""
    rare_map: float | None
    """The mean over rare labels."""
    labels: tuple[LabelScore, ...]

    @property
    def unscored(self) -> tuple[str, ...]:
        """Name the labels that have no average precision, because the judged are all alike."""
        return tuple(each.label for each in self.labels if each.ap is None)

    def scalars(self) -> dict[str, float]:
        """Give the scores that there are by name, as a version publishes them."""
        named = {
            "map_macro": self.map_macro,
            "map_micro": self.map_micro,
            "f1_macro": self.f1_macro,
            "f1_micro": self.f1_micro,
            "ece": self.ece,
            "rare_map": self.rare_map,
            **{f"ap/{each.label}": each.ap for each in self.labels},
        }
        return {name: value for name, value in named.items() if value is not None}


def evaluate(
    logits: NDArray[np.float32],
    targets: NDArray[np.float32],
    calibration: Calibration,
    labels: Sequence[str],
    *,
    intervals: bool = True,
) -> Evaluation:
    """Judge raw logits, images × labels, against targets in {0, 1}, NaN where nobody was sure.

    The intervals take nearly all of the time: who judges often and reads none does without.
    """
    check_shapes(logits, targets)
    if not len(labels) == len(calibration.thresholds) == logits.shape[1]:
        raise ValueError(f"{logits.shape[1]} columns, {len(labels)} labels")
    judged, positive = ~np.isnan(targets), targets > 0.5
    chances = calibration.probabilities(logits)
    called = chances >= np.asarray(calibration.thresholds)
    draws = _draws(logits, positive, judged) if intervals else None
    scores = tuple(
        _score(
            name,
            logits[rows, at],
            positive[rows, at],
            called[rows, at],
            None if draws is None else draws[at],
        )
        for at, (name, rows) in enumerate(zip(labels, judged.T, strict=True))
    )
    scored = [at for at, each in enumerate(scores) if each.ap is not None]
    return Evaluation(
        map_macro=_mean(each.ap for each in scores),
        map_macro_interval=_interval(_means(draws[scored])) if scored and draws is not None else None,
        map_micro=average_precision(logits[judged], positive[judged]),
        f1_macro=_mean(each.f1 for each in scores),
        f1_micro=_f1(called[judged], positive[judged]),
        ece=_calibration_error(chances[judged], positive[judged]),
        rare_map=_mean(each.ap for each in scores if each.rare),
        labels=scores,
    )


def _score(
    label: str,
    logits: NDArray[np.float32],
    positive: NDArray[np.bool_],
    called: NDArray[np.bool_],
    draws: NDArray[np.float64] | None,
) -> LabelScore:
    ap = average_precision(logits, positive)
    return LabelScore(
        label=label,
        judged=len(positive),
        positives=int(positive.sum()),
        ap=ap,
        interval=None if ap is None or draws is None else _interval(draws),
        f1=None if ap is None else _f1(called, positive),
    )


def _draws(
    logits: NDArray[np.float32], positive: NDArray[np.bool_], judged: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Draw the images anew, with replacement and the same for all labels: labels × average precisions.

    A draw without a positive of a label has no average precision of it.
    """
    images, labels = logits.shape
    answer = np.full((labels, _DRAWS), np.nan)
    if images == 0:
        return answer
    counts = np.random.default_rng(_SEED).multinomial(images, np.full(images, 1.0 / images), _DRAWS)
    for label, rows in enumerate(judged.T):
        if positive[rows, label].any():
            chosen = counts[:, rows]
            answer[label] = weighted_average_precisions(logits[rows, label], positive[rows, label], chosen)
    return answer


def _interval(draws: NDArray[np.float64]) -> Interval:
    low, high = np.nanquantile(draws, (0.025, 0.975))
    return float(low), float(high)


def _means(draws: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over labels, draw by draw; NaN for a draw without a positive of any."""
    there = ~np.isnan(draws)
    with np.errstate(invalid="ignore"):
        answer: NDArray[np.float64] = np.nansum(draws, axis=0) / there.sum(axis=0)
    return answer


def _mean(values: Iterable[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if there else None


def _f1(called: NDArray[np.bool_], positive: NDArray[np.bool_]) -> float | None:
    either = int(called.sum()) + int(positive.sum())
    return 2.0 * int((called & positive).sum()) / either if either else None


def _calibration_error(chances: NDArray[np.float64], positive: NDArray[np.bool_]) -> float | None:
    """Compare, in bins of alike probabilities, what was foretold with what was the case."""
    if len(chances) == 0:
        return None
    bins = np.minimum((chances * _BINS).astype(int), _BINS - 1)
    gaps = np.bincount(bins, weights=chances - positive, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(chances))
