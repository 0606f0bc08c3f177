"""The jobs of a campaign that have not ended: for whoever asks what a campaign waits for."""

from collections.abc import Sequence

import sqlalchemy as sa

from aloft.kit.database import Transaction
from aloft.kit.jobs.job import Job
from aloft.kit.jobs.table import JOBS, LIVE, to_job


def live_jobs(tx: Transaction, campaign: str) -> Sequence[Job]:
    """Read them, the oldest first."""
    wanted = sa.select(JOBS).where(LIVE, JOBS.c.campaign == campaign).order_by(JOBS.c.number)
    return [to_job(row) for row in tx.execute(wanted).mappings()]
