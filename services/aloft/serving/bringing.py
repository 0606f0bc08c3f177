"""Brings one desired version into service: fetched, verified, loaded, checked, and only then the default."""

from collections.abc import Sequence

from aloft.kit.errors import FailedPrecondition
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.errors import BadKey, ObjectMissing
from aloft.kit.objects.port import Objects
from aloft.serving.answers import OK
from aloft.serving.archive import ArchiveDamaged, ServedModel, read_archive
from aloft.serving.desired import Desired
from aloft.serving.generations import Generations
from aloft.serving.golden import TOLERANCE, deviation, golden_inputs
from aloft.serving.port import Registered, Serving


def fetch(objects: Objects, desired: Desired) -> tuple[ServedModel, bytes]:
    """Read an archive from the store and make sure that it is what the trainer named."""
    try:
        archive = objects.get(desired.key)
    except (ObjectMissing, BadKey) as error:
        raise FailedPrecondition("ARCHIVE_MISSING", f"the aloft bucket has no {desired.key!r}") from error
    found = sha256_hex(archive)
    if found != desired.digest:
        raise FailedPrecondition(
            "ARCHIVE_TAMPERED", f"{desired.key} has the digest {found}, not {desired.digest}"
        )
    try:
        described, _ = read_archive(archive)
    except ArchiveDamaged as error:
        raise FailedPrecondition("ARCHIVE_DAMAGED", f"{desired.key}: {error}") from error
    if (described.campaign, described.version) != (desired.campaign, desired.version):
        raise FailedPrecondition(
            "ARCHIVE_OF_ANOTHER",
            f"{desired.key} is of version {described.version} of {described.campaign}",
        )
    return described, archive


def bring(
    serving: Serving,
    objects: Objects,
    generations: Generations,
    desired: Desired,
    standing: Sequence[Registered],
) -> None:
    """Make a version the default of its campaign, or leave what is served as it is and raise."""
    described, archive = fetch(objects, desired)
    serving.register(desired.campaign, desired.version, desired.digest, archive)
    try:
        check(serving, desired, described)
    except FailedPrecondition:
        # One that answers already is somebody's, however it was checked when it came.
        if not any(one.version == desired.version for one in standing):
            serving.unregister(desired.campaign, desired.version)
        raise
    # Remembered first: killed in between, the pod goes on from here and not from before.
    generations.advance(desired)
    serving.set_default(desired.campaign, desired.version)


def check(serving: Serving, desired: Desired, described: ServedModel) -> None:
    """Have the loaded version answer its golden inputs as it did when it was made."""
    golden = described.golden
    answers = serving.predict(
        desired.campaign, desired.version, golden_inputs(described.spec, golden.inputs_seed)
    )
    for answer in answers:
        if answer.body["digest"] != desired.digest:
            raise FailedPrecondition(
                "OTHER_ARCHIVE_LOADED", f"what answers was loaded from {answer.body['digest']}"
            )
        if answer.status != OK:
            raise FailedPrecondition("GOLDEN_INPUTS_REFUSED", str(answer.body["error"]["message"]))
    said = "logits" if described.labels else "features"
    apart = deviation([answer.body[said] for answer in answers], golden.outputs)
    allowed = TOLERANCE[answers[0].body["precision"]]
    if apart > allowed:
        raise FailedPrecondition(
            "GOLDEN_OUTPUTS_DIFFER",
            f"{said} of golden inputs are off by {apart:.3g} of the largest, where {allowed:g} is allowed",
        )
