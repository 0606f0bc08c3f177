"""Four services in one process, stepped by hand: every port can fail, time is set forward, no thread runs."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aloft.acquisition import app as acquisition
from aloft.embedding import app as embedding
from aloft.embedding.app import EmbeddingSettings
from aloft.kit.bus.embedded import EmbeddedBus
from aloft.kit.bus.topics import COMPACTED, every_name
from aloft.kit.clock import ManualClock
from aloft.kit.database import Database, migrate
from aloft.kit.errors import AloftError
from aloft.kit.faults import Crash, Faults, wrap
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.signing import UrlSigner
from aloft.kit.rpc.call import Call, Principal, Role
from aloft.kit.service import Ports, Service
from aloft.label_store import app as label_store
from aloft.trainer import app as trainer
from aloft.trainer.app import RunSettings

APPS = {"label_store": label_store, "embedding": embedding, "acquisition": acquisition, "trainer": trainer}


def settings_of(name: str, folder: Path) -> Any:
    """Set a service up: one thread, because a network this small would only wait for its helpers."""
    match name:
        case "embedding":
            return embedding.Settings(embedding=EmbeddingSettings(torch_threads=1, reader_threads=1))
        case "trainer":
            runs = RunSettings(
                torch_threads=1, pretraining_threads=1, reader_threads=1, cache_dir=folder / "cache"
            )
            return trainer.Settings(runs=runs)
        case _:
            return APPS[name].Settings()


ADMIN = Principal("admins/root", Role.ADMIN)


class Stalled(AssertionError):
    """Nothing moves any more, and what was wanted does not hold."""


def templates(folder: Path) -> Path:
    """Migrate one empty database per service and make the topics, once, to copy for each case."""
    folder.mkdir(parents=True)
    for name in APPS:
        database = Database(f"sqlite:///{folder / name}.db", schema=name, clock=ManualClock())
        migrate(database, f"aloft.{name}")
        database.close()
    bus = EmbeddedBus(folder / "bus.db")
    bus.create_topics(every_name(), COMPACTED)
    bus.close()
    return folder


@dataclass
class World:
    """One run. A crashed service is built again over what it left; clients repeat what went unanswered."""

    folder: Path
    template: Path
    faults: Faults = field(default_factory=Faults)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        shutil.copytree(self.template, self.folder, dirs_exist_ok=True)
        (self.folder / "pool").mkdir(exist_ok=True)
        self.errors: list[str] = []
        self.crashes = 0
        self._open: dict[str, tuple[Service, list[Callable[[], None]]]] = {}
        for name in APPS:
            self._build(name)

    def database(self, name: str) -> Database:
        """Open a service's database, unwrapped."""
        return Database(f"sqlite:///{self.folder / name}.db", schema=name, clock=self.clock)

    def _build(self, name: str) -> None:
        while True:
            database = self.database(name)
            bus = EmbeddedBus(self.folder / "bus.db")
            signer = UrlSigner(b"0" * 32, "http://127.0.0.1:1", "aloft", self.clock)
            objects = DirectoryObjects(self.folder / "objects", signer=signer)
            pool = DirectoryObjects(self.folder / "pool", read_only=True)
            ports = Ports(
                database=wrap(database, name, "database", self.faults),
                bus=wrap(bus, name, "bus", self.faults),
                objects=wrap(objects, name, "objects", self.faults),
                pool=wrap(pool, name, "pool", self.faults),
                worker=name,
            )
            closers = [database.close, bus.close]
            try:
                service = APPS[name].build(settings_of(name, self.folder), ports)
            except (Crash, Exception) as failure:  # noqa: BLE001 - any port call of a start may fail
                self._note(failure)
                for close in closers:
                    close()
                continue
            self._open[name] = (service, closers)
            return

    def _note(self, failure: BaseException) -> None:
        self.errors.append(f"{type(failure).__name__}: {failure}")

    def crash(self, name: str, failure: BaseException) -> None:
        """Throw a service away and build it again."""
        self.crashes += 1
        self._note(failure)
        _service, closers = self._open.pop(name)
        for close in closers:
            close()
        self._build(name)

    def step(self) -> bool:
        """Step every loop of every service once; say whether any had work."""
        busy = False
        for name in APPS:
            for number in range(len(self._open[name][0].backgrounds)):
                try:
                    busy |= self._open[name][0].backgrounds[number].step.step()
                except Crash as failure:
                    self.crash(name, failure)
                    busy = True
                except Exception as failure:  # noqa: BLE001 - as the loop of a running service
                    self._note(failure)
                    busy = True
        return busy

    def settle(self) -> None:
        """Step until nothing moves."""
        for _ in range(500):
            if not self.step():
                return
        raise Stalled(f"still busy after 500 rounds; errors so far: {self.errors}")

    def until(
        self, condition: Callable[[], bool], what: str, act: Callable[[], bool] = lambda: False
    ) -> None:
        """Step, let clients act, and set time forward when nothing moves, until a condition holds."""
        idle = 0
        for _ in range(2_000):
            if condition():
                return
            moved = self.step()
            moved |= act()
            idle = 0 if moved else idle + 1
            if idle > 40:
                break
            if not moved:
                self.clock.advance(2.0 if idle < 10 else 60.0)
        raise Stalled(f"it never held that {what}; errors so far: {self.errors}")

    def call(self, name: str, service: str, method: str, request: Any, principal: Principal = ADMIN) -> Any:
        """Call a servicer's method as a client would, again until it is answered."""
        for _ in range(20):
            try:
                return getattr(self._methods(name, service), method)(request, Call.by(principal))
            except Crash as failure:
                self.crash(name, failure)
            except AloftError:
                raise
            except Exception as failure:  # noqa: BLE001 - a client sees INTERNAL and repeats
                self._note(failure)
        raise Stalled(f"{service}.{method} failed 20 times: {self.errors[-1]}")

    def _methods(self, name: str, service: str) -> Any:
        for servicer in self._open[name][0].servicers:
            if servicer.full_name.endswith(f".{service}"):
                return servicer.methods
        raise LookupError(f"{name} serves no {service}")

    def close(self) -> None:
        """Give everything back."""
        for _service, closers in self._open.values():
            for close in closers:
                close()


@contextlib.contextmanager
def world(folder: Path, template: Path, faults: Faults | None = None) -> Iterator[World]:
    """Run a world and close it."""
    opened = World(folder, template, faults or Faults())
    try:
        yield opened
    finally:
        opened.close()
