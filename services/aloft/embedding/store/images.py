"""Images as rows: what is registered, what has no features yet, what is quarantined."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.embedding.store.tables import features, images, insert
from aloft.kit.database import Transaction
from aloft.pool_images import PoolImage, Rejected

CHUNK = 1000
"""Rows in one statement."""

_POOL_IMAGE = (images.c.id, images.c.object_key.label("key"), images.c.etag, images.c.version)

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


def _row(image: events.RegisteredImage) -> dict[str, object]:
    return {
        "id": image.image,
        "object_key": image.key,
        "etag": image.object_etag,
        "version": image.version,
        "in_pool": image.split == labels.SPLIT_POOL,
        "quarantined": "",
    }


def quarantine(tx: Transaction, campaign: str, rejected: Rejected) -> bool:
    """Mark an image as unusable; False if it was registered anew since it was read."""
    this = (images.c.campaign == campaign, images.c.id == rejected.image.id)
    current = images.c.version == rejected.image.version
    marked = sa.update(images).where(*this, current).values(quarantined=rejected.reason.value)
    return tx.execute(marked).rowcount == 1


def missing(
    tx: Transaction, campaign: str, backbone: str, *, after: str = "", limit: int
) -> Sequence[PoolImage]:
    """Read usable images without features under a backbone, in the order of their ids."""
    wanted = (
        _missing(campaign, backbone, *_POOL_IMAGE)
        .where(images.c.id > after)
        .order_by(images.c.id)
        .limit(limit)
    )
    return [PoolImage(**row) for row in tx.execute(wanted).mappings()]


def some_keys(tx: Transaction, campaign: str, *, limit: int) -> Sequence[str]:
    """Name the objects of some usable images."""
    wanted = sa.select(images.c.object_key).where(images.c.campaign == campaign, USABLE)
    return tx.execute(wanted.order_by(images.c.id).limit(limit)).scalars().all()


def count_missing(tx: Transaction, campaign: str, backbone: str) -> int:
    """Count usable images without features under a backbone."""
    return int(tx.execute(_missing(campaign, backbone, sa.func.count())).scalar_one())


def count(tx: Transaction, campaign: str) -> tuple[int, int]:
    """Count the images of the pool, and those of them that are quarantined."""
    every = sa.func.count().label("every")
    bad = sa.func.count().filter(images.c.quarantined != "").label("bad")
    wanted = sa.select(every, bad).where(images.c.campaign == campaign, images.c.in_pool)
    row = tx.execute(wanted).one()
    return row.every, row.bad


def _missing(campaign: str, backbone: str, *columns: sa.ColumnElement[Any]) -> sa.Select[*tuple[Any, ...]]:
    has = (
        sa.select(1)
        .where(
            features.c.campaign == images.c.campaign,
            features.c.backbone == backbone,
            features.c.image == images.c.id,
            features.c.image_version == images.c.version,
        )
        .exists()
    )
    return sa.select(*columns).select_from(images).where(images.c.campaign == campaign, USABLE, ~has)
