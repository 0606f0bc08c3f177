"""API keys as rows: a keyed hash, never the key."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.database.columns import NOW
from aloft.label_store.store.tables import api_keys


@dataclass(frozen=True, slots=True)
class Key:
    """One key. `expire_us` is when it ends or ended; None is never."""

    id: str
    hash: bytes
    principal: str
    created_us: int = 0
    expire_us: int | None = None


def insert(tx: Transaction, key: Key) -> Key:
    """Write a new key, and say how it is now."""
    row = {"id": key.id, "hash": key.hash, "principal": key.principal}
    written = tx.execute(sa.insert(api_keys).values(**row, created_us=NOW).returning(api_keys))
    return Key(**written.mappings().one())


def find(tx: Transaction, key: str) -> Key | None:
    """Read a key by its id, ended or not."""
    row = tx.execute(sa.select(api_keys).where(api_keys.c.id == key)).mappings().first()
    return None if row is None else Key(**row)


def find_live(tx: Transaction, key: str) -> Key | None:
    """Read a key by its id, None if it has ended."""
    live = sa.or_(api_keys.c.expire_us.is_(None), api_keys.c.expire_us > NOW)
    row = tx.execute(sa.select(api_keys).where(api_keys.c.id == key, live)).mappings().first()
    return None if row is None else Key(**row)


def expire(tx: Transaction, key: str, grace_us: int) -> None:
    """End a key after a while, unless it ends sooner already."""
    until = NOW + grace_us
    sooner = sa.case((api_keys.c.expire_us <= until, api_keys.c.expire_us), else_=until)
    tx.execute(sa.update(api_keys).where(api_keys.c.id == key).values(expire_us=sooner))


def page(tx: Transaction, principal: str, after: str, limit: int) -> Sequence[Key]:
    """Read keys in the order of their ids; an empty principal means anybody's."""
    wanted = sa.select(api_keys).where(api_keys.c.id > after).order_by(api_keys.c.id).limit(limit)
    if principal:
        wanted = wanted.where(api_keys.c.principal == principal)
    return [Key(**row) for row in tx.execute(wanted).mappings()]


def any_administrator(tx: Transaction) -> bool:
    """Whether an administrator's key was ever made."""
    wanted = sa.select(api_keys.c.id).where(api_keys.c.principal.like("admins/%")).limit(1)
    return tx.execute(wanted).first() is not None
