"""Why a campaign stands where it stands, as far as the label store knows."""

from collections.abc import Iterator, Sequence

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.database import Transaction
from aloft.kit.explaining import Cause, Kind
from aloft.label_store.domain.batches import Outcome
from aloft.label_store.store import annotations, batches, campaigns, image_counts, task_counts, vendors
from aloft.label_store.store.batches import Batch
from aloft.label_store.store.campaigns import EVALUATION, PAUSED, STOPPED, Campaign


def explain(tx: Transaction, campaign_id: str) -> Sequence[Cause]:
    """Say what the label store waits for in a campaign: what holds up all else first."""
    campaign = campaigns.get(tx, campaign_id)
    if campaign.state == STOPPED:
        return [_stopped(campaign)]
    causes = [*_paused(campaign), *_without_images(tx, campaign)]
    if campaign.state == PAUSED:
        return causes
    causes += _labelling(tx, campaign)
    return causes or [_selection(tx, campaign)]


def _stopped(campaign: Campaign) -> Cause:
    by = f" ({campaign.state_by})" if campaign.state_by else ""
    sentence = f"nothing: it was stopped for good by {campaign.state_reason}{by}"
    return Cause(Kind.IDLE, "STOPPED", sentence, campaign.state_since_us)


def _paused(campaign: Campaign) -> Iterator[Cause]:
    if campaign.state == PAUSED:
        by = f" by {campaign.state_by}" if campaign.state_by else ""
        yield Cause(
            Kind.STUCK,
            "PAUSED",
            f"somebody to resume it: it is paused ({campaign.state_reason}{by})",
            campaign.state_since_us,
            f"aloft campaign resume {campaign.id}",
        )


def _without_images(tx: Transaction, campaign: Campaign) -> Iterator[Cause]:
    usable, _ = image_counts.count_usable(tx, campaign.id)
    held_out = campaign.spec.held_out
    import_them = f"aloft images import {campaign.id}"
    if usable[pb.SPLIT_POOL] == 0:
        yield Cause(
            Kind.STUCK,
            "NO_IMAGES",
            "images to be imported into its pool: it has none",
            campaign.created_us,
            import_them,
        )
    evaluation = batches.find(tx, campaign.id, EVALUATION)
    unlabelled = _unlabelled(tx, campaign, evaluation)
    if unlabelled:
        yield Cause(
            Kind.STUCK,
            "HELD_OUT_NOT_LABELLED",
            f"labels of validation or test images, which versions are to be judged by: {unlabelled}",
            campaign.created_us if evaluation is None else evaluation.closed_us,
            f"{import_them}, with a manifest that has the columns key, split and one for each label",
        )
    if evaluation is None and 0 < usable[pb.SPLIT_POOL] <= held_out.evaluation_images:
        yield Cause(
            Kind.STUCK,
            "POOL_TOO_SMALL",
            f"more images: {held_out.evaluation_images} are to be held out, and the pool has"
            f" {usable[pb.SPLIT_POOL]}",
            campaign.created_us,
            import_them,
        )


def _unlabelled(tx: Transaction, campaign: Campaign, evaluation: Batch | None) -> str:
    """Say why no held-out image has labels; empty where one has, or vendors are still to label some."""
    closed = evaluation is not None and evaluation.closed_us is not None
    if not (campaign.spec.held_out.imported or closed) or image_counts.count_held_out(tx, campaign.id):
        return ""
    if not closed:
        return "none is imported"
    outstanding = Outcome.OUTSTANDING in batches.outcomes(tx, campaign.id, EVALUATION)
    return "" if outstanding else "the evaluation batch was closed without any"


def _labelling(tx: Transaction, campaign: Campaign) -> Iterator[Cause]:
    left, leased = task_counts.count_open(tx, campaign.id)
    if not left:
        return
    yield _vendors(tx, campaign, left, leased)
    overlap = campaign.spec.overlap
    annotators = annotations.count_annotators(tx, campaign.id) if overlap > 1 else overlap
    if annotators < overlap:
        yield Cause(
            Kind.WAITING,
            "TOO_FEW_ANNOTATORS",
            f"more annotators: each image needs {overlap}, and {annotators} have labelled so far",
            remedy="let vendors name another annotator in each lease, or give another vendor access",
        )


def _vendors(tx: Transaction, campaign: Campaign, left: int, leased: int) -> Cause:
    numbers = " and ".join(str(number) for number in campaign.open_batches)
    what = f"batch {numbers} is open" if numbers else "annotations of closed batches are outstanding"
    sentence = f"vendors: {what}, {left} tasks are left, {leased} leased"
    since = max(task_counts.last_leased(tx, campaign.id), batches.newest_opening(tx, campaign.id))
    if vendors.of_campaign(tx, campaign.id):
        return Cause(Kind.WAITING, "VENDORS", sentence, since)
    remedy = f"aloft vendor create VENDOR --campaign {campaign.id}, and give its key to who labels"
    return Cause(Kind.STUCK, "NO_VENDOR", f"{sentence}; no vendor has access to it", since, remedy)


def _selection(tx: Transaction, campaign: Campaign) -> Cause:
    since = batches.newest_closing(tx, campaign.id) or campaign.state_since_us
    if campaign.promoted_version == 0:
        return Cause(Kind.WAITING, "FIRST_VERSION", "the trainer to promote a first version", since)
    sentence = f"acquisition to select a batch: {campaign.newest_batch} were selected so far"
    return Cause(Kind.WAITING, "SELECTION", sentence, since)
