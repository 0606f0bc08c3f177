"""The slice on the real servers while every process is killed at a named moment, the broker among them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.campaign import Campaign
from tests.e2e.gate import Gate
from tests.e2e.program import ALOFT, Program, eventually
from tests.e2e.real import real
from tests.e2e.system import SERVICES, System, schema_of
from tests.stack.kafka import Kafka
from tests.stack.minio import Minio

LONGER_THAN_LEASES_S = 120.0


@pytest.fixture
def broker(own_kafka: Callable[[], Kafka]) -> Kafka:
    """Start a broker that this test may break."""
    return own_kafka()


@pytest.fixture
def system(tmp_path: Path, broker: Kafka, minio: Minio, postgres_database: str) -> Iterator[System]:
    """Run each service as a process of its own on the real servers."""
    with real(tmp_path / "system", broker, minio, postgres_database) as system, system.explained():
        system.start()
        system.bootstrap()
        yield system


class Killing:
    """Kills services in the middle of a transaction and starts them again, later than any lease."""

    def __init__(self, system: System, campaign: str) -> None:
        self._system = system
        self.gates = {service: Gate(system, service, campaign) for service in SERVICES}

    def crash(self, service: str, *clients: Program) -> None:
        """Kill a service, whose gate is shut, where it would announce something; start it again."""
        self.gates[service].wait()
        for program in (*clients, self._system.programs[service]):
            program.kill()
        self.gates[service].open()
        self._system.databases[schema_of(service)].advance(LONGER_THAN_LEASES_S)
        self._system.start(service)

    def power_failure(self, broker: Kafka) -> None:
        """Kill the broker, then every service while something is not published; start all of it again."""
        gate = self.gates["label-store"]
        gate.shut()
        gate.wait()
        broker.kill()
        gate.open()
        unpublished = "SELECT id FROM outbox WHERE published_us IS NULL"
        eventually(lambda: self._system.rows("label-store", unpublished), "a label is stored and not said")
        for service in SERVICES:
            self._system.programs[service].kill()
        broker.start()
        self._system.start()


@pytest.mark.timeout(300)  # processes start slowly where several suites share the cores
def test_the_slice_survives_kill_9_of_every_process_and_of_the_broker(
    system: System, broker: Kafka, tmp_path: Path
) -> None:
    with system.explained():
        campaign = Campaign(system, tmp_path / "vendor", images=56)
        campaign.fill_pool()
        campaign.create()
        killing = Killing(system, campaign.name)
        for gate in killing.gates.values():
            gate.shut()
        import_through_a_crash(system, campaign, killing)
        # Making the base version, embedding the pool, and selecting the first batch: each is begun again.
        for service in ("trainer", "embedding", "acquisition"):
            killing.crash(service)
        eventually(campaign.batches, "a first batch is selected")

        vendor = campaign.start_vendor(max_tasks=3)
        eventually(campaign.labelled, "the first batch is labelled in part")
        killing.gates["label-store"].shut()
        killing.crash("label-store")
        crash_while_tasks_are_leased(system, killing, vendor)

        killing.gates["acquisition"].shut()
        vendors = [campaign.start_vendor(name, max_tasks=3) for name in ("vendor-again", "vendor-beside")]
        # It selects when a batch has closed, so this is right after that.
        killing.crash("acquisition")
        killing.power_failure(broker)
        eventually(lambda: campaign.closed(3), "three batches are closed and a fourth is selected", 90)
        assert [vendor.stop() for vendor in vendors] == [0, 0], "a vendor did not end well"

        campaign.come_to_rest()
        leases_came_back_and_jobs_were_begun_again(system)
        system.stop()
        campaign.check()


def import_through_a_crash(system: System, campaign: Campaign, killing: Killing) -> None:
    importing = system.client("import", [*ALOFT, "images", "import", campaign.name])
    killing.crash("label-store")
    if importing.wait(60) != 0:
        # Its patience was shorter than the restart. The job goes on; the command is safe to repeat.
        system.aloft("images", "import", campaign.name)


def crash_while_tasks_are_leased(system: System, killing: Killing, vendor: Program) -> None:
    killing.gates["label-store"].shut()
    killing.crash("label-store", vendor)
    leased = "SELECT id FROM tasks WHERE state = 'open' AND lease <> ''"
    assert system.rows("label-store", leased), "the vendor held nothing when it was killed"


def leases_came_back_and_jobs_were_begun_again(system: System) -> None:
    assert system.rows("label-store", "SELECT task FROM expired_leases"), (
        "no lease of the killed vendor ran out"
    )
    for service in SERVICES:
        again = system.rows(service, "SELECT id FROM jobs WHERE attempts > 1")
        assert again, f"{service} was killed in the middle of a job and has begun none again"
