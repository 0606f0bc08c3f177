"""What versions are judged by: imported labels, or batch 0, drawn from the pool when labelling begins."""

from collections.abc import Sequence

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.database import Transaction
from aloft.kit.errors import FailedPrecondition
from aloft.label_store import announcing
from aloft.label_store.domain.batches import close_after_us
from aloft.label_store.domain.splits import draw_evaluation
from aloft.label_store.store import batches, campaigns, image_counts, images, tasks
from aloft.label_store.store.batches import Batch
from aloft.label_store.store.campaigns import EVALUATION, Campaign

SPLITS: tuple[pb.Split.ValueType, ...] = (pb.SPLIT_VALIDATION, pb.SPLIT_TEST)


def begin_evaluation(tx: Transaction, campaign: Campaign) -> Campaign:
    """See to it that versions can be judged, or raise `FailedPrecondition`. The campaign's row is locked."""
    held_out = campaign.spec.held_out
    if held_out.imported and not image_counts.count_held_out(tx, campaign.id):
        raise FailedPrecondition(
            "HELD_OUT_NOT_LABELLED",
            "held_out.imported is set, and no validation or test image has labels: import a manifest with the"
            " columns key, split and one for each label of the taxonomy, then resume",
        )
    wanted = held_out.evaluation_images
    if not wanted or batches.find(tx, campaign.id, EVALUATION) is not None:
        return campaign
    there = image_counts.unlabelled_pool(tx, campaign.id)
    if len(there) <= wanted:
        raise FailedPrecondition(
            "POOL_TOO_SMALL",
            f"held_out.evaluation_images takes {wanted} images out of the pool, and {len(there)} of it can be"
            f" labelled: import at least {wanted + 1 - len(there)} more, then resume",
            pool_images=str(len(there)),
        )
    return _open(tx, campaign, draw_evaluation(there, campaign.spec.strategy.seed, wanted))


def _open(tx: Transaction, campaign: Campaign, drawn: Sequence[str]) -> Campaign:
    for number, split in enumerate(SPLITS):
        moved = images.hold_out(tx, campaign.id, drawn[number :: len(SPLITS)], split, EVALUATION)
        announcing.images_registered(tx, campaign.id, moved)
    batch = Batch(
        campaign=campaign.id,
        number=EVALUATION,
        model_version=0,
        ranking="",
        strategy="random",
        selected_images=len(drawn),
        accepted_images=len(drawn),
    )
    batches.insert(tx, batch, drawn, close_after_us(campaign.spec.batch_policy))
    tasks.insert(tx, campaign.id, EVALUATION, drawn, campaign.spec.overlap)
    return campaigns.update(tx, campaign.id, evaluating=True)
