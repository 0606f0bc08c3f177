"""Label sets as rows, every version of each: what they were at a label revision can be read again."""

from collections.abc import Iterable

import sqlalchemy as sa

from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.kit.database import Transaction
from aloft.trainer.domain.snapshot import Item, Split
from aloft.trainer.store.tables import images, insert, label_sets

_SPLITS = {
    labels.SPLIT_POOL: Split.POOL,
    labels.SPLIT_VALIDATION: Split.VALIDATION,
    labels.SPLIT_TEST: Split.TEST,
}


def add(tx: Transaction, campaign: str, revision: int, committed: Iterable[events.CommittedLabelSet]) -> None:
    """Write the label sets of a revision. One whose revision is not applied yet counts only once it is."""
    rows = [{"campaign": campaign, "revision": revision, **_row(each)} for each in committed]
    if rows:
        tx.execute(insert(tx, label_sets).on_conflict_do_nothing(), rows)


def as_of(tx: Transaction, campaign: str, revision: int) -> tuple[list[Item], int]:
    """Read the label sets at a revision, in the order of their images, and count those left out.

    Left out are images that are known to be unusable.
    """
    newest = (
        sa.select(label_sets.c.image, sa.func.max(label_sets.c.version).label("version"))
        .where(label_sets.c.campaign == campaign, label_sets.c.revision <= revision)
        .group_by(label_sets.c.image)
        .subquery("newest")
    )
    mine = sa.and_(label_sets.c.image == newest.c.image, label_sets.c.version == newest.c.version)
    where = sa.and_(images.c.campaign == label_sets.c.campaign, images.c.id == label_sets.c.image)
    told = (label_sets.c.split, label_sets.c.positive, label_sets.c.unsure)
    found = (
        sa.select(
            images.c.id, images.c.version, images.c.object_key, images.c.etag, images.c.quarantined, *told
        )
        .select_from(label_sets.join(newest, mine).join(images, where))
        .where(label_sets.c.campaign == campaign)
        .order_by(images.c.id)
    )
    rows = tx.execute(found).all()
    return [_item(row) for row in rows if not row.quarantined], sum(bool(row.quarantined) for row in rows)


def _item(row: sa.Row[tuple[object, ...]]) -> Item:
    return Item(
        image=row.id,
        version=row.version,
        key=row.object_key,
        etag=row.etag,
        split=Split(row.split),
        positive=tuple(row.positive),
        unsure=tuple(row.unsure),
    )


def _row(said: events.CommittedLabelSet) -> dict[str, object]:
    def those(verdict: labels.Verdict.ValueType) -> list[str]:
        return [each.label for each in said.verdicts if each.verdict == verdict]

    return {
        "image": said.image,
        "version": said.version,
        "split": _SPLITS.get(said.split, Split.POOL),
        "positive": those(labels.VERDICT_POSITIVE),
        "unsure": those(labels.VERDICT_UNSURE),
    }
