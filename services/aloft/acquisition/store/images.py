"""The images that something is known of: labelled, out, skipped, quarantined, replaced. Others: no row."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from aloft.acquisition.store import labels
from aloft.acquisition.store.labels import LabelSet
from aloft.acquisition.store.tables import images
from aloft.kit.database import Transaction

CHUNK = 1000
"""Ids in one statement."""

LABELLED = images.c.label_set_version > 0
# One that was replaced since is as good as a new one.
_QUARANTINED = sa.and_(images.c.quarantined_version > 0, images.c.quarantined_version >= images.c.version)
UNRANKED = sa.or_(LABELLED, images.c.left_pool, _QUARANTINED)
"""Not in a ranking. What is out or skipped is unlabelled, and is in it."""
TAKEN = sa.or_(UNRANKED, images.c.batch.is_not(None), images.c.skipped)
"""Not free to be selected."""
_IN_FLIGHT = sa.and_(sa.not_(LABELLED), images.c.batch.is_not(None), sa.not_(images.c.skipped))
COVERED = sa.or_(sa.and_(LABELLED, sa.not_(images.c.held_out)), _IN_FLIGHT)
"""Labelled, or with annotators: what a strategy need not send out anything alike."""
FIRST = 1
"""The version with which an image is first registered, and which it has unless its row says more."""


def matching(tx: Transaction, campaign: str, which: sa.ColumnElement[bool]) -> list[str]:
    """Name a campaign's images with this mark, in order of id."""
    wanted = sa.select(images.c.image).where(images.c.campaign == campaign, which).order_by(images.c.image)
    return list(tx.execute(wanted).scalars())


class Fate(StrEnum):
    """What is known of an image that can keep it from being selected; the first that holds counts."""

    HELD_OUT = "held out"
    QUARANTINED = "quarantined"
    LABELLED = "labelled"
    SKIPPED = "skipped"
    OUT = "out"
    FREE = "free"


def fate(tx: Transaction, campaign: str, image: str) -> Fate:
    """Say what keeps an image from being selected, if anything does."""
    row = _some(tx, campaign, [image]).get(image)
    if row is None:
        return Fate.FREE
    holds = {
        Fate.HELD_OUT: row.left_pool or row.held_out,
        Fate.QUARANTINED: _is_quarantined(row),
        Fate.LABELLED: _version(row),
        Fate.SKIPPED: row.skipped,
        Fate.OUT: row.batch,
    }
    return next((each for each, held in holds.items() if held), Fate.FREE)


def any_taken(tx: Transaction, campaign: str, ids: Sequence[str]) -> bool:
    """Say whether one of these is not free any more."""
    of = (images.c.campaign == campaign, TAKEN)
    return any(
        tx.execute(sa.select(images.c.image).where(*of, images.c.image.in_(part)).limit(1)).first()
        for part in _chunks(ids)
    )


def label(tx: Transaction, campaign: str, revision: int, label_sets: Collection[LabelSet]) -> bool:
    """Mark images as labelled; True if one was free.

    Of an older version of a label set only the revision counts: it can be the first that labelled the image.
    """
    before = _some(tx, campaign, [each.image for each in label_sets])
    newer = [each for each in label_sets if each.version > _version(before.get(each.image))]
    _upsert(
        tx,
        campaign,
        [
            {"image": each.image, "label_set_version": each.version, "held_out": each.held_out}
            for each in newer
        ],
    )
    labels.replace(tx, campaign, newer)
    first = [
        each.image
        for each in label_sets
        if (row := before.get(each.image)) is None or not 0 < row.labelled_revision <= revision
    ]
    _upsert(tx, campaign, [{"image": image, "labelled_revision": revision} for image in first])
    return any(_is_free(before.get(each.image)) for each in newer)


def send_out(tx: Transaction, campaign: str, batch: int, ids: Sequence[str]) -> None:
    """Mark images as out with a batch."""
    _upsert(tx, campaign, [{"image": image, "batch": batch} for image in ids])


def skip(tx: Transaction, campaign: str, ids: Collection[str]) -> None:
    """Mark images as those that nobody could label: they are not selected again."""
    _upsert(tx, campaign, [{"image": image, "skipped": True} for image in ids])


def quarantine(tx: Transaction, campaign: str, image: str, version: int) -> bool:
    """Mark this version of an image as one that cannot be used; True if it was free and now is not."""
    before = _some(tx, campaign, [image]).get(image)
    if before is not None and before.quarantined_version >= version:
        return False
    _upsert(tx, campaign, [{"image": image, "quarantined_version": version}])
    return _is_free(before) and (before is None or before.version <= version)


def register(tx: Transaction, campaign: str, anew: Mapping[str, tuple[int, bool]]) -> bool:
    """Write the version with which images were registered anew, and whether it is in the pool.

    An older version changes nothing. True if an image became free to be selected, or is no longer.
    """
    before = _some(tx, campaign, list(anew))
    newer = [
        image
        for image, (version, _) in anew.items()
        if image not in before or before[image].version < version
    ]
    _upsert(
        tx,
        campaign,
        [{"image": image, "version": anew[image][0], "left_pool": not anew[image][1]} for image in newer],
    )
    after = _some(tx, campaign, newer)
    return any(_is_free(before.get(image)) != _is_free(after[image]) for image in newer)


def out_with(tx: Transaction, campaign: str, batch: int) -> set[str]:
    """Name the images that are out with a batch and not labelled."""
    return set(matching(tx, campaign, sa.and_(images.c.batch == batch, sa.not_(LABELLED))))


def free(tx: Transaction, campaign: str, batch: int, ids: Collection[str]) -> int:
    """Take back those of the images that are out with this batch, and count them; labels stay."""
    count = 0
    for part in _chunks(sorted(ids)):
        mine = (images.c.campaign == campaign, images.c.batch == batch, images.c.image.in_(part))
        count += tx.execute(sa.update(images).where(*mine).values(batch=None)).rowcount
    return count


def _version(row: sa.Row[Any] | None) -> int:
    return row.label_set_version if row else 0


def _is_free(row: sa.Row[Any] | None) -> bool:
    if row is None:
        return True
    return not (_version(row) or row.batch or row.skipped or row.left_pool or _is_quarantined(row))


def _is_quarantined(row: sa.Row[Any]) -> bool:
    return bool(row.quarantined_version > 0 and row.quarantined_version >= row.version)


def _some(tx: Transaction, campaign: str, ids: Sequence[str]) -> dict[str, sa.Row[Any]]:
    found: dict[str, sa.Row[Any]] = {}
    for part in _chunks(ids):
        wanted = sa.select(images).where(images.c.campaign == campaign, images.c.image.in_(part))
        found.update((row.image, row) for row in tx.execute(wanted))
    return found


def _upsert(tx: Transaction, campaign: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if not rows:
        return
    insert = sqlite.insert if tx.on_sqlite else postgresql.insert
    marks = [name for name in rows[0] if name != "image"]
    fresh = insert(images)
    change = {name: fresh.excluded[name] for name in marks}
    statement = fresh.on_conflict_do_update(index_elements=["campaign", "image"], set_=change)
    blank = {
        "campaign": campaign,
        "label_set_version": 0,
        "labelled_revision": 0,
        "held_out": False,
        "batch": None,
        "skipped": False,
        "version": 0,
        "left_pool": False,
        "quarantined_version": 0,
    }
    tx.execute(statement, [{**blank, **row} for row in rows])


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
