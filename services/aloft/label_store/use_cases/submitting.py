"""What annotations do: label sets, one revision, perhaps the end of the batch, in one transaction."""

from collections.abc import Sequence

from aloft.api.labels.v1 import labelling_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transaction
from aloft.kit.errors import FieldViolation, InvalidArgument
from aloft.label_store import announcing
from aloft.label_store.domain import verdicts
from aloft.label_store.domain.batches import Outcome
from aloft.label_store.store import annotations, batches, campaigns, images, tasks
from aloft.label_store.store.annotations import Annotation
from aloft.label_store.store.campaigns import Campaign
from aloft.label_store.store.tasks import DONE, Task
from aloft.label_store.use_cases.closing import close_if_due, images_by_batch
from aloft.label_store.use_cases.leases import held, named

VERDICTS = 10_000
"""Verdicts that one call may have: what fits into one event."""


def submit(
    tx: Transaction, vendor: str, request: service.SubmitAnnotationsRequest
) -> service.SubmitAnnotationsResponse:
    """Take annotations, all or none, if every task is still leased to this vendor."""
    campaign = campaigns.lock(tx, names.campaign_of(request.parent))
    leases = named(campaign.id, [(one.task, one.lease) for one in request.annotations], "annotations")
    _check_verdicts(campaign, request)
    done = held(tx, campaign.id, vendor, leases)
    labels = campaign.labels
    said = {names.TASK.parse(one.task)[1]: verdicts.said(one.verdicts, labels) for one in request.annotations}
    _write(tx, campaign, list(done.values()), said)
    return service.SubmitAnnotationsResponse(accepted_annotations=len(done))


def _check_verdicts(campaign: Campaign, request: service.SubmitAnnotationsRequest) -> None:
    labels = campaign.labels
    count = sum(len(annotation.verdicts) for annotation in request.annotations)
    if count > VERDICTS:
        raise InvalidArgument.of(
            "annotations", f"at most {VERDICTS} verdicts in one call, not {count}: split it"
        )
    wrong: list[FieldViolation] = []
    for index, annotation in enumerate(request.annotations):
        wrong += verdicts.violations_of(annotation.verdicts, labels, f"annotations[{index}].verdicts")
    if wrong:
        message = "; ".join(f"{violation.field}: {violation.description}" for violation in wrong[:10])
        raise InvalidArgument("INVALID_VERDICTS", message, tuple(wrong))


def _write(
    tx: Transaction, campaign: Campaign, done: Sequence[Task], said: dict[str, verdicts.Verdicts]
) -> None:
    revision = campaign.label_revision + 1
    rows = [
        Annotation(
            campaign=campaign.id,
            task=task.id,
            image=task.image,
            vendor=task.vendor,
            annotator=task.annotator,
            lease=task.lease,
            verdicts=said[task.id],
            taxonomy_version=campaign.spec.taxonomy.version,
            label_revision=revision,
        )
        for task in done
    ]
    annotations.insert(tx, rows)
    tasks.end(tx, campaign.id, [task.id for task in done], DONE)
    agreed = {task.image: verdicts.consensus([said[task.id]]) for task in done}
    labelled = images.label(tx, campaign.id, revision, agreed)
    by_batch = images_by_batch(done)
    batches.settle(tx, campaign.id, by_batch, Outcome.LABELLED)
    campaign = campaigns.update(
        tx,
        campaign.id,
        label_revision=revision,
        labelled_images=campaign.labelled_images + len(labelled),
        annotations=campaign.annotations + len(rows),
    )
    announcing.labels_committed(tx, campaign, labelled)
    close_if_due(tx, campaign, by_batch.keys())
