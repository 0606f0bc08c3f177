"""The base version that a fine-tuning run begins from."""

from typing import TYPE_CHECKING

from aloft.kit.errors import FailedPrecondition
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.errors import ObjectMissing
from aloft.trainer.domain.models import Model
from aloft.trainer.store import models
from aloft.trainer.use_cases.means import Attempt

if TYPE_CHECKING:
    from aloft.networks import Backbone


def parent(attempt: Attempt) -> "Backbone":
    """Load it, and prove that it is what was published."""
    from aloft.networks import WeightsDoNotFit, build, deterministic, load_weights

    deterministic(attempt.means.options.torch_threads)
    with attempt.means.database.read() as tx:
        found = models.find(tx, attempt.run.campaign, attempt.run.parent)
    if found is None:
        raise LookupError(
            f"run {attempt.run.version} begins from version {attempt.run.parent}, which is none"
        )
    data = _artefact(attempt, found)
    try:
        return load_weights(build(found.architecture, attempt.campaign.spec.bands), data)
    except WeightsDoNotFit as error:
        raise FailedPrecondition("ARTEFACT_UNUSABLE", f"version {found.version}: {error}") from error


def _artefact(attempt: Attempt, parent: Model) -> bytes:
    try:
        data = attempt.means.objects.get(parent.artefact_key)
    except ObjectMissing as error:
        message = f"the weights of version {parent.version} are gone: create a base run"
        raise FailedPrecondition("ARTEFACT_MISSING", message) from error
    if sha256_hex(data) != parent.artefact_digest:
        message = f"the weights of version {parent.version} are not what was published: create a base run"
        raise FailedPrecondition("ARTEFACT_UNUSABLE", message)
    return data
