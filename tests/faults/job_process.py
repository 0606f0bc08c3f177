"""A worker process to kill and freeze: `python -m tests.faults.job_process URL SCHEMA NAME`."""

import hashlib
import os
import sys

from sqlalchemy import text

from aloft.kit.database import Database
from aloft.kit.jobs import Jobs, JobWorker, Lease, LeaseLost

KIND = "count"
LEASE_S = 60.0
STAGES = 3


def main(url: str, schema: str, name: str) -> None:
    """Do jobs until the test that started this process is gone."""
    database = Database(url, schema=schema, pool_size=2)

    def handler(lease: Lease) -> None:
        about = {"job": lease.job.id, "epoch": lease.job.epoch}
        try:
            for stage in range(STAGES):
                compute(f"{lease.job.id}/{stage}")
                with lease.transaction() as tx:
                    tx.execute(
                        text("INSERT INTO steps VALUES (:job, :epoch, :stage)"), {**about, "stage": stage}
                    )
                lease.heartbeat(done=stage + 1, total=STAGES)
            compute(lease.job.id)
            with lease.finish() as tx:
                tx.execute(text("INSERT INTO effects VALUES (:job, :epoch)"), about)
        except LeaseLost:
            with database.transaction() as tx:
                tx.execute(text("INSERT INTO refusals VALUES (:job, :epoch)"), about)
            raise

    worker = JobWorker(Jobs(database), {KIND: handler}, name, LEASE_S)
    parent = os.getppid()
    while os.getppid() == parent:
        if not worker.step():
            database.wake("jobs").wait(0.02)


def compute(about: str) -> None:
    """Work for some milliseconds outside any transaction, where most of a job's time is spent."""
    hashlib.pbkdf2_hmac("sha256", about.encode(), b"", 5_000)


if __name__ == "__main__":
    main(*sys.argv[1:])
