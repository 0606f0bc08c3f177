"""The queue of the embedding jobs: one job of a campaign at work at a time, and no campaign for ever."""

from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.jobs import Jobs, Lease, State
from aloft.kit.jobs.live import live_jobs

EMBED = "embed"
"""The kind of this job."""

ATTEMPTS = 1_000_000
"""A store may be away for days and the pool must still be embedded after: no number of failures is final."""


def enqueue(jobs: Jobs, tx: Transaction, campaign: str, delay_s: float = 0.0) -> None:
    """Queue the job, or join one that has not begun."""
    jobs.enqueue(tx, EMBED, campaign, {}, dedupe=EMBED, delay_s=delay_s, max_attempts=ATTEMPTS)


def another_at_work(database: Transactions, jobs: Jobs, lease: Lease) -> str | None:
    """Find a job of the campaign that is at work; take over from those that failed and wait."""
    with database.read() as tx:
        live = [job for job in live_jobs(tx, lease.job.campaign) if job.kind == EMBED]
        now = tx.now()
    for job in live:
        at_work = job.state is State.RUNNING and (job.lease_until_us or 0) > now
        if at_work and job.id != lease.job.id:
            return job.id
    # This job does all that they would. Left to themselves, those of a campaign that fails would grow in
    # number with its events, and the jobs of other campaigns would stand behind them.
    if failed := [job.id for job in live if job.state is State.QUEUED and job.attempts]:
        with lease.transaction() as tx:
            for each in failed:
                jobs.cancel(tx, each)
    return None


def another_campaign_waits(database: Transactions, jobs: Jobs, lease: Lease) -> bool:
    """Say whether a job of another campaign is due and has no worker."""
    with database.read() as tx:
        queued = jobs.list(tx, kinds=(EMBED,), states=(State.QUEUED,))
        now = tx.now()
    return any(job.campaign != lease.job.campaign and job.not_before_us <= now for job in queued)
