"""The loops that every service runs alike: events in and out, jobs. Composition roots call these two functions."""

from collections.abc import Mapping

from aloft.kit.bus.context import Handlers
from aloft.kit.bus.inbox import WORKER
from aloft.kit.bus.outbox import RELAY
from aloft.kit.bus.receiver import Receiver
from aloft.kit.bus.relay import Relay
from aloft.kit.bus.sweep import Sweep
from aloft.kit.bus.topics import topic_of
from aloft.kit.bus.worker import InboxWorker
from aloft.kit.jobs import Jobs, JobWorker
from aloft.kit.jobs.worker import Handler as JobHandler
from aloft.kit.service import Background, Ports

SWEEP_EVERY_S = 60.0
"""How often finished events are looked through for old ones."""


def events(ports: Ports, service: str, handlers: Handlers, *, threads: int = 2) -> list[Background]:
    """Read the topics that the handlers name, handle what arrives, publish what the service says."""
    database, wait_s = ports.database, ports.receive_wait_s
    topics = [topic_of(payload).name for payload in handlers]
    subscription = ports.bus.subscribe(service, topics)
    return [
        Background(Relay(database, ports.bus), database.wake(RELAY)),
        Background(Receiver(database, subscription, wait_s=wait_s), close=subscription.close),
        Background(InboxWorker(database, handlers), database.wake(WORKER), threads=1 if database.on_sqlite else threads),
        Background(Sweep(database, rest_s=SWEEP_EVERY_S)),
    ]


def jobs(
    ports: Ports, handlers: Mapping[str, JobHandler], *, lease_s: float = 30.0, threads: int = 1
) -> list[Background]:
    """Work on the service's jobs of these kinds."""
    worker = JobWorker(Jobs(ports.database), handlers, ports.worker, lease_s=lease_s, heart=ports.hearts)
    return [Background(worker, ports.database.wake("jobs"), threads=threads)]
