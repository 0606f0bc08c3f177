"""The serving agent: makes what this pod serves what the trainer desires, and says so."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from aloft.kit.clock import SECOND, Clock
from aloft.kit.errors import AloftError, Unavailable
from aloft.kit.objects.port import Objects
from aloft.serving import metrics
from aloft.serving.bringing import bring
from aloft.serving.desired import Desired, Report, State, Trainer
from aloft.serving.generations import Generations
from aloft.serving.port import Registered, Serving
from aloft.serving.reporting import Reporting
from aloft.serving.tidying import Tidying
from aloft.serving.troubles import Trouble, Troubles

log = logging.getLogger(__name__)

_UNTOLD = "the trainer has not said yet what is to be served"


class ServingAgent:
    """A step asks what is desired and works on each campaign that is not there yet, apart from the others."""

    name = "serving-agent"

    def __init__(
        self,
        trainer: Trainer,
        objects: Objects,
        serving: Serving,
        generations: Generations,
        tidying: Tidying,
        clock: Clock,
        *,
        poll_s: float = 2.0,
        backoff_s: tuple[float, float] = (2.0, 120.0),
    ) -> None:
        self._trainer = trainer
        self._objects = objects
        self._serving = serving
        self._generations = generations
        self._tidying = tidying
        self._clock = clock
        self._poll_s = poll_s
        self._reporting = Reporting(trainer, clock)
        self._troubles = Troubles(clock, backoff_s)
        self._desired: Sequence[Desired] | None = None
        self._waiting = _UNTOLD
        self._cleared = False
        self._next_us = 0

    def problem(self) -> str:
        """Say why this pod is not ready; "" if it is. See docs/decisions/serving-agent.md."""
        return self._waiting

    def step(self) -> bool:
        """Ask, and do what there is to do."""
        if self._clock.now() < self._next_us:
            return False
        self._next_us = self._clock.now() + round(self._poll_s * SECOND)
        if not self._cleared:
            self._serving.clear()
            self._cleared = True
        wanted = self._ask()
        if wanted is not None:
            unready = [desired.campaign for desired in wanted if not self._attend(desired)]
            self._waiting = f"nothing is served yet of {', '.join(unready)}" if unready else ""
        return False

    def _ask(self) -> Sequence[Desired] | None:
        try:
            self._desired = self._trainer.desired()
        except AloftError as refused:
            # Whatever it answers: a server that is wiped meanwhile still gets back what was last desired.
            why = f"{refused.reason}: {refused}"
            not_up_yet = self._desired is None and isinstance(refused, Unavailable)
            log.log(
                logging.INFO if not_up_yet else logging.WARNING,
                "the trainer does not say what is desired, so it stays as it was: %s",
                why,
            )
            if self._desired is None:
                self._waiting = f"{_UNTOLD}: {why}"
        for desired in self._desired or ():
            metrics.DESIRED.labels(desired.campaign).set(desired.generation)
        return self._desired

    def _attend(self, desired: Desired) -> bool:
        """Work on one campaign; False if the pod is not ready for want of it."""
        registered: Sequence[Registered] | None = None
        standing: list[Registered] = []
        try:
            registered = self._serving.registered()
            self._tidying.note(registered)
            standing += _of(desired, registered)
            if not self._served(desired, standing):
                resting = self._troubles.of(desired) if self._troubles.resting(desired) else None
                if resting is not None:
                    return self._unserved(resting, standing)
                self._bring(desired, standing, registered)
                standing[:] = _of(desired, self._serving.registered())
            self._tidying.tidy(standing)
        except AloftError as error:
            log.warning("version %d of %s is not served: %s", desired.version, desired.campaign, error)
            # A server that does not answer is asked again at every poll: that costs nothing.
            trouble = self._troubles.note(desired, error, rest=registered is not None)
            return self._unserved(trouble, standing)
        except Exception as error:
            # Whatever it is, another campaign must not wait for this one.
            log.exception("version %d of %s is not served", desired.version, desired.campaign)
            return self._unserved(self._troubles.note(desired, error), standing)
        self._troubles.over(desired.campaign)
        self._reporting.say(_report(desired, standing, State.SERVED))
        return True

    def _served(self, desired: Desired, standing: Sequence[Registered]) -> bool:
        self._generations.check(desired)
        ours = (desired.version, desired.digest, True, True)
        there = any((one.version, one.digest, one.default, one.ready) == ours for one in standing)
        return there and self._generations.known(desired.campaign) == desired.generation

    def _bring(
        self, desired: Desired, standing: Sequence[Registered], registered: Sequence[Registered]
    ) -> None:
        if self._troubles.of(desired) is None:
            self._reporting.say(_report(desired, standing, State.PENDING))
        if not any(one.version == desired.version for one in standing):
            self._tidying.make_room(registered)
        with metrics.SECONDS.time():
            bring(self._serving, self._objects, self._generations, desired, standing)
        log.info("version %d of %s is served", desired.version, desired.campaign)

    def _unserved(self, trouble: Trouble, standing: Sequence[Registered]) -> bool:
        said = _report(trouble.desired, standing, State.UNSERVED)
        self._reporting.say(replace(said, error=trouble.error))
        return trouble.final or bool(said.digest)


def _of(desired: Desired, registered: Sequence[Registered]) -> list[Registered]:
    return [one for one in registered if one.campaign == desired.campaign]


def _report(desired: Desired, standing: Sequence[Registered], state: State) -> Report:
    answering = next((one.digest for one in standing if one.default), "")
    return Report(desired.campaign, desired.version, desired.generation, answering, state)
