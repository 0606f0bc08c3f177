"""Register a part of an import: which of its entries are images, and which bring label sets."""

from collections.abc import Iterator, Mapping, Sequence

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit import names
from aloft.kit.bus import outbox
from aloft.kit.database import Transaction
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import Objects
from aloft.label_store import messages
from aloft.label_store.domain import splits
from aloft.label_store.domain.verdicts import Verdicts
from aloft.label_store.store import campaigns, images
from aloft.label_store.store.images import Image
from aloft.label_store.store.imports import Tally
from aloft.label_store.use_cases.committing import commit
from aloft.label_store.use_cases.sources import Entry

INLINE = 512 * 1024
"""Bytes of an event above which its images go into an object."""


def register(
    tx: Transaction, objects: Objects, campaign_id: str, part: Sequence[Entry], tally: Tally
) -> None:
    """Write and announce what is new in a part of an import, and its label sets; count all of it."""
    campaign = campaigns.lock(tx, campaign_id)
    readable = list(_readable(part, tally))
    known = images.some(tx, campaign_id, [entry.image for entry in readable])
    taken = _taken(readable, known, tally)
    written = images.register(tx, [_image(campaign_id, entry) for entry in taken.values()], known)
    if written:
        _announce(tx, objects, campaign_id, written)
    now = {**known, **{image.id: image for image in written}}
    labels = dict(_new_label_sets(taken, known, tally))
    commit(tx, campaign, labels, now)
    tally.registered += len(written)
    tally.known += len(taken) - len(written)
    tally.labelled += len(labels)


def _readable(part: Sequence[Entry], tally: Tally) -> Iterator[Entry]:
    for entry in part:
        tally.after = entry.position
        if entry.remark:
            tally.remark(entry.remark)
        elif entry.problem:
            tally.refuse(entry.problem)
        elif entry.info is None:
            tally.miss(entry.key)
        else:
            yield entry


def _taken(some: Sequence[Entry], known: Mapping[str, Image], tally: Tally) -> dict[str, Entry]:
    taken: dict[str, Entry] = {}
    for entry in some:
        problem = "is named on a line before" if entry.image in taken else _problem(entry, known)
        if problem:
            tally.refuse(f"line {entry.position}: {entry.key} {problem}")
        else:
            taken[entry.image] = entry
    return taken


def _problem(entry: Entry, known: Mapping[str, Image]) -> str:
    before = known.get(entry.image)
    if before is None:
        return ""
    if entry.split_was_said and before.split != entry.split:
        return f"is in the {splits.word_of(before.split)} split already"
    if before.batch is not None and entry.verdicts is not None:
        return f"is out to be labelled, with batch {before.batch}"
    if before.batch is not None and entry.info is not None and entry.info.etag != before.object_etag:
        # What is said of it is said of what was seen.
        return f"was replaced while it is out to be labelled, with batch {before.batch}: import it later"
    return ""


def _new_label_sets(
    taken: Mapping[str, Entry], known: Mapping[str, Image], tally: Tally
) -> Iterator[tuple[str, Verdicts]]:
    # Who has a label set keeps it: an import corrects nothing that people said.
    for image, entry in taken.items():
        before = known.get(image)
        if entry.verdicts is None:
            continue
        if before is None or not before.label_set_version:
            yield image, entry.verdicts
        elif before.verdicts != entry.verdicts:
            tally.remark(f"line {entry.position}: {entry.key} has a label set already, which stays")


def _image(campaign: str, entry: Entry) -> Image:
    assert entry.info is not None, f"{entry.key} was not found in the pool bucket"
    return Image(
        campaign=campaign,
        id=entry.image,
        key=entry.key,
        object_etag=entry.info.etag,
        size=entry.info.size,
        split=entry.split,
        version=1,
    )


def _announce(tx: Transaction, objects: Objects, campaign: str, written: Sequence[Image]) -> None:
    event = events.ImageRegistered(campaign=campaign, images=[messages.registered(one) for one in written])
    if event.ByteSize() > INLINE:
        body = event.SerializeToString(deterministic=True)
        digest = sha256_hex(body)
        # Named by its content: a repeat after a kill writes the same bytes to the same place.
        key = f"campaigns/{campaign}/registrations/{digest}.binpb"
        objects.put(key, body)
        event = events.ImageRegistered(campaign=campaign, manifest_key=key, manifest_digest=digest)
    outbox.emit(tx, campaign, event, subject=names.CAMPAIGN.format(campaign))
