"""Label sets that become final: each revision is one event, as many as fit into one."""

from collections.abc import Collection, Iterator, Mapping

from aloft.kit.database import Transaction
from aloft.label_store import announcing
from aloft.label_store.domain.verdicts import Verdicts
from aloft.label_store.store import campaigns, images
from aloft.label_store.store.campaigns import Campaign
from aloft.label_store.store.images import Image

IMAGES = 1000
VERDICTS = 10_000
"""As many as one event has room for."""


def commit(
    tx: Transaction,
    campaign: Campaign,
    agreed: Mapping[str, Verdicts],
    before: Mapping[str, Image],
    charged: Collection[str] = (),
) -> Campaign:
    """Write and announce label sets for images as they were `before`; the budget pays for the `charged`.

    The campaign's row is locked.
    """
    for part in _revisions(agreed):
        revision = campaign.label_revision + 1
        labelled = images.label(tx, revision, part, before)
        paid = sum(image in charged for image in part)
        campaign = campaigns.update(
            tx, campaign.id, label_revision=revision, labelled_images=campaign.labelled_images + paid
        )
        announcing.labels_committed(tx, campaign, labelled)
    return campaign


def _revisions(agreed: Mapping[str, Verdicts]) -> Iterator[dict[str, Verdicts]]:
    part: dict[str, Verdicts] = {}
    said = 0
    for image, verdicts in agreed.items():
        if part and (len(part) == IMAGES or said + len(verdicts) > VERDICTS):
            yield part
            part, said = {}, 0
        part[image] = verdicts
        said += len(verdicts)
    if part:
        yield part
