"""Reads all that decides what a campaign's training does next."""

from aloft.kit.database import Transaction
from aloft.kit.jobs import Job, Jobs, State
from aloft.trainer.domain.campaign import APART, Campaign
from aloft.trainer.domain.due import Situation
from aloft.trainer.domain.runs import BASE, FINE_TUNE
from aloft.trainer.store import images, models, runs

KINDS = (BASE, FINE_TUNE)
"""The kinds of jobs that are runs."""


def read(tx: Transaction, jobs: Jobs, campaign: Campaign) -> Situation:
    """Read it in one transaction, the campaign's row locked where something is to follow."""
    live = live_run(tx, jobs, campaign.id)
    base = next(iter(models.newest(tx, campaign.id, base=True)), None)
    from_images = campaign.base.pretraining is not None
    return Situation(
        state=campaign.state,
        from_images=from_images,
        # Asked only where the answer counts: a pool may be large, and few campaigns are without a version.
        images=base is None and from_images and images.has_usable(tx, campaign.id, APART),
        newest_run=campaign.newest_version or None,
        live_run=None if live is None else int(live.payload["version"]),
        base=None if base is None else base.version,
        wanted_revision=campaign.wanted_revision,
        applied_revision=campaign.applied_revision,
        covered_revision=campaign.covered_revision,
        evaluation_open=campaign.evaluation_images > 0 and not campaign.evaluation_closed,
        losses_lacking=campaign.needs_losses and _learned_no_losses(tx, campaign.id),
    )


def _learned_no_losses(tx: Transaction, campaign: str) -> bool:
    last = next(iter(runs.newest(tx, campaign, kind=FINE_TUNE)), None)
    return last is not None and last.training is not None and not last.training.loss_head


def live_run(tx: Transaction, jobs: Jobs, campaign: str) -> Job | None:
    """Read the job of the run that is queued or at work."""
    states = (State.QUEUED, State.RUNNING)
    return next(iter(jobs.list(tx, campaign=campaign, kinds=KINDS, states=states, limit=1)), None)
