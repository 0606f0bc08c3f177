"""What the labels of a campaign say: how many images have each, and how many are labelled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from aloft.acquisition.store.tables import images, positives
from aloft.kit.database import Transaction

_CHUNK = 1000
"""Ids in one statement."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """What one version of an image's label set says."""

    image: str
    version: int
    held_out: bool
    """It is for judging versions: none learns from it."""
    positives: tuple[str, ...]


def replace(tx: Transaction, campaign: str, label_sets: Sequence[LabelSet]) -> None:
    """Put the positives of these label sets in the place of what was known of their images."""
    for start in range(0, len(label_sets), _CHUNK):
        part = [each.image for each in label_sets[start : start + _CHUNK]]
        mine = (positives.c.campaign == campaign, positives.c.image.in_(part))
        tx.execute(sa.delete(positives).where(*mine))
    rows = [
        {"campaign": campaign, "image": each.image, "label": label}
        for each in label_sets
        if not each.held_out
        for label in sorted(set(each.positives))
    ]
    if rows:
        tx.execute(sa.insert(positives), rows)


def counts(tx: Transaction, campaign: str) -> Mapping[str, int]:
    """Count for each label the images that have it; a label that none has is not named."""
    images_with = sa.func.count().label("images_with")
    wanted = sa.select(positives.c.label, images_with).where(positives.c.campaign == campaign)
    return {row.label: row.images_with for row in tx.execute(wanted.group_by(positives.c.label))}


def labelled(tx: Transaction, campaign: str, up_to: int | None = None) -> int:
    """Count the images that were labelled to be learned from, by a label revision or so far."""
    mine = [images.c.campaign == campaign, images.c.labelled_revision > 0, sa.not_(images.c.held_out)]
    if up_to is not None:
        mine.append(images.c.labelled_revision <= up_to)
    return int(tx.execute(sa.select(sa.func.count()).select_from(images).where(*mine)).scalar_one())
