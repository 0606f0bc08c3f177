"""What runs work with, and one attempt at a run."""

import logging
import re
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

from aloft.kit.database import Transaction
from aloft.kit.database.database import Transactions
from aloft.kit.errors import NotFound
from aloft.kit.jobs import Jobs, Lease
from aloft.kit.objects.port import Objects
from aloft.trainer.domain.campaign import Campaign
from aloft.trainer.domain.runs import Run
from aloft.trainer.store import campaigns, runs

log = logging.getLogger(__name__)

_OF_RUN = re.compile(r"run-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
"""The name of a run's folder of decoded images, by its job: nothing else in there is ours to remove."""


@dataclass(frozen=True, slots=True)
class Options:
    """How runs work on this machine. None of it changes what they make, but the device and its threads."""

    cache_dir: Path
    """Where decoded images lie while a run is at work."""
    device: str = "auto"
    torch_threads: int = 0
    pretraining_threads: int = 0
    reader_threads: int = 8
    max_image_bytes: int = 256 * 1024 * 1024
    checkpoint_every_s: float = 30.0
    beat_s: float = 2.0
    """How often a run says how far it is, and learns that it is cancelled."""


@dataclass(frozen=True, slots=True)
class Means:
    """The ports and options of all runs."""

    database: Transactions
    objects: Objects
    """The aloft bucket."""
    pool: Objects
    jobs: Jobs
    options: Options

    def attempt(self, lease: Lease) -> "Attempt":
        """Read what a run is to do."""
        name, version = lease.job.campaign, int(lease.job.payload["version"])
        with self.database.read() as tx:
            campaign, run = campaigns.find(tx, name), runs.find(tx, name, version)
        if campaign is None or run is None:
            raise LookupError(f"the job of campaigns/{name}/runs/{version} has no run")
        return Attempt(self, lease, campaign, run, Beat(lease, self.options.beat_s))

    def folder(self, run: Run) -> Path:
        """Say where the decoded images of a run lie: the next attempt on this machine finds them there."""
        return self.options.cache_dir / f"run-{run.job}"

    def forget_files(self, run: Run) -> None:
        """Remove what attempts at a run left in the bucket and on this machine for the next one."""
        prefix = checkpoint_prefix(run)
        self.objects.delete([found.key for found in self.objects.list(prefix)])
        shutil.rmtree(self.folder(run), ignore_errors=True)


class Leftovers:
    """A step that removes, once, what runs left on this machine that another one has ended meanwhile."""

    name = "leftovers"

    def __init__(self, means: Means) -> None:
        self._means = means
        self._over = False

    def step(self) -> bool:
        """Remove the decoded images of runs that will not be resumed."""
        if not self._over:
            self._remove()
            self._over = True
        return False

    def _remove(self) -> None:
        # Listed before the database is asked, so that each of a live job has its row by then.
        folders = [each for each in self._means.options.cache_dir.glob("*") if _of_run(each)]
        if not folders:
            return
        with self._means.database.read() as tx:
            done = [each for each in folders if not self._lives(tx, each.name.removeprefix("run-"))]
        for folder in done:
            log.info("%s is removed: its run has ended", folder)
            shutil.rmtree(folder, ignore_errors=True)

    def _lives(self, tx: Transaction, job: str) -> bool:
        try:
            return not self._means.jobs.get(tx, job).state.ended
        except NotFound:
            return False


def _of_run(path: Path) -> bool:
    return _OF_RUN.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink()


@dataclass(slots=True)
class Beat:
    """Tells how far an attempt is, not more often than is of use. Raises `Cancelled` or `LeaseLost`."""

    lease: Lease
    every_s: float
    _stage: str = ""
    _told: float = field(default=0.0)

    def __call__(self, done: int, total: int, stage: str) -> None:
        """Take note that `done` of `total` are behind."""
        now = time.monotonic()
        if stage == self._stage and done < total and now - self._told < self.every_s:
            return
        self.lease.heartbeat(done=done, total=total, stage=stage)
        self._stage, self._told = stage, now


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a run."""

    means: Means
    lease: Lease
    campaign: Campaign
    run: Run
    beat: Beat


def checkpoint_prefix(run: Run) -> str:
    """Say under what the checkpoints of a run lie."""
    return f"campaigns/{run.campaign}/models/{run.version}/checkpoints/"
