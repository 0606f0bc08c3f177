"""The loops that every service runs alike: events in and out, and jobs."""

from collections.abc import Mapping
from dataclasses import replace

from aloft.kit.bus.context import Handlers
from aloft.kit.bus.wiring import event_loops
from aloft.kit.jobs import Jobs, JobWorker
from aloft.kit.jobs.worker import Handler as JobHandler
from aloft.kit.service import Background, Ports


def events(ports: Ports, service: str, handlers: Handlers, *, threads: int = 2) -> list[Background]:
    """Read the topics that the handlers name, handle what arrives, publish what the service says."""
    if service != ports.database.schema:
        raise ValueError(f"{service} reads as the group of its schema, which is {ports.database.schema}")
    # One writer holds all of SQLite: a second thread would only wait for it.
    workers = 1 if ports.database.on_sqlite else threads
    loops = event_loops(ports.database, ports.bus, handlers, wait_s=ports.receive_wait_s, workers=workers)
    return [*loops.backgrounds[:-1], replace(loops.backgrounds[-1], close=loops.close)]


def jobs(
    ports: Ports, handlers: Mapping[str, JobHandler], *, lease_s: float = 30.0, threads: int = 1
) -> list[Background]:
    """Work on the service's jobs of these kinds."""
    worker = JobWorker(Jobs(ports.database), handlers, ports.worker, lease_s=lease_s, heart=ports.hearts)
    return [Background(worker, ports.database.wake("jobs"), threads=threads, leave=worker.leave)]
