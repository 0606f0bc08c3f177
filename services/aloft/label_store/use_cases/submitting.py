"""What annotations do: label sets where they were the last, perhaps the batch's end, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace

from aloft.api.labels.v1 import labelling_service_pb2 as service
from aloft.kit import names
from aloft.kit.database import Transaction
from aloft.kit.errors import FieldViolation, InvalidArgument
from aloft.label_store.domain import verdicts
from aloft.label_store.store import annotations, campaigns, tasks
from aloft.label_store.store.annotations import Annotation
from aloft.label_store.store.campaigns import EVALUATION, Campaign
from aloft.label_store.store.tasks import DONE, Task
from aloft.label_store.use_cases.closing import close_if_due
from aloft.label_store.use_cases.leases import held, named
from aloft.label_store.use_cases.settling import settle

VERDICTS = 10_000
"""Verdicts that one call may have."""


def submit(
    tx: Transaction, vendor: str, request: service.SubmitAnnotationsRequest
) -> service.SubmitAnnotationsResponse:
    """Take annotations, all or none, if every task is still leased to this vendor."""
    campaign = campaigns.lock(tx, names.campaign_of(request.parent))
    leases = named(campaign.id, [(one.task, one.lease) for one in request.annotations], "annotations")
    _check_verdicts(campaign, request)
    found = tasks.lock(tx, campaign.id, tasks.siblings(leases, campaign.spec.overlap))
    done = held(tx, campaign.id, found, vendor, leases)
    labels = campaign.labels
    said = {names.TASK.parse(one.task)[1]: verdicts.said(one.verdicts, labels) for one in request.annotations}
    _write(tx, campaign, done, said)
    now = [replace(task, state=DONE) if task.id in leases else task for task in found.values()]
    campaign = settle(tx, _charge(tx, campaign, done), now)
    close_if_due(tx, campaign, {task.batch for task in done})
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
        )
        for task in done
    ]
    annotations.insert(tx, rows)
    tasks.end(tx, campaign.id, [task.id for task in done], DONE)


def _charge(tx: Transaction, campaign: Campaign, done: Sequence[Task]) -> Campaign:
    charged = sum(task.batch != EVALUATION for task in done)
    return campaigns.update(tx, campaign.id, annotations=campaign.annotations + charged)
