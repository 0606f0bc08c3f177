"""Versions and their embedded pools as rows."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aloft.acquisition.store.tables import pools, versions
from aloft.kit.database import Transaction


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it was published."""

    version: int
    promoted: bool
    base: bool
    """It has no head, and so no logits."""
    gate_failure: str
    """Why it was not promoted."""
    label_revision: int
    """What it learned from."""
    published_us: int


_NAMES = tuple(field.name for field in fields(Version))
_VERSION = tuple(versions.c[name] for name in _NAMES)
_SAME = sa.and_(pools.c.campaign == versions.c.campaign, pools.c.version == versions.c.version)


def publish(tx: Transaction, campaign: str, new: Version) -> bool:
    """Write a version, unless it is known as it is; False if nothing changed. A promotion stays."""
    row = {"campaign": campaign, **asdict(new)}
    insert = (sqlite.insert if tx.on_sqlite else postgresql.insert)(versions).values(row)
    promotes = sa.and_(insert.excluded.promoted, sa.not_(versions.c.promoted))
    written = insert.on_conflict_do_update(
        index_elements=["campaign", "version"], set_={"promoted": True, "gate_failure": ""}, where=promotes
    )
    return tx.execute(written.returning(versions.c.version)).first() is not None


def embed(
    tx: Transaction,
    campaign: str,
    version: int,
    *,
    generation: int,
    images: int,
    manifest_key: str,
    manifest_digest: str,
) -> bool:
    """Write the manifest of a version's pool; False if one as new is known."""
    row = {
        "campaign": campaign,
        "version": version,
        "generation": generation,
        "images": images,
        "manifest_key": manifest_key,
        "manifest_digest": manifest_digest,
    }
    insert = (sqlite.insert if tx.on_sqlite else postgresql.insert)(pools).values(row)
    names = ("generation", "images", "manifest_key", "manifest_digest")
    written = insert.on_conflict_do_update(
        index_elements=["campaign", "version"],
        set_={name: insert.excluded[name] for name in names},
        where=pools.c.generation < insert.excluded.generation,
    )
    return tx.execute(written.returning(pools.c.version)).first() is not None


def newest_promoted(tx: Transaction, campaign: str) -> int | None:
    """Say the newest promoted version, embedded or not."""
    mine = (versions.c.campaign == campaign, versions.c.promoted)
    newest: int | None = tx.execute(sa.select(sa.func.max(versions.c.version)).where(*mine)).scalar_one()
    return newest


def newest_embedded(tx: Transaction, campaign: str) -> tuple[Version, int] | None:
    """Read the newest promoted version whose pool is embedded, and the generation of its manifest."""
    row = tx.execute(
        sa.select(*_VERSION, pools.c.generation)
        .join(pools, _SAME)
        .where(versions.c.campaign == campaign, versions.c.promoted)
        .order_by(versions.c.version.desc())
        .limit(1)
    ).first()
    return None if row is None else (_version(row), row.generation)


def get(tx: Transaction, campaign: str, version: int) -> Version:
    """Read a version that is known to be there."""
    mine = (versions.c.campaign == campaign, versions.c.version == version)
    return _version(tx.execute(sa.select(*_VERSION).where(*mine)).one())


def newest(tx: Transaction, campaign: str) -> Version | None:
    """Read the newest version, promoted or not."""
    mine = sa.select(*_VERSION).where(versions.c.campaign == campaign)
    row = tx.execute(mine.order_by(versions.c.version.desc()).limit(1)).first()
    return None if row is None else _version(row)


def learned(tx: Transaction, campaign: str) -> int:
    """Say the highest label revision that a version has learned from."""
    highest = sa.select(sa.func.max(versions.c.label_revision)).where(versions.c.campaign == campaign)
    return tx.execute(highest).scalar_one() or 0


def earlier_manifest(tx: Transaction, campaign: str, version: int) -> tuple[str, str] | None:
    """Say the key and the digest of the newest manifest of the promoted version with a head before this."""
    row = tx.execute(
        sa.select(pools.c.manifest_key, pools.c.manifest_digest)
        .join(versions, _SAME)
        .where(versions.c.campaign == campaign, versions.c.version < version)
        .where(versions.c.promoted, sa.not_(versions.c.base))
        .order_by(versions.c.version.desc())
        .limit(1)
    ).first()
    return None if row is None else (row.manifest_key, row.manifest_digest)


def manifest(tx: Transaction, campaign: str, version: int) -> tuple[str, str]:
    """Say the key and the digest of a version's newest manifest."""
    wanted = sa.select(pools.c.manifest_key, pools.c.manifest_digest)
    row = tx.execute(wanted.where(pools.c.campaign == campaign, pools.c.version == version)).one()
    return row.manifest_key, row.manifest_digest


def embedded(tx: Transaction, campaign: str, version: int) -> int:
    """Count the images of a version's newest manifest."""
    wanted = sa.select(pools.c.images).where(pools.c.campaign == campaign, pools.c.version == version)
    count: int = tx.execute(wanted).scalar_one()
    return count


def published_us(tx: Transaction, campaign: str, version: int) -> int:
    """Say when a version was published."""
    mine = (versions.c.campaign == campaign, versions.c.version == version)
    return int(tx.execute(sa.select(versions.c.published_us).where(*mine)).scalar_one())


def _version(row: sa.Row[Any]) -> Version:
    return Version(**{name: row._mapping[name] for name in _NAMES})
