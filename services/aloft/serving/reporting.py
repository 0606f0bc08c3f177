"""Tells the trainer what this pod serves: at once what is new, and all of it again now and then."""

import logging

from aloft.kit.clock import SECOND, Clock
from aloft.kit.errors import AloftError
from aloft.serving import metrics
from aloft.serving.desired import Report, State, Trainer

log = logging.getLogger(__name__)

AGAIN_S = 30.0
"""After how long what has not changed is said again: so the trainer knows that the pod is alive."""


class Reporting:
    """Remembers what was said. What the trainer did not take is said again at the next step."""

    def __init__(self, trainer: Trainer, clock: Clock) -> None:
        self._trainer = trainer
        self._clock = clock
        self._said: dict[str, tuple[Report, int]] = {}

    def say(self, report: Report) -> None:
        """Report on one campaign, if there is anything new to say."""
        served = report.state is State.SERVED
        metrics.UNSERVED.labels(report.campaign).set(not served)
        if served or not report.digest:
            metrics.SERVED.labels(report.campaign).set(report.generation if served else 0)
        now = self._clock.now()
        said, at = self._said.get(report.campaign, (None, 0))
        if said == report and now - at < AGAIN_S * SECOND:
            return
        try:
            self._trainer.report(report)
        except AloftError as error:
            log.warning(
                "the trainer did not take a report on %s: %s: %s", report.campaign, error.reason, error
            )
            self._said.pop(report.campaign, None)
            return
        self._said[report.campaign] = (report, now)
