"""Strategies of scikit-activeml 1.0.1, small-text 1.4.1 and modAL 0.4.2.1, and Aloft's, on the same arrays.

Each call takes a pool and what is labelled, and answers the rows of the pool that it picks, in order. Peers
are imported where they are called: only an environment of their own has them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aloft import strategies
from aloft.strategies.pool import ArrayPool, Ids, Known
from aloft.strategies.strategy import Picks

Rows = list[int]


@dataclass(frozen=True, slots=True)
class Case:
    """A pool: features and logits of each image, and the features of what is labelled."""

    features: NDArray[np.float32]
    logits: NDArray[np.float32]
    labelled: NDArray[np.float32]

    @property
    def everything(self) -> NDArray[np.float32]:
        """The pool, and behind it what is labelled, as the peers want it."""
        return np.concatenate([self.features, self.labelled])

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Of each label: they sum to whatever they sum to."""
        return 1 / (1 + np.exp(-self.logits.astype(np.float64)))


Call = Callable[[Case, int, int], Rows]
"""(case, how many, seed)"""


def numbered(count: int) -> Ids:
    """Make ids that say the number of their row, in the order of the rows."""
    words = np.zeros((count, 2), dtype=">u8")
    words[:, 1] = np.arange(count)
    return np.frombuffer(words.tobytes(), dtype="S16")


def aloft_picks(expression: str, case: Case, size: int, seed: int) -> Picks:
    """Select as acquisition does."""
    norms = np.sqrt(np.einsum("ij,ij->i", case.features, case.features, dtype=np.float64))
    labels = tuple(f"label-{number}" for number in range(case.logits.shape[1]))
    pool = ArrayPool(
        numbered(len(case.features)),
        case.features,
        norms.astype(np.float32),
        case.logits,
        known=Known(labels, (0,) * len(labels), len(case.labelled)),
        covering=case.labelled,
    )
    strategy = strategies.load(expression)
    return strategy.select(pool, strategy.rank(pool, size, seed), size, seed)


def aloft(expression: str) -> Call:
    """Name one of Aloft's strategies."""

    def call(case: Case, size: int, seed: int) -> Rows:
        return [int(image, 16) for image in aloft_picks(expression, case, size, seed).images]

    return call


def skactiveml_core_set(case: Case, size: int, seed: int) -> Rows:
    """`skactiveml.pool.CoreSet`."""
    from skactiveml.pool import CoreSet

    return _plain(CoreSet(random_state=seed).query(case.everything, _labels(case), batch_size=size))


def skactiveml_typi_clust(case: Case, size: int, seed: int, k: int = 20) -> Rows:
    """`skactiveml.pool.TypiClust`."""
    from skactiveml.pool import TypiClust

    asked = TypiClust(random_state=seed, k=k)
    return _plain(asked.query(case.everything, _labels(case), batch_size=size))


def skactiveml_max_herding(case: Case, size: int, seed: int, gamma: float | None = None) -> Rows:
    """`skactiveml.pool.MaxHerding`."""
    from skactiveml.pool import MaxHerding

    asked = MaxHerding(metric_dict=None if gamma is None else {"gamma": gamma}, random_state=seed)
    return _plain(asked.query(case.everything, _labels(case), batch_size=size))


def skactiveml_badge(case: Case, size: int, seed: int) -> Rows:
    """`skactiveml.pool.Badge` with the probabilities of all labels as if they were of classes."""
    from skactiveml.base import SkactivemlClassifier
    from skactiveml.pool import Badge

    class Told(SkactivemlClassifier):  # type: ignore[misc]
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "Told":  # noqa: N803
            return self

        def predict_proba(self, X: Any) -> Any:  # noqa: N803
            return case.probabilities

    asked = Badge(random_state=seed)
    told = Told(missing_label=np.nan)
    return _plain(asked.query(case.everything, _labels(case), told, fit_clf=False, batch_size=size))


def small_text_greedy_coreset(case: Case, size: int, seed: int) -> Rows:
    """`small_text.query_strategies.coresets.greedy_coreset` by Euclidean distance."""
    from small_text.query_strategies.coresets import greedy_coreset

    pool, labelled = _indices(case)
    return _plain(greedy_coreset(case.everything, pool, labelled, size, distance_metric="euclidean"))


def small_text_embedding_k_means(case: Case, size: int, seed: int) -> Rows:
    """`small_text.EmbeddingKMeans`, which takes its seed from NumPy's global state."""
    from small_text.query_strategies.strategies import EmbeddingKMeans

    np.random.seed(seed)
    pool, labelled = _indices(case)
    asked = EmbeddingKMeans(normalize=True)
    return _plain(asked.sample(None, None, pool, labelled, None, size, case.everything))


def small_text_badge(case: Case, size: int, seed: int) -> Rows:
    """`small_text.integrations.pytorch.query_strategies.BADGE`."""
    from small_text.integrations.pytorch.query_strategies import BADGE

    pool, labelled = _indices(case)
    asked = BADGE(num_classes=case.logits.shape[1])
    answer = asked.sample(
        None, None, pool, labelled, None, size, case.everything, embeddings_proba=case.probabilities
    )
    return _plain(answer)


def small_text_prediction_entropy(case: Case, size: int, seed: int) -> Rows:
    """`small_text.PredictionEntropy`."""
    from small_text.query_strategies.strategies import PredictionEntropy

    pool, labelled = _indices(case)
    return _plain(PredictionEntropy().query(Told(case.probabilities), None, pool, labelled, None, size))


def modal_entropy_sampling(case: Case, size: int, seed: int) -> Rows:
    """`modAL.uncertainty.entropy_sampling`."""
    from modAL.uncertainty import entropy_sampling

    return _plain(entropy_sampling(Told(case.probabilities), case.features, size)[0])


@dataclass(frozen=True, slots=True)
class Told:
    """A classifier that has predicted already."""

    probabilities: NDArray[np.float64]

    def predict_proba(self, dataset: Any) -> NDArray[np.float64]:
        """Say it again."""
        return self.probabilities


def _labels(case: Case) -> NDArray[np.float64]:
    """Mark what is labelled: which label it has decides nothing here."""
    return np.concatenate([np.full(len(case.features), np.nan), np.zeros(len(case.labelled))])


def _indices(case: Case) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    count = len(case.features)
    return np.arange(count), np.arange(count, count + len(case.labelled))


def _plain(rows: Any) -> Rows:
    return [int(row) for row in rows]
