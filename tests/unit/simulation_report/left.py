"""Files as an experiment leaves them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LABELS = ("common", "scarce")
ROUNDS = (40, 80, 120)
ARMS: Mapping[str, Mapping[int, Sequence[float]]] = {
    "random": {0: (0.3, 0.5, 0.6), 1: (0.2, 0.4, 0.5)},
    "mge<kmeans": {0: (0.4, 0.7, 0.8), 1: (0.3, 0.5, 0.4)},
}
"""Macro mAP by arm, seed and round. The name of an arm shows whether a page writes names as text."""
HEADS = {
    "results.csv": "strategy,seed,round,labels,metric,label,value",
    "picks.csv": "strategy,seed,round,order,path,score,cluster,why",
    "timings.csv": "strategy,seed,round,stage,seconds",
}


def leave(
    out: Path,
    arms: Mapping[str, Mapping[int, Sequence[float]]] = ARMS,
    settings: Mapping[str, Any] | None = None,
) -> Path:
    """Write an experiment whose arms scored so."""
    given = {"labels": list(LABELS), "rare": ["scarce"], "strategies": list(arms), "batch": 40}
    (out / "experiment.json").write_text(json.dumps(given | dict(settings or {})))
    rows: dict[str, list[Sequence[Any]]] = {name: [] for name in HEADS}
    for arm, seeds in arms.items():
        for seed, scores in seeds.items():
            for number, score in enumerate(scores):
                place = (arm, seed, number)
                rows["results.csv"] += results(place, score)
                rows["picks.csv"].append((*place, 0, f"{number}.png", 0.5, 1, "Because of <3>."))
                rows["timings.csv"].append((*place, "learn", repr(0.5 + number)))
    for name, head in HEADS.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows([head.split(","), *rows[name]])
        (out / name).write_text(text.getvalue())
    return out


def results(place: tuple[str, int, int], score: float) -> list[Sequence[Any]]:
    """Write what one round came to."""
    labels = ROUNDS[place[2]]
    scarce = labels // (20 if place[0] == "random" else 10)
    return [
        (*place, labels, "map_macro", "", repr(score)),
        (*place, labels, "map_rare", "", repr(score / 2)),
        (*place, labels, "positives", "common", labels // 2),
        (*place, labels, "positives", "scarce", scarce),
    ]
