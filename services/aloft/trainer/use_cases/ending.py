"""What follows when an attempt finds that its run can never succeed."""

from collections.abc import Iterator
from contextlib import contextmanager

from aloft.kit.errors import FailedPrecondition
from aloft.trainer.use_cases.follow_up import follow_up
from aloft.trainer.use_cases.means import Attempt


@contextmanager
def may_end_for_good(attempt: Attempt) -> Iterator[None]:
    """See to what follows a run that fails for good, which is what `FailedPrecondition` says here."""
    try:
        yield
    except FailedPrecondition:
        with attempt.lease.transaction() as tx:
            follow_up(tx, attempt.means.jobs, attempt.run)
        raise
