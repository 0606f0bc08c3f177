"""What follows when an attempt finds that its run can never succeed."""

from collections.abc import Iterator
from contextlib import contextmanager

from aloft.kit.errors import FailedPrecondition
from aloft.trainer.use_cases.follow_up import AGAIN_S, follow_up
from aloft.trainer.use_cases.means import Attempt


@contextmanager
def may_end_for_good(attempt: Attempt) -> Iterator[None]:
    """See to what follows a run that fails for good, which is what `FailedPrecondition` says here.

    It fails for good too where this attempt is its last, however it ends: by a lost worker nobody could say.
    """
    job = attempt.lease.job
    if job.attempts >= job.max_attempts:
        _queue(attempt, delay_s=AGAIN_S)
    try:
        yield
    except FailedPrecondition:
        _queue(attempt)
        raise


def _queue(attempt: Attempt, delay_s: float = 0.0) -> None:
    with attempt.lease.transaction() as tx:
        follow_up(tx, attempt.means.jobs, attempt.run, delay_s=delay_s)
