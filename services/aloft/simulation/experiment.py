"""One experiment, from its options to its files."""

import math
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloft.imagery import ImageSpec
from aloft.kit.errors import InvalidArgument
from aloft.learning import Progress
from aloft.networks import NoSuchDevice, choose_device, save_weights
from aloft.simulation import provenance, splits, starting
from aloft.simulation.arms import Arm, arms_of, check_starts, foretell_losses
from aloft.simulation.dataset import DataSet, open_data, open_unlabelled
from aloft.simulation.options import Options
from aloft.simulation.players import play_all
from aloft.simulation.setting import FineTuning, Setting, Side
from aloft.simulation.sources import Source
from aloft.simulation.tables import write_tables
from aloft.simulation.versions import Features

ROUNDS = ".rounds"
"""In the folder of an experiment: what it goes on from."""


def simulate(options: Options, cache: Path, progress: Progress) -> None:
    """Play all arms and write the files; called again, go on.

    What is wrong with options, labels or images is said before anything long begins.
    """
    arms = arms_of(options.strategies)
    check_starts(arms, options.initial)
    provenance.claim(options.out / ROUNDS, options.keep_rounds)
    setting, about = _prepare(options, arms, cache, progress)
    provenance.write(options.out, about)
    play_all(setting, arms, options.seeds, options.parallel or _cores(), progress)
    write_tables(
        options.out,
        (
            (str(arm), seed, one)
            for arm in arms
            for seed in range(options.seeds)
            for one in setting.journal(arm, seed).rounds(options.rounds + 1)
        ),
    )


def _prepare(
    options: Options, arms: tuple[Arm, ...], cache: Path, progress: Progress
) -> tuple[Setting, dict[str, object]]:
    backbone = starting.initial(options)
    try:
        device = choose_device(options.device)
    except NoSuchDevice as error:
        raise InvalidArgument.of("device", str(error)) from error
    spec = ImageSpec(options.size, options.size, options.bands)
    more = None if options.unlabelled is None else Source.of(options.unlabelled, "unlabelled")
    data = open_data(
        Source.of(options.data, "data"),
        options.labels,
        spec,
        options.stratify,
        options.split_seed,
        options.imbalance,
        options.rare,
        cache,
        progress,
    )
    _check_budget(options, len(data.rows(splits.POOL)))
    told = provenance.about(options, data)
    provenance.check(options.out, told)
    if backbone is None:
        seen = [data.unlabelled()]
        if more is not None:
            seen.append(open_unlabelled(more, spec, cache, progress).pixels)
        backbone = starting.pretrain_on(options, tuple(seen), cache, device, progress)
    if options.save_init is not None:
        starting.save(backbone, options.save_init)
    features = starting.features(backbone, data.decoded, cache, device, progress)
    about = provenance.begun_from(told, backbone)
    setting = _setting(options, data, features, provenance.decides(about))
    if options.mode == "full":
        tuning = FineTuning(
            architecture=options.architecture,
            bands=options.bands,
            weights=save_weights(backbone),
            pixels=data.decoded.path,
            recipe=options.fine_tune,
            device=str(device),
            kept=options.out / ROUNDS / "versions" / setting.digest,
            losses=foretell_losses(arms),
        )
        setting = replace(setting, fine_tuning=tuning)
    return setting, about


def _setting(options: Options, data: DataSet, features: Features, digest: str) -> Setting:
    pool = data.rows(splits.POOL)
    return Setting(
        digest=digest,
        paths=tuple(data.table.paths[row] for row in pool),
        labels=data.table.labels,
        rare=frozenset(data.rare_labels),
        pool=_side(data, features, pool),
        validation=_side(data, features, data.rows(splits.VALIDATION)),
        test=_side(data, features, data.rows(splits.TEST)),
        initial=options.initial,
        batch=options.batch,
        rounds=options.rounds,
        journals=options.out / ROUNDS,
        share=options.share,
    )


def _side(data: DataSet, features: Features, rows: NDArray[np.intp]) -> Side:
    return Side(rows, data.images[rows], data.table.targets[rows], features.rows(rows))


def _check_budget(options: Options, pool: int) -> None:
    budget = options.initial + options.rounds * options.batch
    # A share is drawn image by image: what it comes to differs a little between seeds.
    offered = int(pool * options.share - 4 * math.sqrt(pool * options.share * (1 - options.share)))
    if budget > offered:
        told = f"{options.initial} images and {options.rounds} batches of {options.batch} are {budget}"
        raise InvalidArgument.of("rounds", f"{told}, and the pool offers {offered}: ask for fewer")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
