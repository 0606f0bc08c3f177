"""Images as rows: their registration, their label sets, and which of them are out with a batch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.label_store.domain.batches import Candidate
from aloft.label_store.domain.verdicts import Verdicts
from aloft.label_store.store.tables import images

CHUNK = 1000
"""Ids in one statement."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a campaign at one moment. An empty quarantine reason is a usable image."""

    campaign: str
    id: str
    key: str
    object_etag: str
    size: int
    split: int
    version: int
    quarantine_reason: str = ""
    quarantine_detail: str = ""
    skipped: bool = False
    batch: int | None = None
    copied_version: int = 0
    label_set_version: int = 0
    label_revision: int = 0
    verdicts: Verdicts | None = None
    created_us: int = 0

    @property
    def is_gone(self) -> bool:
        """Whether it is quarantined because the bucket does not give it any more as it was registered."""
        return self.quarantine_reason in ("MISSING", "CHANGED", "REFUSED")


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut ids into lists that one statement can take."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def find(tx: Transaction, campaign: str, image: str) -> Image | None:
    """Read an image, None if there is none."""
    wanted = sa.select(images).where(images.c.campaign == campaign, images.c.id == image)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else Image(**row)


def some(tx: Transaction, campaign: str, ids: Sequence[str]) -> dict[str, Image]:
    """Read those of these images that are known."""
    found: dict[str, Image] = {}
    for part in chunks(ids):
        wanted = sa.select(images).where(images.c.campaign == campaign, images.c.id.in_(part))
        found.update((row["id"], Image(**row)) for row in tx.execute(wanted).mappings())
    return found


def candidates(tx: Transaction, campaign: str, ids: Sequence[str]) -> Mapping[str, Candidate]:
    """Read what decides whether these images may be sent out."""
    return {
        image.id: Candidate(
            image=image.id,
            in_pool=image.split == pb.SPLIT_POOL,
            quarantined=bool(image.quarantine_reason),
            labelled=image.label_set_version > 0,
            skipped=image.skipped,
            out=image.batch is not None,
        )
        for image in some(tx, campaign, ids).values()
    }


def register(tx: Transaction, found: Sequence[Image], known: Mapping[str, Image]) -> Sequence[Image]:
    """Write the images that are new, or whose object was replaced or is back; return those as they are now.

    What else is known under the same etag stays. The campaign's row is locked.
    """
    new = [image for image in found if image.id not in known]
    replaced = [
        replace(image, version=known[image.id].version + 1, split=known[image.id].split)
        for image in found
        if image.id in known and (known[image.id].is_gone or image.object_etag != known[image.id].object_etag)
    ]
    if new:
        columns = ("campaign", "id", "key", "object_etag", "size", "split", "version")
        rows = [{name: getattr(image, name) for name in columns} for image in new]
        tx.execute(sa.insert(images).values(created_us=NOW), rows)
    if replaced:
        by_id = sorted(replaced, key=lambda image: image.id)
        tx.execute(_REPLACE, [_key(image) | _object(image) for image in by_id])
    return [*new, *replaced]


def _key(image: Image) -> dict[str, Any]:
    return {"of": image.campaign, "image": image.id}


def _object(image: Image) -> dict[str, Any]:
    return {"new_etag": image.object_etag, "new_size": image.size, "new_version": image.version}


_ONE = (images.c.campaign == sa.bindparam("of"), images.c.id == sa.bindparam("image"))
_REPLACE = (
    sa.update(images)
    .where(*_ONE)
    .values(
        object_etag=sa.bindparam("new_etag"),
        size=sa.bindparam("new_size"),
        version=sa.bindparam("new_version"),
        quarantine_reason="",
        quarantine_detail="",
    )
)
_COPIED = sa.update(images).where(*_ONE).values(copied_version=sa.bindparam("copied"))
_LABEL = (
    sa.update(images)
    .where(*_ONE)
    .values(
        batch=None,
        label_set_version=sa.bindparam("new_version"),
        label_revision=sa.bindparam("revision"),
        verdicts=sa.bindparam("agreed", type_=sa.JSON(none_as_null=True)),
    )
)


def change(tx: Transaction, campaign: str, ids: Sequence[str], **values: Any) -> None:
    """Set columns of some images."""
    for part in chunks(ids):
        rows = (images.c.campaign == campaign, images.c.id.in_(part))
        tx.execute(sa.update(images).where(*rows).values(**values))


def note_copied(tx: Transaction, copied: Sequence[Image]) -> None:
    """Note that vendors have a copy of these images, as they were read."""
    # By id, as label sets are written: two that write the same images wait for each other, not both for ever.
    by_id = sorted(copied, key=lambda image: image.id)
    tx.execute(_COPIED, [{**_key(image), "copied": image.version} for image in by_id])


def label(
    tx: Transaction, revision: int, agreed: Mapping[str, Verdicts], before: Mapping[str, Image]
) -> list[Image]:
    """Write label sets of a revision for images as they were `before`; return them as they are now.

    The campaign's row is locked.
    """
    now = [
        replace(
            before[image],
            batch=None,
            label_set_version=before[image].label_set_version + 1,
            label_revision=revision,
            verdicts=agreed[image],
        )
        for image in sorted(agreed)
    ]
    rows = [
        {"new_version": image.label_set_version, "revision": revision, "agreed": image.verdicts}
        for image in now
    ]
    tx.execute(_LABEL, [_key(image) | row for image, row in zip(now, rows, strict=True)])
    return now


def hold_out(tx: Transaction, campaign: str, ids: Sequence[str], split: int, batch: int) -> list[Image]:
    """Take images out of the pool for a held-out split, as new versions of them, and out with a batch."""
    ids = sorted(ids)
    change(tx, campaign, ids, split=split, batch=batch, version=images.c.version + 1)
    return list(some(tx, campaign, ids).values())


def page(
    tx: Transaction, campaign: str, after: str, limit: int, split: int, quarantined: bool | None
) -> Sequence[Image]:
    """Read images in the order of their ids; a split of 0 and a `quarantined` of None mean any."""
    wanted = sa.select(images).where(images.c.campaign == campaign, images.c.id > after)
    if split:
        wanted = wanted.where(images.c.split == split)
    if quarantined is not None:
        reason = images.c.quarantine_reason
        wanted = wanted.where(reason != "" if quarantined else reason == "")
    rows = tx.execute(wanted.order_by(images.c.id).limit(limit)).mappings()
    return [Image(**row) for row in rows]
