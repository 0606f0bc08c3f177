"""Whatever fails, crashes or repeats, in any order: each key's effects happen once and in order."""

from contextlib import suppress
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from sqlalchemy import text

from aloft.kit.bus import Context, Delivery, NotYet, Poison, redrive
from aloft.kit.bus.topics import LABELS_COMMITTED
from aloft.kit.clock import ManualClock
from aloft.kit.database import Database
from tests.contract.events import Crash, Loopback, loopback

KEYS = ["c1", "c2", "c3"]
FAULTS = {"error": RuntimeError, "not yet": NotYet, "crash": Crash}


class Lanes(RuleBasedStateMachine):
    """One service, its database and its bus; every step and every fault is a rule."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory()
        self.database = Database(f"sqlite:///{self._folder.name}/a.db", schema="lanes", clock=ManualClock())
        self._opened = loopback(self.database, ":memory:")
        self.loop: Loopback = self._opened.__enter__()
        self.loop.refuse = self.refuse
        self.announced = dict.fromkeys(KEYS, 0)
        self.faults: dict[str, BaseException] = {}
        self.poisonous: set[tuple[str, int]] = set()

    def refuse(self, key: str, number: int, context: Context) -> None:
        if (key, number) in self.poisonous:
            raise Poison(f"{key}/{number}")
        if key in self.faults:
            raise self.faults[key]

    @rule(key=st.sampled_from(KEYS), count=st.integers(1, 4), poison=st.booleans())
    def announce(self, key: str, count: int, poison: bool) -> None:
        first = self.announced[key]
        if poison:
            self.poisonous.add((key, first))
        self.loop.announce(key, *range(first, first + count))
        self.announced[key] += count

    @rule(key=st.sampled_from(KEYS), kind=st.sampled_from(sorted(FAULTS)))
    def begin_to_fail(self, key: str, kind: str) -> None:
        self.faults[key] = FAULTS[kind]("injected")

    @rule(key=st.sampled_from(KEYS))
    def stop_failing(self, key: str) -> None:
        self.faults.pop(key, None)

    @rule()
    def relay(self) -> None:
        self.loop.relay.step()

    @rule()
    def relay_and_die_before_the_marks(self) -> None:
        rows = self.loop.rows("SELECT id, published_us FROM outbox")
        self.loop.relay.step()
        with self.database.transaction() as tx:
            for row in rows:
                if row.published_us is None:
                    tx.execute(text("UPDATE outbox SET published_us = NULL WHERE id = :id"), {"id": row.id})

    @rule()
    def receive(self) -> None:
        self.loop.receiver.step()

    @rule()
    def receive_and_die_before_the_offset(self) -> None:
        def dies(_deliveries: list[Delivery]) -> None:
            raise Crash

        self.loop.subscription.commit = dies  # type: ignore[method-assign, assignment]
        with suppress(Crash):
            self.loop.receiver.step()
        self.loop.rejoin()

    @rule()
    def work(self) -> None:
        try:
            self.loop.worker.step()
        except Crash:
            self.loop.rejoin()

    @rule(seconds=st.sampled_from([0.001, 0.6, 90]))
    def wait(self, seconds: float) -> None:
        self.database.advance(seconds)

    @precondition(lambda self: self.poisonous)
    @rule()
    def redrive_what_is_still_poison(self) -> None:
        with self.database.transaction() as tx:
            redrive(tx, topic=LABELS_COMMITTED.name)

    @invariant()
    def effects_are_a_prefix_without_the_poison(self) -> None:
        for key in KEYS:
            expected = [n for n in range(self.announced[key]) if (key, n) not in self.poisonous]
            got = self.loop.effects(key)
            assert got == expected[: len(got)], f"{key}: {got} is no beginning of {expected}"

    def teardown(self) -> None:
        """Faults end: everything announced takes effect, and what is poison is among the dead."""
        self.faults.clear()
        for _ in range(3):
            self.database.advance(90)
            self.loop.settle()
        for key in KEYS:
            expected = [n for n in range(self.announced[key]) if (key, n) not in self.poisonous]
            assert self.loop.effects(key) == expected, f"{key} did not catch up after the faults ended"
        dead: list[Any] = list(self.loop.rows("SELECT event FROM inbox WHERE state = 'dead'"))
        assert len(dead) == len(self.poisonous)
        self._opened.__exit__(None, None, None)
        self.database.close()
        self._folder.cleanup()


Lanes.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
test_effects_happen_once_and_in_order = Lanes.TestCase
