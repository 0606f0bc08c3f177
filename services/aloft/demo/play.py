"""The demonstration itself: a pool is drawn, services run, a vendor labels until the budgets are spent."""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from aloft.api.trainer.v1.trainer_service_pb2 import Model
from aloft.api.trainer.v1.trainer_service_pb2_grpc import TrainerServiceStub
from aloft.demo.asking import Asking, held_out
from aloft.demo.children import DemoFailed
from aloft.demo.ending import read_arm
from aloft.demo.outcome import Outcome
from aloft.demo.pages import models
from aloft.demo.plan import ACTIVE, MANIFEST, RANDOM, Arm, Plan, Rooms
from aloft.demo.pool import DrawnPool, draw_pool
from aloft.demo.screen import Screen
from aloft.demo.setting_up import Administrator, wanted
from aloft.demo.stage import Stage
from aloft.demo.steps import SERVED, Reached, Step, advance, reached_by, steps_of
from aloft.demo.watch import Seen, Watch

LOOK_S = 1.5
"""Between two looks: answering them takes the interpreter from the training in the same process."""
STALLED_S = 120.0
"""How long nothing may change before it is given up."""


class Play:
    """One run on a stage."""

    def __init__(
        self, plan: Plan, rooms: Rooms, stage: Stage, screen: Screen, clock: Callable[[], float]
    ) -> None:
        self._plan = plan
        self._rooms = rooms
        self._stage = stage
        self._screen = screen
        self._clock = clock
        self._steps = steps_of(plan, served=stage.system.serving is not None)
        self._asking: Asking | None = None
        self._looks: dict[str, Seen] = {}
        self._watches: dict[str, Watch] = {}
        self._changed = 0.0

    def run(self) -> Outcome:
        """Run it to its end."""
        self._show(started=False)
        self._stage.start_services()
        # Drawn while the services start.
        drawn = self._draw()
        self._stage.system.take_in(self._rooms.pool)
        self._stage.wait_until_ready()
        key = self._stage.bootstrap()
        administrator = Administrator(self._stage.channel("label-store", key), self._pause)
        active, random = self._plan.arms
        self._changed = self._clock()
        self._watch(ACTIVE, key, active.name)
        administrator.begin(active, wanted(self._plan, active))
        self._follow(lambda: self._looks[ACTIVE].base_version > 0)
        administrator.begin(random, wanted(self._plan, random, self._weights(key)))
        self._watch(RANDOM, key, random.name)
        self._stage.start_vendors(administrator.vendor_key((active, random)), (active, random))
        self._follow(lambda: all(step.over for step in self._rounds()) and self._stopped())
        self._answered(key, drawn)
        return self._outcome(key, drawn)

    def _answered(self, key: str, drawn: DrawnPool) -> None:
        """Wait until the model server, where anybody can ask one, answers with what each arm ended with."""
        server = self._stage.system.serving
        if server is not None:
            image = held_out(self._plan, self._rooms.pool, drawn)
            wanted = {arm.campaign: self._versions(key, arm)[-1] for arm in self._plan.arms}
            self._asking = Asking(server, image, wanted)
            self._changed = self._clock()
            self._follow(self._asking.step)
            self._show(started=True)

    def _outcome(self, key: str, drawn: DrawnPool) -> Outcome:
        served = self._asking.served if self._asking else {}
        active, random = (
            replace(
                read_arm(lambda service: self._stage.channel(service, key), arm),
                served=served.get(arm.campaign),
            )
            for arm in self._plan.arms
        )
        stages = {
            step.name: step.ended - step.begun
            for step in self._steps
            if step.name not in (ACTIVE, RANDOM) and step.ended is not None and step.begun is not None
        }
        return Outcome(
            self._plan,
            active,
            random,
            drawn.labels,
            self._clock(),
            stages,
            self._stage.peak_mb(),
            self._stage.system.ran_on,
        )

    def _draw(self) -> DrawnPool:
        return draw_pool(
            self._rooms.pool,
            self._rooms.truth,
            count=self._plan.images,
            test=self._plan.test,
            size=self._plan.size,
            bands=self._plan.bands,
            seed=self._plan.seed,
            manifest=MANIFEST,
            pause=self._stage.check,
        )

    def _weights(self, key: str) -> str:
        """Say where the weights lie that the active campaign learned from the pool."""
        base = next(model for model in self._versions(key, self._plan.arms[0]) if model.base)
        return base.artefact_key

    def _versions(self, key: str, arm: Arm) -> list[Model]:
        stub = TrainerServiceStub(self._stage.channel("trainer", key))
        return sorted(models(stub, arm.name), key=lambda model: model.version)

    def _watch(self, arm: str, key: str, name: str) -> None:
        self._watches[arm] = Watch(lambda service: self._stage.channel(service, key), name)

    def _follow(self, over: Callable[[], bool]) -> None:
        self._pause()
        while not over():
            self._pause()

    def _rounds(self) -> list[Step]:
        return [step for step in self._steps if step.name in (ACTIVE, RANDOM)]

    def _stopped(self) -> bool:
        return all(seen.stopped for seen in self._looks.values())

    def _pause(self) -> None:
        """Look at every campaign, show it, and wait a moment."""
        self._stage.check()
        if self._watches:
            looks = {arm: watch.look() for arm, watch in self._watches.items()}
            if looks != self._looks:
                self._looks, self._changed = looks, self._clock()
            self._show(started=True)
            for arm, seen in looks.items():
                if seen.failed:
                    raise DemoFailed(f"a run of the campaign {arm} failed: {seen.failed}")
            if self._clock() - self._changed > STALLED_S:
                raise DemoFailed(f"nothing has changed for {STALLED_S:.0f} s{self._waiting(looks)}")
        time.sleep(LOOK_S)

    def _show(self, *, started: bool) -> None:
        now = self._clock()
        if started:
            active, random = (self._looks.get(arm, Seen()) for arm in (ACTIVE, RANDOM))
            answered = len(self._asking.served) if self._asking else 0
            reached = {**reached_by(self._plan, active, random), SERVED: Reached(answered)}
            self._steps = advance(self._steps, reached, now)
        else:
            self._steps = advance(self._steps, {}, now)
        self._screen.show(self._steps, self._looks, now)

    def _waiting(self, looks: Mapping[str, Seen]) -> str:
        said = "".join(
            f"; of {arm}, {service} waits for {what}"
            for arm, seen in looks.items()
            for service, what in seen.waiting.items()
            if what
        )
        return f"{said}; {self._asking.waiting}" if self._asking else said
