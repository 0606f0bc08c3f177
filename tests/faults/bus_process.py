"""A service in a process of its own, for tests that kill and freeze processes.

`python -m tests.faults.bus_process URL SCHEMA BOOTSTRAP PREFIX ROLE`; it says `ready` and runs until SIGTERM.
"""

import signal
import sys
import threading
from typing import Any

from sqlalchemy import text

from aloft.api.events.v1 import events_pb2 as events
from aloft.kit.bus import Context, Handlers, emit, event_loops
from aloft.kit.bus.kafka import KafkaBus
from aloft.kit.database import Database, Transaction
from aloft.kit.steps import Loop
from tests.contract.brokers import kafka_config

FAILING = "c13"
"""The key whose handler fails for ever."""


def take(tx: Transaction, event: Any, context: Context) -> None:
    """Have an effect that shows repetition and order."""
    row = {"k": context.campaign, "n": event.label_revision}
    tx.execute(text("INSERT INTO effects (key, number) VALUES (:k, :n)"), row)
    if context.campaign == FAILING:
        raise RuntimeError("this key fails for ever")


def write(database: Database, times: int) -> None:
    """Change one campaign again and again, as one of several writers."""
    for _ in range(times):
        with database.transaction() as tx:
            bump = text("UPDATE campaign SET revision = revision + 1 RETURNING revision")
            revision = tx.execute(bump).scalar_one()
            emit(tx, "c1", events.LabelsCommitted(campaign="c1", label_revision=revision))


def say(word: str) -> None:
    """Tell whoever started this process."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(url: str, schema: str, bootstrap: str, prefix: str, role: str) -> None:
    """Run as a giver (relay), a taker (receiver and workers), or a writer (relay, and N changes)."""
    database = Database(url, schema=schema)
    bus = KafkaBus(kafka_config(bootstrap, prefix))
    handlers: Handlers = {events.LabelsCommitted: take} if role == "taker" else {}
    parts = event_loops(database, bus, handlers)
    loops = [Loop(each.step, each.wake) for each in parts.backgrounds for _ in range(each.threads)]
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    for loop in loops:
        loop.start()
    say("ready")
    if role.startswith("writer"):
        write(database, int(role.removeprefix("writer")))
        say("written")
    ending.wait()
    for loop in loops:
        loop.stop()
    for loop in loops:
        loop.join(20)
    parts.close()
    bus.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
