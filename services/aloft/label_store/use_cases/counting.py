"""What is counted of a campaign, and of a vendor in it."""

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.api.labels.v1 import campaign_service_pb2, labelling_service_pb2
from aloft.kit import names
from aloft.kit.database import Transaction
from aloft.label_store.explaining import explain
from aloft.label_store.store import annotations, batches, campaigns, image_counts, scores, task_counts
from aloft.label_store.store.campaigns import EVALUATION


def progress(tx: Transaction, campaign_id: str) -> campaign_service_pb2.CampaignProgress:
    """Count what the label store knows of a campaign."""
    campaign = campaigns.get(tx, campaign_id)
    usable, quarantined = image_counts.count_usable(tx, campaign.id)
    still_open, leased = task_counts.count_open(tx, campaign.id)
    labelled = image_counts.count_labelled(tx, campaign.id)
    batch = campaign.open_batch
    if batch is None and campaign.evaluating:
        batch = EVALUATION
    return campaign_service_pb2.CampaignProgress(
        campaign=names.CAMPAIGN.format(campaign.id),
        pool_images=usable[pb.SPLIT_POOL],
        validation_images=usable[pb.SPLIT_VALIDATION],
        test_images=usable[pb.SPLIT_TEST],
        quarantined_images=quarantined,
        labelled_images=campaign.labelled_images,
        annotations=campaign.annotations,
        open_tasks=still_open - leased,
        leased_tasks=leased,
        closed_batches=batches.count_closed(tx, campaign.id),
        open_batch="" if batch is None else names.BATCH.format(campaign.id, batch),
        label_revision=campaign.label_revision,
        promoted_version=campaign.promoted_version,
        waiting_for=explain(tx, campaign.id)[0].waits_for,
        labelled_validation_images=labelled[pb.SPLIT_VALIDATION],
        labelled_test_images=labelled[pb.SPLIT_TEST],
        score=scores.newest(tx, campaign.id),
    )


def statistics(tx: Transaction, campaign_id: str, vendor: str) -> labelling_service_pb2.VendorStatistics:
    """Count what a vendor has done in a campaign."""
    campaign = campaigns.get(tx, campaign_id)
    return labelling_service_pb2.VendorStatistics(
        vendor=names.VENDOR.format(vendor),
        leased_tasks=task_counts.count_held(tx, vendor, campaign.id),
        submitted_annotations=annotations.count(tx, campaign.id, vendor),
        skipped_tasks=task_counts.count_skipped(tx, campaign.id, vendor),
        expired_leases=task_counts.count_expired(tx, campaign.id, vendor),
    )
