"""What keeps desired versions from being served, and when each is tried again."""

from collections.abc import Mapping
from dataclasses import dataclass

from aloft.kit.clock import SECOND, Clock
from aloft.kit.errors import AloftError, FailedPrecondition
from aloft.serving import metrics
from aloft.serving.desired import Desired


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why one campaign's desired version is not served."""

    desired: Desired
    error: str
    final: bool
    """Whether it is the version's own fault, or the cap's: waiting for this pod would not mend it."""
    wait_s: float
    again_us: int


class Troubles:
    """The last trouble of each campaign; each wait for the same version is twice the one before."""

    def __init__(self, clock: Clock, backoff_s: tuple[float, float]) -> None:
        self._clock = clock
        self._first_s, self._longest_s = backoff_s
        self._known: dict[str, Trouble] = {}

    @property
    def known(self) -> Mapping[str, Trouble]:
        """The troubles, by campaign."""
        return self._known

    def of(self, desired: Desired) -> Trouble | None:
        """Say what is wrong with exactly this, if anything is."""
        found = self._known.get(desired.campaign)
        return found if found is not None and found.desired == desired else None

    def resting(self, desired: Desired) -> bool:
        """Tell whether it is not yet time to try again."""
        found = self.of(desired)
        return found is not None and self._clock.now() < found.again_us

    def note(self, desired: Desired, error: Exception, *, rest: bool = True) -> Trouble:
        """Take in that an attempt failed, and rest before the next where one is costly."""
        reason = error.reason if isinstance(error, AloftError) else type(error).__name__
        metrics.FAILURES.labels(desired.campaign, reason).inc()
        before = self.of(desired)
        wait_s = min(self._longest_s, max(self._first_s, before.wait_s * 2 if before else 0)) if rest else 0
        final = isinstance(error, FailedPrecondition)
        again_us = self._clock.now() + round(wait_s * SECOND)
        trouble = Trouble(desired, f"{reason}: {error}", final, wait_s, again_us)
        self._known[desired.campaign] = trouble
        return trouble

    def over(self, campaign: str) -> None:
        """Forget a campaign's trouble."""
        self._known.pop(campaign, None)
