"""Creates a run: its version, its job and its row in one transaction."""

from aloft.kit.database import Transaction
from aloft.kit.jobs import Jobs
from aloft.trainer.domain import Base, Campaign, Run
from aloft.trainer.store import campaigns, runs

BASE = "base"
"""The kind of job that makes a base version."""

ATTEMPTS = 1_000_000
"""A store may be away for days: only what no retry mends fails a run."""


def create_base_run(tx: Transaction, jobs: Jobs, campaign: str, base: Base) -> Run:
    """Queue a run that makes a base version."""
    version = campaigns.allocate(tx, campaign)
    job = jobs.enqueue(tx, BASE, campaign, {"version": version}, max_attempts=ATTEMPTS)
    return runs.add(tx, campaign, version, job, base)


def begin(tx: Transaction, jobs: Jobs, campaign: Campaign) -> None:
    """Take in a campaign's news; the first time that it runs, queue its base version."""
    if not campaigns.put(tx, campaign) or not campaign.running:
        return
    known = campaigns.find(tx, campaign.id, lock=True)
    # A version that was allocated has a run, whatever became of it: another is an operator's decision.
    if known is not None and known.newest_version == 0:
        create_base_run(tx, jobs, campaign.id, campaign.base)
