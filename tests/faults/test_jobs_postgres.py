"""Workers that are killed and frozen at any moment on a real PostgreSQL: each job has its effect once."""

import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text

from aloft.kit.database import Database, migrate
from aloft.kit.jobs import Jobs
from tests.contract.databases import Place, place
from tests.faults.job_process import KIND, LEASE_S

WORKERS = 8
JOBS = 500
KILLS = 12
STALLS = 24
DEADLINE_S = 90.0

log = logging.getLogger(__name__)


class Crew:
    """Eight worker processes; one that is killed is replaced."""

    def __init__(self, home: Place) -> None:
        self._home = home
        self._started = 0
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        for _ in range(WORKERS):
            self.hire()

    def hire(self) -> None:
        name = f"worker-{self._started}"
        self._started += 1
        program = [sys.executable, "-m", "tests.faults.job_process", self._home.url, self._home.schema, name]
        root = Path(__file__).parents[2]
        self.workers[name] = subprocess.Popen(program, cwd=root, stderr=subprocess.DEVNULL)

    def kill(self, name: str) -> None:
        worker = self.workers.pop(name)
        worker.kill()
        worker.wait()

    def freeze(self, name: str) -> None:
        os.kill(self.workers[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.kill(self.workers[name].pid, signal.SIGCONT)


@pytest.fixture
def home(postgres_database: str, tmp_path: Path) -> Iterator[Place]:
    with place(tmp_path, postgres_database) as made:
        yield made


@pytest.fixture
def database(home: Place) -> Database:
    database = home.open()
    migrate(database)
    with database.transaction() as tx:
        tx.execute(text("CREATE TABLE steps (job TEXT, epoch BIGINT, stage INTEGER)"))
        tx.execute(text("CREATE TABLE effects (job TEXT, epoch BIGINT)"))
        tx.execute(text("CREATE TABLE refusals (job TEXT, epoch BIGINT)"))
        for number in range(JOBS):
            Jobs(database).enqueue(tx, KIND, f"campaign-{number % 7}", {}, max_attempts=1000)
    return database


@pytest.fixture
def crew(home: Place, database: Database) -> Iterator[Crew]:
    crew = Crew(home)
    yield crew
    for name in list(crew.workers):
        crew.kill(name)


def ask(database: Database, question: str, **values: object) -> list[tuple[object, ...]]:
    with database.read() as tx:
        return [tuple(row) for row in tx.execute(text(question), values)]


def ended(database: Database) -> int:
    return len(ask(database, "SELECT 1 FROM jobs WHERE state = 'succeeded'"))


def busy(database: Database, crew: Crew) -> list[str]:
    """Name the workers that have a job, so that a blow hits one at work."""
    running = ask(database, "SELECT DISTINCT worker FROM jobs WHERE state = 'running' ORDER BY worker")
    return [str(name) for (name,) in running if name in crew.workers]


def went_on(database: Database, crew: Crew, due: int) -> bool:
    return ended(database) >= due and bool(busy(database, crew))


def eventually(happens: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not happens():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S:.0f} s"
        threading.Event().wait(0.01)


def taken_over_or_locked(database: Database, worker: str) -> bool:
    """Whether nobody waits for a frozen worker's job: another has it, or it froze holding the row's lock."""
    with database.transaction() as tx:
        held = text("SELECT 1 FROM jobs WHERE worker = :worker AND state = 'running' FOR UPDATE SKIP LOCKED")
        return tx.execute(held, {"worker": worker}).first() is None


def kill_one(database: Database, crew: Crew, chance: random.Random) -> None:
    crew.kill(chance.choice(busy(database, crew) or list(crew.workers)))
    crew.hire()
    database.advance(LEASE_S + 1)


def freeze_one(database: Database, crew: Crew, chance: random.Random) -> None:
    victim = chance.choice(busy(database, crew) or list(crew.workers))
    crew.freeze(victim)
    database.advance(LEASE_S + 1)
    eventually(lambda: taken_over_or_locked(database, victim), "another takes the frozen worker's job over")
    crew.thaw(victim)


@pytest.mark.timeout(180)
def test_each_job_has_its_effect_once_although_workers_are_killed_and_frozen(
    database: Database, crew: Crew
) -> None:
    chance = random.Random(20)
    blows = [kill_one] * KILLS + [freeze_one] * STALLS
    chance.shuffle(blows)
    for number, strike in enumerate(blows):
        due = JOBS * number // (len(blows) + 2)
        eventually(partial(went_on, database, crew, due), f"{due} jobs end and another is at work")
        strike(database, crew, chance)
    eventually(lambda: ended(database) == JOBS, "all jobs end")

    twice = ask(database, "SELECT job FROM effects GROUP BY job HAVING count(*) <> 1")
    assert twice == [], "a job had its effect more than once"
    assert len(ask(database, "SELECT DISTINCT job FROM effects")) == JOBS, "a job ended without its effect"
    stale = "SELECT e.job FROM effects e JOIN jobs j ON j.id = e.job WHERE j.epoch <> e.epoch"
    assert ask(database, stale) == [], "an effect is not by the worker that held the job last"
    repeated = "SELECT 1 FROM steps GROUP BY job, epoch, stage HAVING count(*) > 1"
    assert ask(database, repeated) == [], "one attempt wrote a step twice"
    refused = len(ask(database, "SELECT 1 FROM refusals"))
    again = len(ask(database, "SELECT 1 FROM jobs WHERE epoch > 1"))
    log.info("%d of %d jobs begun again, %d stale writes refused", again, JOBS, refused)
    assert again >= KILLS, "the blows hit nobody at work"
    assert refused >= 1, "no stale worker tried to write: nobody was frozen at the right moment"
