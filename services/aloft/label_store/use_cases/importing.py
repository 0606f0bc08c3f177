"""The job that registers images: a part at a time, each with its event and its place in one transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from aloft.api.labels.v1 import image_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transaction
from aloft.kit.errors import FieldViolation, InvalidArgument
from aloft.kit.jobs import Jobs, Lease
from aloft.kit.objects.errors import BadKey
from aloft.kit.objects.keys import check_key
from aloft.kit.objects.port import Objects
from aloft.label_store.domain import splits
from aloft.label_store.store import campaigns, imports
from aloft.label_store.store.imports import Tally
from aloft.label_store.use_cases.registering import register
from aloft.label_store.use_cases.sources import Entry, Listing, Manifest

KIND = "import-images"
PART = 1000
"""Images in one transaction and one event."""
SHOWN = 100
"""Characters of a wrong key that an error repeats."""


def enqueue(tx: Transaction, jobs: Jobs, request: service.ImportImagesRequest) -> str:
    """Check what is asked and queue the job; say its id."""
    campaign = campaigns.get(tx, names.campaign_of(request.parent))
    return jobs.enqueue(tx, KIND, campaign.id, _payload(request))


def _payload(request: service.ImportImagesRequest) -> Mapping[str, Any]:
    if request.WhichOneof("source") == "manifest":
        if not request.manifest.key:
            raise InvalidArgument.of("manifest.key", "name a CSV object in the pool bucket")
        if not _is_key(request.manifest.key):
            text = (
                f"no object has the key {_begun(request.manifest.key)}: name a CSV object in the pool bucket"
            )
            raise InvalidArgument.of("manifest.key", text)
        return {"manifest": request.manifest.key}
    if request.WhichOneof("source") != "listing":
        raise InvalidArgument.of("source", "give a listing of the pool bucket, or a manifest in it")
    listing = request.listing
    wrong: list[FieldViolation] = list(
        splits.violations_of(listing.validation_fraction, listing.test_fraction, "listing")
    )
    # What comes behind it may make a key of it, as behind `folder/`, or be nothing.
    if not (_is_key(listing.prefix + "x") or _is_key(listing.prefix)):
        begun = _begun(listing.prefix)
        text = f"no object has a key that begins with {begun}: leave it out for the whole bucket"
        wrong.append(FieldViolation("listing.prefix", text))
    if wrong:
        message = "; ".join(f"{violation.field}: {violation.description}" for violation in wrong)
        raise InvalidArgument("INVALID_FIELD", message, tuple(wrong))
    return {
        "prefix": listing.prefix,
        "validation_fraction": listing.validation_fraction,
        "test_fraction": listing.test_fraction,
    }


def _is_key(text: str) -> bool:
    try:
        check_key(text)
    except BadKey:
        return False
    return True


def _begun(text: str) -> str:
    return repr(text) if len(text) <= SHOWN else f"{text[:SHOWN]!r}…"


class ImportImages:
    """The job's handler. Killed anywhere, it goes on behind the last part that was committed."""

    def __init__(self, pool: Objects, objects: Objects) -> None:
        self._pool = pool
        self._objects = objects

    def __call__(self, lease: Lease) -> None:
        """Register what the source names, and end the job with what was done."""
        payload = lease.job.payload
        source = self._source(lease, payload)
        tally = self._resume(lease)
        entries = source.read(self._pool, tally.after)
        result: dict[str, Any] = {}
        for part, last in _parts(entries):
            opening: AbstractContextManager[Transaction] = (
                lease.finish(result) if last else lease.transaction()
            )
            with opening as tx:
                register(tx, self._objects, lease.job.campaign, part, tally)
                if last:
                    imports.forget(tx, lease.job.id)
                    result.update(_result(tally))
                else:
                    imports.save(tx, lease.job.id, tally)
            if not last:
                lease.heartbeat(done=tally.registered + tally.known, stage="registering")

    def _source(self, lease: Lease, payload: Mapping[str, Any]) -> Manifest | Listing:
        if "manifest" not in payload:
            return Listing(**payload)
        with lease.transaction() as tx:
            return Manifest(payload["manifest"], campaigns.get(tx, lease.job.campaign).labels)

    def _resume(self, lease: Lease) -> Tally:
        if lease.job.attempts == 1:
            return Tally()
        with lease.transaction() as tx:
            return imports.find(tx, lease.job.id)


def _parts(entries: Iterable[Entry]) -> Iterator[tuple[Sequence[Entry], bool]]:
    """Cut a source into parts, and say of each whether it is the last; there is always one."""
    rest = iter(entries)
    part = list(islice(rest, PART))
    while following := list(islice(rest, PART)):
        yield part, False
        part = following
    yield part, True


def _result(tally: Tally) -> Mapping[str, Any]:
    """Say what was done by the names of ImportImagesResponse."""
    return {
        "registered_images": tally.registered,
        "known_images": tally.known,
        "missing_images": tally.missing,
        "missing_keys": tally.missing_keys,
        "refused_lines": tally.refused,
        "problems": tally.problems,
        "labelled_images": tally.labelled,
    }
