"""Which versions of the past still answer, and which make room."""

from collections.abc import Sequence

from aloft.kit.clock import SECOND, Clock
from aloft.kit.errors import FailedPrecondition
from aloft.serving import metrics
from aloft.serving.port import Registered, Serving


class Tidying:
    """Keeps the last versions of each campaign, and the workers of all of them under a cap."""

    def __init__(
        self, serving: Serving, clock: Clock, *, keep: int, max_workers: int, drain_s: float
    ) -> None:
        self._serving = serving
        self._clock = clock
        self._keep = keep
        self._max_workers = max_workers
        self._drain_s = drain_s
        self._passed: dict[tuple[str, int], int] = {}

    def note(self, registered: Sequence[Registered]) -> None:
        """Note since when each version is no default any more."""
        metrics.WORKERS.set(sum(one.workers for one in registered))
        now = self._clock.now()
        behind = {(one.campaign, one.version) for one in registered if not one.default}
        self._passed = {key: self._passed.get(key, now) for key in behind}

    def tidy(self, versions: Sequence[Registered]) -> None:
        """Unregister what of a campaign is older than the versions that are kept, once it has drained."""
        behind = sorted((one for one in versions if not one.default), key=lambda one: -one.version)
        for one in behind[max(0, self._keep - 1) :]:
            if self._drained(one):
                self._serving.unregister(one.campaign, one.version)

    def make_room(self, registered: Sequence[Registered]) -> None:
        """See to it that one more version may be loaded: what is no default gives way."""
        more = self._serving.workers_per_version
        held = sum(one.workers for one in registered)
        spare = sorted(
            (one for one in registered if not one.default and self._drained(one)),
            key=lambda one: self._passed[(one.campaign, one.version)],
        )
        while held + more > self._max_workers and spare:
            going = spare.pop(0)
            self._serving.unregister(going.campaign, going.version)
            held -= going.workers
        if held + more > self._max_workers:
            raise FailedPrecondition(
                "WORKERS_CAPPED",
                f"{held} workers are at work, {more} more are needed and {self._max_workers} are allowed:"
                " raise the cap, or serve fewer campaigns here",
            )

    def _drained(self, one: Registered) -> bool:
        since = self._passed.get((one.campaign, one.version))
        return since is not None and self._clock.now() - since >= self._drain_s * SECOND
