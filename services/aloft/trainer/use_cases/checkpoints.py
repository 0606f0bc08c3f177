"""Keeps the last checkpoint of a run, so that no attempt overwrites what a newer one wrote."""

from aloft.kit.objects.errors import ObjectMissing
from aloft.trainer.store import runs
from aloft.trainer.use_cases.means import Attempt, checkpoint_prefix


class RunCheckpoints:
    """An object for each checkpoint, named for its attempt; the run's row says which one counts."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt
        self._current = attempt.run.checkpoint_key
        self._saved = 0

    def load(self) -> bytes | None:
        """Give the last one kept, or none."""
        if not self._current:
            return None
        try:
            return self._attempt.means.objects.get(self._current)
        except ObjectMissing:
            # Somebody cleared the bucket: training begins again, which costs time and changes nothing.
            return None

    def save(self, data: bytes) -> None:
        """Keep this one in its place, or raise `LeaseLost`."""
        run, lease, objects = self._attempt.run, self._attempt.lease, self._attempt.means.objects
        self._saved += 1
        key = f"{checkpoint_prefix(run)}{lease.job.epoch}-{self._saved}"
        objects.put(key, data)
        with lease.transaction() as tx:
            runs.update(tx, run.campaign, run.version, checkpoint_key=key)
        before, self._current = self._current, key
        if before:
            objects.delete([before])
