"""The job behind each run: clears what its attempts left for one another, and begins what is due next."""

from collections.abc import Mapping
from typing import Any

from aloft.kit.database import Transaction
from aloft.kit.jobs import Jobs, Lease
from aloft.trainer.domain.runs import Run
from aloft.trainer.store import runs
from aloft.trainer.use_cases.create_run import begin_what_is_due
from aloft.trainer.use_cases.means import Means

_ATTEMPTS = 1_000_000
"""What is due next must be begun some time, whatever it takes."""

FOLLOW_UP = "follow_up"
"""The kind of this job."""

AGAIN_S = 1.0
"""How long it waits for a run that was asked to stop and has not yet."""


def follow_up(tx: Transaction, jobs: Jobs, run: Run, *, delay_s: float = 0.0) -> None:
    """Queue it, in the transaction that ends the run or asks for its end."""
    about = {"version": run.version}
    jobs.enqueue(
        tx,
        FOLLOW_UP,
        run.campaign,
        about,
        dedupe=str(run.version),
        delay_s=delay_s,
        max_attempts=_ATTEMPTS,
    )


class FollowUp:
    """Does it. May be begun again after any point."""

    def __init__(self, means: Means) -> None:
        self._means = means

    def __call__(self, lease: Lease) -> Mapping[str, Any] | None:
        """Do the job."""
        campaign, version = lease.job.campaign, int(lease.job.payload["version"])
        with self._means.database.read() as tx:
            run = runs.find(tx, campaign, version)
            if run is None:
                raise LookupError(f"the job behind campaigns/{campaign}/runs/{version} has no run")
            ended = self._means.jobs.get(tx, run.job).state.ended
        if ended and run.keeps_files:
            self._means.forget_files(run)
        with lease.finish() as tx:
            if ended:
                begin_what_is_due(tx, self._means.jobs, campaign)
            else:
                follow_up(tx, self._means.jobs, run, delay_s=AGAIN_S)
        return None
