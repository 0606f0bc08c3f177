"""One arm under one seed: choose, label, learn, judge, round after round."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aloft import strategies
from aloft.simulation.arms import Arm
from aloft.simulation.journal import Chosen, Journal, Round
from aloft.simulation.judging import Judge
from aloft.simulation.oracle import Oracle
from aloft.simulation.versions import Features, Learner, Version
from aloft.strategies.pool import ArrayPool, Block, Earlier, Ids, Known, ids, places
from aloft.strategies.seeds import derive, uniform
from aloft.strategies.strategy import Needs, Picks


@dataclass(frozen=True, slots=True)
class Board:
    """What all arms play on. It holds no label of the pool: the oracle does."""

    images: Ids
    """The pool, in order."""
    paths: tuple[str, ...]
    learner: Learner
    oracle: Oracle
    judge: Judge
    initial: int
    batch: int
    rounds: int
    """Batches after the first images."""
    share: float = 1.0
    """Of the pool, on which each seed plays."""


def play(board: Board, arm: Arm, seed: int, journal: Journal, told: Callable[[int], None]) -> None:
    """Play the rounds that the journal lacks, telling how many are behind."""
    played = journal.rounds(board.rounds + 1)
    told(len(played))
    game = _Game(board, arm, seed, played)
    for number in range(len(played), board.rounds + 1):
        journal.write(game.next(number))
        told(number + 1)


class _Game:
    def __init__(self, board: Board, arm: Arm, seed: int, played: list[Round]) -> None:
        self._board = board
        self._arm = arm
        self._seed = seed
        at = {path: row for row, path in enumerate(board.paths)}
        self._batches = [np.array([at[each.path] for each in one.batch], np.intp) for one in played]
        self._versions: dict[int, Version] = {}
        self._offered = np.flatnonzero(uniform(board.images, derive(seed, "share")) < board.share)

    def next(self, number: int) -> Round:
        """Play one round."""
        seconds: dict[str, float] = {}
        labelled = self._labelled(number)
        expression = self._expression(number, len(labelled))
        needs = strategies.load(expression).needs
        pool = self._pool(number, labelled, needs)
        size = self._board.batch if number else self._board.initial
        with _timed(seconds, "select"):
            picks = _choose(pool, expression, size, self._seed, number)
        self._batches.append(_checked(self._board.images, pool.images, picks, size, expression))
        with _timed(seconds, "learn"):
            version = self._version(number)
        with _timed(seconds, "judge"):
            scores, ap = self._board.judge.scores(version)
        return Round(
            number=number,
            strategy=expression,
            labels=len(self._labelled(number + 1)),
            batch=tuple(
                Chosen(self._board.paths[row], pick.score, pick.cluster, pick.why)
                for row, pick in zip(self._batches[number], picks.picks, strict=True)
            ),
            scores=scores,
            ap=ap,
            positives=dict(zip(self._board.judge.labels, self._known(number + 1).positives, strict=True)),
            seconds=seconds,
        )

    def _expression(self, number: int, labelled: int) -> str:
        if number == 0:
            return self._arm.first(self._board.initial)
        return self._arm.later(labelled, self._board.batch, len(self._offered))

    def _labelled(self, number: int) -> NDArray[np.intp]:
        """Say which rows of the pool are labelled when round `number` begins, in order."""
        return np.sort(np.concatenate([np.empty(0, np.intp), *self._batches[:number]]))

    def _targets(self, number: int) -> NDArray[np.float32]:
        return self._board.oracle.label(self._board.images[self._labelled(number)])

    def _known(self, number: int) -> Known:
        targets = self._targets(number)
        positives = tuple(int(count) for count in targets.sum(axis=0))
        return Known(self._board.judge.labels, positives, len(targets))

    def _version(self, number: int) -> Version:
        """Give the version that round `number` ended with."""
        if number not in self._versions:
            rows, targets = self._labelled(number + 1), self._targets(number + 1)
            # The same in every round, or rounds would differ by how they begin.
            head = derive(self._seed, "head") >> 1
            self._versions[number] = self._board.learner.learn(rows, targets, head)
            self._versions.pop(number - 2, None)
        return self._versions[number]

    def _pool(self, number: int, labelled: NDArray[np.intp], needs: Needs) -> ArrayPool:
        """Lay out the unlabelled pool as the service would: with what the strategy declared, and no more."""
        open_rows = np.setdiff1d(self._offered, labelled, assume_unique=True)
        images = self._board.images[open_rows]
        earlier = self._earlier(number) if needs.earlier and number > 1 else None
        version = self._version(number - 1) if number else None
        seen: Features = self._board.learner.base() if version is None else version.pool
        scored = needs.logits and version is not None
        columns = {} if version is None else {name: version.columns[name]() for name in needs.columns}
        return ArrayPool(
            images,
            features=seen.values[open_rows] if needs.features or needs.candidates else None,
            norms=seen.norms[open_rows] if scored else None,
            logits=version.logits[open_rows] if scored and version is not None else None,
            columns={name: values[open_rows] for name, values in columns.items()},
            known=self._known(number),
            covering=seen.values[labelled] if needs.covered else None,
            before=earlier,
        )

    def _earlier(self, number: int) -> Earlier:
        logits = self._version(number - 2).logits

        def blocks() -> Iterator[Block]:
            yield Block(self._board.images, logits=logits)

        return Earlier(self._board.judge.labels, blocks)


def _choose(pool: ArrayPool, expression: str, size: int, seed: int, number: int) -> Picks:
    """Rank and select as acquisition does. The first images are the same in all arms that begin alike."""
    strategy = strategies.load(expression)
    ranked = strategy.rank(pool, size, derive(seed, "rank", number))
    return strategy.select(pool, ranked, size, derive(seed, "batch", number))


def _checked(images: Ids, unlabelled: Ids, picks: Picks, size: int, expression: str) -> NDArray[np.intp]:
    """Find the rows of a batch; a strategy that chose too few, or an image twice, ends the experiment."""
    chosen = ids(list(picks.images)) if len(picks) else np.empty(0, dtype="S16")
    if len(np.unique(chosen)) != size:
        raise RuntimeError(f"{expression} chose {len(np.unique(chosen))} images of {size}: {picks.shortfall}")
    places(unlabelled, chosen)
    return places(images, chosen)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - begun
