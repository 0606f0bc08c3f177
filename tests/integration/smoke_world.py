"""An archive made by code, small and unbalanced, and what must hold of a strategy that is played on it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloft.simulation.arms import Arm
from aloft.simulation.game import play
from aloft.simulation.journal import Journal, Round
from aloft.simulation.report.measures import area
from aloft.simulation.setting import Setting, Side
from aloft.simulation.versions import Features
from aloft.strategies.pool import hexadecimal, ids

LABELS = ("field", "road", "house", "lake", "dam", "mine", "kiln", "reef")
RARE = frozenset(LABELS[4:])
POOL, VALIDATION, TEST = 600, 100, 300
SIZE = 16
BATCH, ROUNDS = 20, 4
SEEDS = (0, 1, 2)
LEAST_GAIN, LEAST_SHARE = 0.03, 1.8
"""By how much a good arm's curve lies above random's, and how many times its rare positives it labels."""
LEAK_ROUNDS = (0, 1, ROUNDS)
CURVE, POSITIVES = "curve", "rare positives"
"""What shortfalls begin with."""

_SCENES = (
    (0.40, "field"),
    (0.28, "field road"),
    (0.20, "road house"),
    (0.04, "lake"),
    (0.02, "lake dam"),
    (0.02, "field mine"),
    (0.02, "house kiln"),
    (0.02, "reef"),
)
"""How often each kind of scene is, and what is on it."""
_SPREAD = 0.55
"""How far images of one scene lie apart, against one between scenes."""


@dataclass(frozen=True, slots=True)
class World:
    """Features as a network would make them: a Gaussian about each kind of scene."""

    features: NDArray[np.float32]
    targets: NDArray[np.uint8]


def world(seed: int) -> World:
    """Draw one."""
    chance = np.random.default_rng(seed)
    middles = chance.normal(size=(len(_SCENES), SIZE)) / np.sqrt(2)
    count = POOL + VALIDATION + TEST
    scene = chance.choice(len(_SCENES), size=count, p=[share for share, _ in _SCENES])
    shown = np.array([[label in there.split() for label in LABELS] for _, there in _SCENES], dtype=np.uint8)
    features = middles[scene] + _SPREAD * chance.normal(size=(count, SIZE))
    return World(features.astype(np.float32), shown[scene])


def setting(made: World, folder: Path, rounds: int = ROUNDS) -> Setting:
    """Set an experiment up on it: the head is solved on these features, and no network is trained."""
    digests = [hashlib.sha256(f"scene {number}".encode()).hexdigest()[:32] for number in range(POOL)]
    places = np.argsort(ids(digests), kind="stable")
    pool = _side(made, places)
    return Setting(
        digest=hashlib.sha256(made.features.tobytes()).hexdigest(),
        paths=tuple(hexadecimal(pool.images)),
        labels=LABELS,
        rare=RARE,
        pool=pool,
        validation=_side(made, np.arange(POOL, POOL + VALIDATION)),
        test=_side(made, np.arange(POOL + VALIDATION, POOL + VALIDATION + TEST)),
        initial=BATCH,
        batch=BATCH,
        rounds=rounds,
        journals=folder,
    )


def _side(made: World, rows: NDArray[np.intp]) -> Side:
    images = ids([hashlib.sha256(f"scene {row}".encode()).hexdigest()[:32] for row in rows])
    return Side(rows, images, made.targets[rows], Features.of(made.features[rows]))


def played(arm: str, seed: int, folder: Path) -> list[Round]:
    """Play an arm to its end, in a world of its seed."""
    experiment = setting(world(seed), folder)
    journal = experiment.journal(Arm.parse(arm), seed)
    play(experiment.board(), Arm.parse(arm), seed, journal, lambda rounds: None)
    return journal.rounds(ROUNDS + 1)


@dataclass(frozen=True, slots=True)
class Came:
    """What an arm came to under one seed."""

    area: float
    rare: int
    """Positives of rare labels among what it labelled."""


def came_to(rounds: list[Round]) -> Came:
    """Sum an arm up."""
    labels = np.array([one.labels for one in rounds])
    scores = np.array([one.scores["map_macro"] for one in rounds])
    return Came(area(labels, scores), sum(rounds[-1].positives[label] for label in RARE))


def random_came_to(folder: Path) -> list[Came]:
    """Play the arm that others are held against."""
    return [came_to(played("random", seed, folder)) for seed in SEEDS]


def shortfalls(arm: str, random: list[Came], folder: Path) -> Iterator[str]:
    """Say in which respects an arm is not clearly better than `random`."""
    mine = [came_to(played(arm, seed, folder)) for seed in SEEDS]
    gain = np.mean([one.area - other.area for one, other in zip(mine, random, strict=True)])
    share = sum(one.rare for one in mine) / sum(one.rare for one in random)
    if gain < LEAST_GAIN:
        yield f"{CURVE}: {arm}'s is {gain:+.3f} above random's, not {LEAST_GAIN}"
    if share < LEAST_SHARE:
        yield f"{POSITIVES}: {arm} labels {share:.2f} times as many as random, not {LEAST_SHARE}"


def leaks(arm: str, folder: Path) -> Iterator[str]:
    """Play single rounds again where all labels that were not asked for yet are wrong: nothing may change."""
    seed = SEEDS[0]
    told = played(arm, seed, folder)
    for number in LEAK_ROUNDS:
        journal = Journal(folder / f"leaks-{arm}-{number}")
        for one in told[:number]:
            journal.write(one)
        known = [each.path for one in told[:number] for each in one.batch]
        experiment = setting(world(seed), folder, number)
        lied = replace(experiment.pool, targets=_lies(experiment, known))
        play(replace(experiment, pool=lied).board(), Arm.parse(arm), seed, journal, lambda rounds: None)
        if journal.rounds(number + 1)[number].batch != told[number].batch:
            yield f"round {number} of {arm} chooses otherwise where labels differ that nobody gave"


def _lies(experiment: Setting, known: list[str]) -> NDArray[np.uint8]:
    there = np.isin(experiment.paths, known)
    lies: NDArray[np.uint8] = np.where(there[:, None], experiment.pool.targets, 1 - experiment.pool.targets)
    return lies
