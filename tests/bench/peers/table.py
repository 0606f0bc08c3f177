"""Time and memory of strategies as Aloft and its peers have them, each once in a process of its own.

    python -m tests.bench.peers.table [--images N] [--feature-size D] [--batch b] [--labels C] [--limit-gib G]

Printed as a table in Markdown. Memory is what a call adds at its peak to what its process held before, which
is what is imported and the arrays that all calls are given. A run that needs more memory than the limit, or
more time, says so instead.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from aloft.bench.child import ChildFailed, apart, held_bytes, peak_bytes
from aloft.bench.rerank_source import MIXTURE, source
from tests.bench.peers import calls
from tests.bench.peers.calls import Call, Case

LABELLED = 100
ROWS: tuple[tuple[str, str, str, Call], ...] = (
    ("k-centre", "aloft", "kcenter", calls.aloft("kcenter")),
    ("k-centre", "scikit-activeml", "CoreSet", calls.skactiveml_core_set),
    ("k-centre", "small-text", "greedy_coreset", calls.small_text_greedy_coreset),
    ("BADGE", "aloft", "badge", calls.aloft("badge")),
    ("BADGE", "scikit-activeml", "Badge", calls.skactiveml_badge),
    ("BADGE", "small-text", "BADGE", calls.small_text_badge),
    ("TypiClust", "aloft", "typiclust", calls.aloft("typiclust")),
    ("TypiClust", "scikit-activeml", "TypiClust", calls.skactiveml_typi_clust),
    ("herding", "aloft", "herding", calls.aloft("herding")),
    ("herding", "scikit-activeml", "MaxHerding", calls.skactiveml_max_herding),
    ("k-means", "aloft", "centroids", calls.aloft("centroids")),
    ("k-means", "small-text", "EmbeddingKMeans", calls.small_text_embedding_k_means),
    ("entropy", "aloft", "entropy", calls.aloft("entropy")),
    ("entropy", "small-text", "PredictionEntropy", calls.small_text_prediction_entropy),
    ("entropy", "modAL-python", "entropy_sampling", calls.modal_entropy_sampling),
)


def measure(folder: str, row: int, batch: int, limit_bytes: int, limit_s: int) -> tuple[float, int] | str:
    """Read the arrays and time one call; say in words why it did not end."""
    case = Case(*(np.load(Path(folder) / f"{name}.npy") for name in ("features", "logits", "labelled")))
    ROWS[row][3](small(case), 2, 0)  # what is imported and compiled first is nobody's time
    resource.setrlimit(resource.RLIMIT_AS, (limit_bytes, limit_bytes))
    # Past this much processor time the kernel ends the process, which a library cannot put off.
    spent_s = int(time.process_time())
    seconds = spent_s + limit_s * len(os.sched_getaffinity(0))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    before = held_bytes()
    started = time.perf_counter()
    try:
        ROWS[row][3](case, batch, 0)
    except MemoryError as refused:
        return f"out of memory at {limit_bytes / 2**30:.0f} GiB ({str(refused).partition(' with shape')[0]})"
    return time.perf_counter() - started, peak_bytes() - before


def small(case: Case) -> Case:
    """Cut a case to some images."""
    return Case(case.features[:200], case.logits[:200], case.labelled[:5])


def write(folder: Path, images: int, feature_size: int, labels: int) -> None:
    """Write the arrays that all calls share."""
    rows = source(MIXTURE, feature_size).part(0, 0, images + LABELLED)
    # Half precision first, so that Aloft and its peers see the same numbers.
    rows = rows.astype(np.float16).astype(np.float32)
    draws = np.random.default_rng(3)
    logits = 2 * draws.standard_normal((images, labels), dtype=np.float32) - 3
    for name, values in {"features": rows[:images], "logits": logits, "labelled": rows[images:]}.items():
        np.save(folder / f"{name}.npy", values)


def main(told: Sequence[str] | None = None) -> None:
    """Measure all rows and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("images", 100_000), ("feature-size", 512), ("batch", 100), ("labels", 19)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--limit-gib", type=int, default=12)
    parser.add_argument("--limit-s", type=int, default=900)
    parser.add_argument("--only", help="a strategy of the first column")
    asked = parser.parse_args(told)
    say("| strategy | library | called | seconds | memory added, MB |")
    say("| --- | --- | --- | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="aloft-peers-") as folder:
        write(Path(folder), asked.images, asked.feature_size, asked.labels)
        for row, (strategy, library, called, _) in enumerate(ROWS):
            if asked.only not in (None, strategy):
                continue
            told_of = cells(folder, row, asked.batch, asked.limit_gib << 30, asked.limit_s)
            say(f"| {strategy} | {named(library)} | `{called}` | {told_of} |")


def say(line: str) -> None:
    """Print a line at once: the next may take minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def cells(folder: str, row: int, batch: int, limit_bytes: int, limit_s: int) -> str:
    """Say what a call took."""
    try:
        found = apart(measure, folder, row, batch, limit_bytes, limit_s)
    except ChildFailed as ended:
        return f"{ended} | "
    if isinstance(found, str):
        return f"{found} | "
    return f"{found[0]:.2f} | {found[1] / 1e6:.0f}"


def named(library: str) -> str:
    """Say which version."""
    if library == "aloft":
        return "Aloft"
    try:
        return f"{library} {version(library)}"
    except PackageNotFoundError:
        return f"{library}, not installed"


if __name__ == "__main__":
    main()
