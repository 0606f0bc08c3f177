"""Images as rows: where each lies in the pool bucket, and whether it can be used."""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice

import sqlalchemy as sa

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.kit.database import Transaction
from aloft.trainer.domain.snapshot import Item
from aloft.trainer.store.tables import images, insert

CHUNK = 1000
"""Rows in one statement."""

USABLE = sa.and_(images.c.in_pool, images.c.quarantined == "")


def register(tx: Transaction, campaign: str, registered: Iterable[events.RegisteredImage]) -> None:
    """Remember images as registered, each unless a newer version of it is known."""
    fresh = insert(tx, images)
    names = ("object_key", "etag", "version", "in_pool", "quarantined")
    changed = {name: fresh.excluded[name] for name in names}
    newer = fresh.excluded.version > images.c.version
    upsert = fresh.on_conflict_do_update(index_elements=["campaign", "id"], set_=changed, where=newer)
    rows = ({"campaign": campaign, **_row(image)} for image in registered)
    while chunk := list(islice(rows, CHUNK)):
        tx.execute(upsert, chunk)


def quarantine(tx: Transaction, campaign: str, image: str, version: int, reason: str) -> bool:
    """Mark an image as unusable unless it was registered anew since; False if it is not known at all."""
    mine = (images.c.campaign == campaign, images.c.id == image)
    known = tx.execute(sa.select(images.c.version).where(*mine)).scalar()
    if known is None or known < version:
        return False
    marked = sa.update(images).where(*mine, images.c.version == version).values(quarantined=reason)
    tx.execute(marked)
    return True


def unknown(tx: Transaction, campaign: str, ids: Collection[str]) -> set[str]:
    """Name those that are not registered."""
    left, rest = set(ids), iter(ids)
    while chunk := list(islice(rest, CHUNK)):
        wanted = sa.select(images.c.id).where(images.c.campaign == campaign, images.c.id.in_(chunk))
        left.difference_update(tx.execute(wanted).scalars())
    return left


def has_usable(tx: Transaction, campaign: str, count: int) -> bool:
    """Say whether the pool has so many images that can be used."""
    wanted = sa.select(images.c.id).where(images.c.campaign == campaign, USABLE).limit(count)
    return len(tx.execute(wanted).all()) == count


def pool(tx: Transaction, campaign: str) -> Iterator[Item]:
    """Read the usable images of the pool, in the order of their ids."""
    wanted = sa.select(images).where(images.c.campaign == campaign, USABLE).order_by(images.c.id)
    for row in tx.execute(wanted):
        yield Item(row.id, row.version, row.object_key, row.etag)


def count_quarantined(tx: Transaction, campaign: str) -> int:
    """Count the images of the pool that cannot be used."""
    bad = (images.c.campaign == campaign, images.c.in_pool, images.c.quarantined != "")
    return int(tx.execute(sa.select(sa.func.count()).select_from(images).where(*bad)).scalar_one())


def _row(image: events.RegisteredImage) -> dict[str, object]:
    return {
        "id": image.image,
        "object_key": image.key,
        "etag": image.object_etag,
        "version": image.version,
        "in_pool": image.split == labels.SPLIT_POOL,
        "quarantined": "",
    }
