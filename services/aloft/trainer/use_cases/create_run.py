"""Creates a run: its version, its job and its row in one transaction."""

from dataclasses import replace
from typing import assert_never

from aloft.kit.database import Transaction
from aloft.kit.errors import FailedPrecondition
from aloft.kit.jobs import Jobs
from aloft.trainer.domain.campaign import APART, Base, Campaign
from aloft.trainer.domain.due import FineTune, MakeBase, Wait, next_step
from aloft.trainer.domain.runs import BASE, FINE_TUNE, Run
from aloft.trainer.store import campaigns, images, models, runs, situation

ATTEMPTS = 50
"""Hours, at the distances that attempts have. A store that is away does not count; what goes wrong so often
otherwise is for people: the run fails with its last error, and `why` says so."""


def begin_what_is_due(tx: Transaction, jobs: Jobs, name: str) -> None:
    """Create the run that a campaign's training needs next, if it needs one."""
    campaign = campaigns.get(tx, name, lock=True)
    step = next_step(situation.read(tx, jobs, campaign))
    match step:
        case MakeBase():
            _create_base(tx, jobs, campaign, campaign.base)
        case FineTune(revision, parent):
            _create_fine_tune(tx, jobs, campaign, revision, parent)
        case Wait():
            return
        case _:
            assert_never(step)


def create_base_run(tx: Transaction, jobs: Jobs, name: str, base: Base) -> Run:
    """Create a run that makes a base version because an operator asks for it."""
    campaign = _free(tx, jobs, name)
    if base.pretraining is not None and not images.has_usable(tx, name, APART):
        message = f"the pool has fewer than {APART} images to learn from: import images first"
        raise FailedPrecondition("NO_IMAGES", message, campaign=name)
    return _create_base(tx, jobs, campaign, base)


def create_fine_tune_run(tx: Transaction, jobs: Jobs, name: str) -> Run:
    """Create a run on every label set so far because an operator asks for it."""
    campaign = _free(tx, jobs, name)
    base = next(iter(models.newest(tx, name, base=True)), None)
    if base is None:
        message = "there is no base version to train from: create a base run first"
        raise FailedPrecondition("NO_BASE_VERSION", message, campaign=name)
    if not campaign.applied_revision:
        raise FailedPrecondition("NO_LABELS", "nothing is labelled yet", campaign=name)
    return _create_fine_tune(tx, jobs, campaign, campaign.applied_revision, base.version)


def _free(tx: Transaction, jobs: Jobs, name: str) -> Campaign:
    campaign = campaigns.get(tx, name, lock=True)
    live = situation.live_run(tx, jobs, name)
    if live is not None:
        run = live.payload["version"]
        message = f"run {run} has not ended, and a campaign has one at a time: wait for it, or cancel it"
        raise FailedPrecondition("RUN_NOT_ENDED", message, run=str(run))
    return campaign


def _create_base(tx: Transaction, jobs: Jobs, campaign: Campaign, base: Base) -> Run:
    version = campaigns.allocate(tx, campaign.id)
    return runs.add(tx, Run(campaign.id, version, _enqueue(tx, jobs, campaign, BASE, version), BASE, base))


def _create_fine_tune(tx: Transaction, jobs: Jobs, campaign: Campaign, revision: int, parent: int) -> Run:
    version = campaigns.allocate(tx, campaign.id)
    job = _enqueue(tx, jobs, campaign, FINE_TUNE, version)
    campaigns.update(tx, campaign.id, covered_revision=revision)
    run = Run(
        campaign=campaign.id,
        version=version,
        job=job,
        kind=FINE_TUNE,
        # Decided here, so that every attempt does the same, whatever becomes of the strategy meanwhile.
        training=replace(campaign.training, loss_head=campaign.needs_losses),
        label_revision=revision,
        parent=parent,
    )
    return runs.add(tx, run)


def _enqueue(tx: Transaction, jobs: Jobs, campaign: Campaign, kind: str, version: int) -> str:
    return jobs.enqueue(tx, kind, campaign.id, {"version": version}, max_attempts=ATTEMPTS)
