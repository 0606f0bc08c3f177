"""What a pool is read from: the manifest of its shards, and what the campaign's rows say of its images."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from aloft.acquisition.store import images, labels, models
from aloft.kit.database import Transaction
from aloft.strategies.pool import Ids, ids


@dataclass(frozen=True, slots=True)
class Sources:
    """What one ranking or one selection reads, as it was at one moment."""

    manifest: tuple[str, str]
    """Key and digest."""
    left_out: tuple[str, ...]
    """Images that are not wanted, in order of id."""
    covered: tuple[str, ...]
    """Images that are labelled or in flight, in order of id."""
    labelled: int
    """Images that were labelled to be learned from."""
    positives: Mapping[str, int]
    """How many of them have each label."""
    earlier: tuple[str, str] | None
    """Key and digest of the newest manifest of the promoted version with a head before this one."""

    @property
    def excluded(self) -> Ids:
        """The images that are not wanted, sorted."""
        return ids(list(self.left_out))


def read(
    tx: Transaction, campaign: str, version: int, manifest: tuple[str, str], unwanted: sa.ColumnElement[bool]
) -> Sources:
    """Read what surrounds a version's pool."""
    return Sources(
        manifest=manifest,
        left_out=tuple(images.matching(tx, campaign, unwanted)),
        covered=tuple(images.matching(tx, campaign, images.COVERED)),
        labelled=labels.labelled(tx, campaign),
        positives=labels.counts(tx, campaign),
        earlier=models.earlier_manifest(tx, campaign, version),
    )
