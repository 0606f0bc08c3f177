"""Shards, their rows and the manifest in force."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa

from aloft.embedding.domain import Model, Pool, PoolImage
from aloft.embedding.store.images import CHUNK, USABLE
from aloft.embedding.store.tables import features, images, insert, pools, shards
from aloft.kit.database import Transaction
from aloft.shards import Manifest, Shard


def next_part(tx: Transaction, campaign: str, backbone: str) -> int:
    """Say the number that no shard of the backbone has yet."""
    newest = sa.select(sa.func.max(shards.c.part)).where(*_of(shards, campaign, backbone))
    return int(tx.execute(newest).scalar() or 0) + 1


def add(
    tx: Transaction, campaign: str, backbone: str, part: int, shard: Shard, rows: Sequence[PoolImage]
) -> None:
    """Make a shard count: with it, its images have features."""
    named = {"campaign": campaign, "backbone": backbone, "part": part}
    at = {"object_key": shard.key, "digest": shard.digest, "features_at": shard.features_at}
    tx.execute(shards.insert().values(**named, **at, images=shard.rows))
    values = [
        {**named, "image": image.id, "image_version": image.version, "row_number": number}
        for number, image in enumerate(rows)
    ]
    for start in range(0, len(values), CHUNK):
        tx.execute(features.insert(), values[start : start + CHUNK])


def manifest(tx: Transaction, campaign: str, model: Model) -> Manifest:
    """Say which rows are the pool now: of each usable image the row of its current version."""
    columns = (shards.c.part, shards.c.object_key, shards.c.digest, shards.c.images, shards.c.features_at)
    wanted = sa.select(*columns).where(*_of(shards, campaign, model.backbone)).order_by(shards.c.part)
    stale = _stale(tx, campaign, model.backbone)
    found = tuple(
        Shard(row.object_key, row.digest, row.images, tuple(stale[row.part]), row.features_at)
        for row in tx.execute(wanted)
    )
    return Manifest(campaign, model.version, model.backbone, model.feature_size, found)


def current(tx: Transaction, campaign: str) -> Pool | None:
    """Read the manifest that was last announced."""
    columns = (pools.c.version, pools.c.generation, pools.c.digest, pools.c.images)
    wanted = sa.select(*columns, pools.c.object_key.label("key")).where(pools.c.campaign == campaign)
    row = tx.execute(wanted).mappings().first()
    return None if row is None else Pool(**row)


def replace(tx: Transaction, campaign: str, pool: Pool) -> None:
    """Put a manifest into force."""
    row = {("object_key" if name == "key" else name): value for name, value in asdict(pool).items()}
    fresh = insert(tx, pools).values(campaign=campaign, **row)
    tx.execute(fresh.on_conflict_do_update(index_elements=["campaign"], set_=row))


def _stale(tx: Transaction, campaign: str, backbone: str) -> defaultdict[int, list[int]]:
    same_image = sa.and_(images.c.campaign == features.c.campaign, images.c.id == features.c.image)
    counts = sa.and_(USABLE, images.c.version == features.c.image_version)
    wanted = (
        sa.select(features.c.part, features.c.row_number)
        .join(images, same_image)
        .where(*_of(features, campaign, backbone), ~counts)
        .order_by(features.c.part, features.c.row_number)
    )
    excluded: defaultdict[int, list[int]] = defaultdict(list)
    for row in tx.execute(wanted):
        excluded[row.part].append(row.row_number)
    return excluded


def _of(table: sa.Table, campaign: str, backbone: str) -> tuple[sa.ColumnElement[bool], ...]:
    return table.c.campaign == campaign, table.c.backbone == backbone
