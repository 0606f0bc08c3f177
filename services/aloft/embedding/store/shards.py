"""Shards of features with their rows, the shards of logits beside them, and what of both is the pool now."""

from collections import defaultdict
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from aloft.embedding.domain import Model
from aloft.embedding.store.images import CHUNK, USABLE
from aloft.embedding.store.tables import features, images, insert, logits, shards
from aloft.kit.database import Transaction
from aloft.pool_images import PoolImage
from aloft.shards import LogitShard, Manifest, Shard


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


def add_logits(
    tx: Transaction,
    campaign: str,
    version: int,
    part: int,
    shard: Shard,
    beside: LogitShard,
    columns: Sequence[str] = (),
) -> None:
    """Make the logits of a shard count, and the columns; those that it had before give way."""
    at = {"object_key": beside.key, "digest": beside.digest}
    said = {"features_digest": shard.digest, **at, "columns": list(columns)}
    fresh = insert(tx, logits).values(campaign=campaign, version=version, part=part, **said)
    tx.execute(fresh.on_conflict_do_update(index_elements=["campaign", "version", "part"], set_=said))


def unscored(
    tx: Transaction, campaign: str, model: Model, columns: Collection[str] = ()
) -> Sequence[tuple[int, Shard]]:
    """Read the parts that lack logits under a version, or one of the columns, whole shards, in order."""
    found = tx.execute(_shards(campaign, model))
    return [
        (row.part, _shard(row, ()))
        for row in found
        if row.logits_digest is None or not set(columns).issubset(row.columns)
    ]


def count_unscored(tx: Transaction, campaign: str, model: Model, columns: Collection[str]) -> int:
    """Count the images that have features, and no logits under a version or not all of the columns."""
    return sum(shard.rows for _, shard in unscored(tx, campaign, model, columns)) if model.labels else 0


def manifest(tx: Transaction, campaign: str, model: Model) -> Manifest:
    """Say which rows are the pool now: of each usable image the row of its current version."""
    wanted = _shards(campaign, model)
    if model.labels:
        wanted = wanted.where(logits.c.digest.is_not(None))
    stale, rows = _stale(tx, campaign, model.backbone), list(tx.execute(wanted))
    found = tuple(_shard(row, tuple(stale[row.part])) for row in rows)
    # Some may have more, which a strategy of before needed.
    columns = set.intersection(*(set(row.columns or ()) for row in rows)) if rows else set()
    return Manifest(
        campaign,
        model.version,
        model.backbone,
        model.feature_size,
        found,
        model.labels,
        tuple(sorted(columns)),
    )


def drop(tx: Transaction, campaign: str, backbone: str, part: int) -> None:
    """Let a shard count no longer: its images have no features."""
    for table in (features, shards):
        tx.execute(sa.delete(table).where(*_of(table, campaign, backbone), table.c.part == part))


def forget(tx: Transaction, campaign: str, keys: Collection[str]) -> None:
    """Let shards of features, with all logits beside them, and shards of logits count no longer."""
    for part in (list(keys)[at : at + CHUNK] for at in range(0, len(keys), CHUNK)):
        of = (shards.c.campaign == campaign, shards.c.object_key.in_(part))
        for row in tx.execute(sa.select(shards.c.backbone, shards.c.part, shards.c.digest).where(*of)).all():
            drop(tx, campaign, row.backbone, row.part)
            mine = (logits.c.campaign == campaign, logits.c.features_digest == row.digest)
            tx.execute(sa.delete(logits).where(*mine))
        tx.execute(sa.delete(logits).where(logits.c.campaign == campaign, logits.c.object_key.in_(part)))


def drop_all_but(tx: Transaction, campaign: str, backbones: Collection[str]) -> None:
    """Let the features of other backbones count no longer. Logits stay."""
    for table in (features, shards):
        others = table.c.backbone.not_in(backbones)
        tx.execute(sa.delete(table).where(table.c.campaign == campaign, others))


def keys(tx: Transaction, campaign: str, backbones: Collection[str]) -> set[str]:
    """Name the objects that count: features under these backbones, and all logits."""
    of_features = sa.select(shards.c.object_key).where(
        shards.c.campaign == campaign, shards.c.backbone.in_(backbones)
    )
    of_logits = sa.select(logits.c.object_key).where(logits.c.campaign == campaign)
    return set(tx.execute(of_features.union(of_logits)).scalars())


def _shards(campaign: str, model: Model) -> sa.Select[*tuple[object, ...]]:
    beside = sa.and_(
        logits.c.campaign == shards.c.campaign,
        logits.c.version == model.version,
        logits.c.part == shards.c.part,
        logits.c.features_digest == shards.c.digest,
    )
    columns = (
        logits.c.object_key.label("logits_key"),
        logits.c.digest.label("logits_digest"),
        logits.c.columns,
    )
    joined = sa.select(*shards.c, *columns).select_from(shards.outerjoin(logits, beside))
    return joined.where(*_of(shards, campaign, model.backbone)).order_by(shards.c.part)


def _shard(row: sa.Row[*tuple[object, ...]], excluded: tuple[int, ...]) -> Shard:
    named = row._mapping
    beside = None
    if named["logits_key"] is not None:
        beside = LogitShard(named["logits_key"], named["logits_digest"])
    at = named["features_at"]
    return Shard(named["object_key"], named["digest"], named["images"], excluded, at, beside)


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
