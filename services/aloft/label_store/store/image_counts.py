"""What is counted of a campaign's images, and which of them nobody was asked about yet."""

from collections import Counter

import sqlalchemy as sa

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.database import Transaction
from aloft.label_store.store.tables import images


def count_usable(tx: Transaction, campaign: str) -> tuple[Counter[int], int]:
    """Count a campaign's usable images by split, and its quarantined ones."""
    bad = images.c.quarantine_reason != ""
    wanted = (
        sa.select(images.c.split, bad.label("bad"), sa.func.count().label("images"))
        .where(images.c.campaign == campaign)
        .group_by(images.c.split, bad)
    )
    usable: Counter[int] = Counter()
    quarantined = 0
    for row in tx.execute(wanted):
        if row.bad:
            quarantined += row.images
        else:
            usable[row.split] += row.images
    return usable, quarantined


def count_labelled(tx: Transaction, campaign: str) -> Counter[int]:
    """Count the images that have a label set, by split."""
    wanted = (
        sa.select(images.c.split, sa.func.count().label("images"))
        .where(images.c.campaign == campaign, images.c.label_set_version > 0)
        .group_by(images.c.split)
    )
    return Counter({row.split: row.images for row in tx.execute(wanted)})


def count_held_out(tx: Transaction, campaign: str) -> int:
    """Count the validation and test images that have a label set."""
    counted = count_labelled(tx, campaign)
    return counted[pb.SPLIT_VALIDATION] + counted[pb.SPLIT_TEST]


def unlabelled_pool(tx: Transaction, campaign: str) -> list[str]:
    """Name the images of the pool that are usable, that nobody labelled, and that are not out."""
    wanted = sa.select(images.c.id).where(
        images.c.campaign == campaign,
        images.c.split == int(pb.SPLIT_POOL),
        images.c.quarantine_reason == "",
        images.c.label_set_version == 0,
        images.c.batch.is_(None),
        ~images.c.skipped,
    )
    return list(tx.execute(wanted).scalars())
