"""The job that makes a base version: a backbone without a head, promoted when it is made."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from aloft.kit.errors import FailedPrecondition
from aloft.kit.jobs import Lease
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.errors import BadKey, ObjectMissing
from aloft.kit.objects.port import Objects
from aloft.trainer.domain.campaign import APART, SIMCLR, Base, Pretraining
from aloft.trainer.use_cases.decoding import decode
from aloft.trainer.use_cases.ending import may_end_for_good
from aloft.trainer.use_cases.means import Attempt, Means
from aloft.trainer.use_cases.publish import Made, publish
from aloft.trainer.use_cases.snapshots import pinned
from aloft.trainer.use_cases.training import learn_from_pool

if TYPE_CHECKING:
    from aloft.networks import Backbone


class MakeBase:
    """Makes the weights, stores them, publishes the version. May be begun again after any point."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def __call__(self, lease: Lease) -> Mapping[str, Any] | None:
        """Do the job."""
        attempt = self._means.attempt(lease)
        with may_end_for_good(attempt):
            attempt.beat(0, 1, "making the weights")
            base = attempt.run.base or Base()
            if base.pretraining is not None:
                attempt, made = _from_the_pool(attempt, base.architecture, base.pretraining)
            elif base.checkpoint_key:
                made = _from_a_checkpoint(attempt, base)
            else:
                about = {"source": {"seed": base.seed}, "seed": base.seed, "hyperparameters": {}}
                made = Made(_initial(attempt, base.architecture, base.seed), about=about)
            publish(attempt, made)
        return None


def _initial(attempt: Attempt, architecture: str, seed: int) -> "Backbone":
    # Torch is imported where a run needs it: the service answers calls without.
    from aloft.networks import UnknownArchitecture, build, deterministic

    deterministic(attempt.means.options.pretraining_threads)
    try:
        backbone = build(architecture, attempt.campaign.spec.bands, seed)
    except UnknownArchitecture as error:
        raise FailedPrecondition("UNKNOWN_ARCHITECTURE", str(error)) from error
    return _tried_out(attempt, backbone)


def _tried_out(attempt: Attempt, backbone: "Backbone") -> "Backbone":
    from aloft.networks import ImagesDoNotFit, try_out

    try:
        try_out(backbone, attempt.campaign.spec.height, attempt.campaign.spec.width)
    except ImagesDoNotFit as error:
        raise FailedPrecondition("IMAGES_DO_NOT_FIT", f"base_model.architecture: {error}") from error
    return backbone


def _from_a_checkpoint(attempt: Attempt, base: Base) -> Made:
    from aloft.networks import WeightsDoNotFit, load_weights

    data = _checkpoint(attempt.means.objects, base.checkpoint_key)
    source = {"checkpoint_key": base.checkpoint_key, "checkpoint_digest": sha256_hex(data)}
    try:
        backbone = load_weights(_initial(attempt, base.architecture, 0), data)
    except WeightsDoNotFit as error:
        message = f"checkpoint {base.checkpoint_key}: {error}"
        raise FailedPrecondition("CHECKPOINT_DOES_NOT_FIT", message) from error
    return Made(_tried_out(attempt, backbone), about={"source": source, "seed": None, "hyperparameters": {}})


def _checkpoint(objects: Objects, key: str) -> bytes:
    try:
        return objects.get(key)
    except (ObjectMissing, BadKey) as error:
        message = f"the aloft bucket has no checkpoint {key!r}: put a safetensors file there"
        raise FailedPrecondition("CHECKPOINT_MISSING", message) from error


def _from_the_pool(attempt: Attempt, architecture: str, asked: Pretraining) -> tuple[Attempt, Made]:
    if asked.method != SIMCLR:
        message = f"no method of pre-training is called {asked.method!r}: give {SIMCLR}"
        raise FailedPrecondition("UNKNOWN_METHOD", message)
    initial = _initial(attempt, architecture, asked.seed)
    attempt, snapshot = pinned(attempt)
    # In half precision: views of an image differ by far more than rounding, and the file is half as long.
    decoded = decode(attempt, "pool", snapshot.items, np.float16)
    if len(decoded.items) < APART:
        message = (
            f"{len(decoded.items)} of {len(snapshot.items)} images of the pool can be used:"
            f" {APART} at least are needed"
        )
        raise FailedPrecondition("TOO_FEW_IMAGES", message)
    backbone, hyperparameters = learn_from_pool(attempt, initial, decoded.images, asked)
    counted = {
        "images": len(decoded.items),
        "left_out": decoded.left_out,
        "quarantined": snapshot.quarantined,
    }
    about = {
        "source": {"pretraining": asked.method},
        "seed": asked.seed,
        "hyperparameters": hyperparameters,
        "data": {"pool": counted},
    }
    return attempt, Made(backbone, about=about)
