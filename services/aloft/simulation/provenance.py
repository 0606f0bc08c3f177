"""What an experiment was: everything that decides what comes of it, and the code that played it."""

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

import aloft
from aloft.kit.errors import FailedPrecondition
from aloft.networks import Backbone, backbone_digest
from aloft.simulation import splits
from aloft.simulation.arms import arms_of
from aloft.simulation.dataset import DataSet
from aloft.simulation.keeping import write_whole
from aloft.simulation.options import Options

_FILE = "experiment.json"
_CODE = "code"
_PLAYED_BY = ("imagery", "learning", "networks", "simulation", "strategies")
"""The packages on which it depends what a round comes to."""
_APART = "simulation/report"
_LIBRARIES = ("faiss-cpu", "numpy", "pillow", "timm", "torch")
_PLAN = ("strategies", "starts", "seeds", "rounds", "versions", "data", "code")
"""What is told of an experiment and makes no difference to a round of one arm under one seed."""


def claim(rounds: Path, keep: bool) -> None:
    """Refuse to go on with rounds that other code played, unless that is asked for."""
    path, now = rounds / _CODE, code_digest()
    if path.exists() and path.read_text() != now and not keep:
        raise FailedPrecondition(
            "OTHER_CODE",
            f"out: {rounds.parent} holds rounds that other code of Aloft played, which may differ from what"
            " this code plays: name another folder, or go on with them by --keep-rounds",
        )
    write_whole(path, now.encode())


def code_digest() -> str:
    """Digest the code on which it depends what a round comes to."""
    top = Path(aloft.__file__).parent
    sha256 = hashlib.sha256()
    for package in _PLAYED_BY:
        for path in sorted((top / package).rglob("*.py")):
            name = path.relative_to(top).as_posix()
            if not name.startswith(_APART):
                sha256.update(f"{name}\n".encode())
                sha256.update(path.read_bytes())
    return sha256.hexdigest()


def about(options: Options, data: DataSet) -> dict[str, object]:
    """Describe an experiment but for the weights that it begins from, which may take long to learn."""
    arms = arms_of(options.strategies)
    positives = data.table.targets[data.rows(splits.POOL)].sum(axis=0, dtype=int)
    return {
        "strategies": [str(arm) for arm in arms],
        "starts": {str(arm): arm.first(options.initial) for arm in arms},
        "seeds": options.seeds,
        "initial": options.initial,
        "batch": options.batch,
        "rounds": options.rounds,
        "share": options.share,
        "mode": options.mode,
        "labels": list(data.table.labels),
        "rare": list(data.rare_labels),
        "not_judged": list(data.not_judged),
        "rare_share": None if options.imbalance else options.rare,
        "imbalance": str(options.imbalance) if options.imbalance else None,
        "split": "given" if data.given_split else {"seed": options.split_seed, "stratify": options.stratify},
        "images": {each: len(data.rows(each)) for each in splits.SPLITS}
        | {"thinned": int((~data.kept).sum())},
        "positives": dict(zip(data.table.labels, positives.tolist(), strict=True)),
        "data": {"images": str(options.data), "labels": str(options.labels) if options.labels else None},
        "data_digest": _data_digest(data),
        "architecture": options.architecture,
        "size": options.size,
        "bands": options.bands,
        "init": options.init if options.init in ("ssl", "scratch") else "file",
        "recipe": _recipe(options),
        "versions": {each: version(each) for each in ("aloft", *_LIBRARIES)}
        | {"python": platform.python_version()},
        "code": code_digest(),
    }


def begun_from(about: Mapping[str, object], backbone: Backbone) -> dict[str, object]:
    """Describe it whole, for a reader and for `decides`."""
    return {**about, "init_digest": backbone_digest(backbone)}


def decides(about: Mapping[str, object]) -> str:
    """Digest all that decides what a round comes to, but the arm and the seed."""
    kept = {name: value for name, value in about.items() if name not in _PLAN}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def check(out: Path, about: Mapping[str, object]) -> None:
    """Refuse a folder that holds an experiment of which anything that is told here is not so."""
    path = out / _FILE
    if not path.exists():
        return
    before, now = json.loads(path.read_text()), json.loads(json.dumps(about))
    if other := [name for name in sorted(now.keys() - set(_PLAN)) if before.get(name) != now[name]]:
        raise FailedPrecondition(
            "OTHER_EXPERIMENT",
            f"out: {out} holds an experiment with another {', '.join(other)}: name another folder",
        )


def write(out: Path, about: Mapping[str, object]) -> None:
    """Write the description, unless the folder holds another experiment."""
    check(out, about)
    write_whole(out / _FILE, (json.dumps(about, indent=2) + "\n").encode())


def _recipe(options: Options) -> dict[str, object]:
    if options.mode == "probe":
        return {"head": "L2-regularised logistic regression, solved"}
    return options.model_dump(mode="json", include={"fine_tune"})


def _data_digest(data: DataSet) -> str:
    sha256 = hashlib.sha256(data.decoded.key.encode())
    for array in (data.images, data.split, data.kept, data.table.targets):
        sha256.update(array.tobytes())
    return sha256.hexdigest()
