"""Arms played at once, each in a process of one thread: whatever their number, they compute the same bits."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from multiprocessing.sharedctypes import Synchronized

from aloft.kit import memory
from aloft.learning import Progress
from aloft.simulation.arms import Arm
from aloft.simulation.game import Board, play
from aloft.simulation.setting import Setting

STAGE = "rounds"
_LOOK_EVERY_S = 0.5
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
"""Libraries read these when they are loaded: those of a player do, and those of this process have done so."""


def play_all(setting: Setting, arms: Sequence[Arm], seeds: int, processes: int, progress: Progress) -> None:
    """Play every arm under every seed. What an arm raises ends all, and so does an interruption."""
    # Seeds vary fastest: arms that begin alike then find the first version that another has learned.
    jobs = [(arm, seed) for arm in arms for seed in range(seeds)]
    total = len(jobs) * (setting.rounds + 1)
    # Counted at once: the pace, by which the end is foretold, is that of what is still to be played.
    behind = [setting.journal(arm, seed).played(setting.rounds + 1) for arm, seed in jobs]
    context = multiprocessing.get_context("spawn")
    count = context.Value("q", sum(behind))
    for name in _THREADS:
        os.putenv(name, "1")
    workers = ProcessPoolExecutor(min(processes, len(jobs)), context, _begin, (setting, count))
    waiting = {workers.submit(_play, *job, counted) for job, counted in zip(jobs, behind, strict=True)}
    try:
        while waiting:
            done, waiting = wait(waiting, _LOOK_EVERY_S, FIRST_COMPLETED)
            progress(count.value, total, STAGE)
            for each in done:
                each.result()
    except BaseException:
        workers.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    workers.shutdown()
    progress(total, total, STAGE)


_board: Board
_setting: Setting
_count: "Synchronized[int]"


def _begin(setting: Setting, count: "Synchronized[int]") -> None:
    global _board, _setting, _count
    # The one who is asked to stop is the parent: it ends its children.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    _single_thread(setting.fine_tuning is not None)
    _board, _setting, _count = setting.board(), setting, count


def end_with_parent() -> None:
    """End this process when its parent is gone, however that ended: nobody else would stop it."""
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _play(arm: Arm, seed: int, counted: int) -> None:
    def told(behind: int) -> None:
        nonlocal counted
        with _count.get_lock():
            _count.value += behind - counted
        counted = behind

    play(_board, arm, seed, _setting.journal(arm, seed), told)


def _single_thread(trains: bool) -> None:
    memory.hold_freed()
    import faiss

    faiss.omp_set_num_threads(1)
    if trains:
        from aloft.networks import deterministic

        deterministic(threads=1)
