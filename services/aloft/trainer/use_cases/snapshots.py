"""Pins the images that a run learns from: the first attempt writes them down, every later one reads that."""

from dataclasses import replace

from aloft.kit.errors import FailedPrecondition
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.errors import ObjectMissing
from aloft.trainer.domain.runs import FINE_TUNE, Run
from aloft.trainer.domain.snapshot import Snapshot
from aloft.trainer.store import images, label_sets, runs
from aloft.trainer.use_cases.artefacts import put_snapshot
from aloft.trainer.use_cases.means import Attempt


def pinned(attempt: Attempt) -> tuple[Attempt, Snapshot]:
    """Give the run's snapshot, taken now if this is the first attempt that comes so far."""
    run = attempt.run
    if run.snapshot_key:
        return attempt, _read(attempt, run)
    snapshot = _take(attempt)
    key, digest = put_snapshot(attempt.means.objects, run, snapshot)
    with attempt.lease.transaction() as tx:
        runs.update(tx, run.campaign, run.version, snapshot_key=key, snapshot_digest=digest)
    return replace(attempt, run=replace(run, snapshot_key=key, snapshot_digest=digest)), snapshot


def _take(attempt: Attempt) -> Snapshot:
    campaign, run = attempt.campaign, attempt.run
    with attempt.means.database.read() as tx:
        if run.kind == FINE_TUNE:
            items, quarantined = label_sets.as_of(tx, campaign.id, run.label_revision)
        else:
            items, quarantined = list(images.pool(tx, campaign.id)), images.count_quarantined(tx, campaign.id)
    return Snapshot(campaign.id, run.label_revision, campaign.labels, quarantined, tuple(items))


def _read(attempt: Attempt, run: Run) -> Snapshot:
    try:
        data = attempt.means.objects.get(run.snapshot_key)
    except ObjectMissing as error:
        raise FailedPrecondition("SNAPSHOT_MISSING", f"{run.snapshot_key} is gone: create a run") from error
    if sha256_hex(data) != run.snapshot_digest:
        raise FailedPrecondition("SNAPSHOT_CHANGED", f"{run.snapshot_key} is not what the run wrote there")
    return Snapshot.from_bytes(data)
