"""Long work as rows: queued, leased to one worker, fenced by an epoch, resumable, cancellable.

A worker that lost its lease can write nothing that counts: every write goes through `Lease.transaction`,
which checks the epoch in the same transaction.
"""

from aloft.kit.jobs.job import Cancelled, Job, LeaseLost, Progress, State
from aloft.kit.jobs.jobs import Jobs
from aloft.kit.jobs.lease import Lease
from aloft.kit.jobs.worker import Handler, JobWorker

__all__ = ["Cancelled", "Handler", "Job", "JobWorker", "Jobs", "Lease", "LeaseLost", "Progress", "State"]
