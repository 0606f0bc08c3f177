"""One campaign on the real servers, a fault a round; in the end the checker finds everything kept."""

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from aloft.api.labels.v1.campaign_service_pb2 import GetCampaignRequest, UpdateCampaignRequest
from aloft.api.labels.v1.campaign_service_pb2_grpc import CampaignServiceStub
from tests.e2e.campaign import Campaign
from tests.e2e.gate import Gate
from tests.e2e.program import ALOFT, Program, eventually
from tests.e2e.real import real
from tests.e2e.system import SERVICES, System, schema_of
from tests.stack.kafka import Kafka
from tests.stack.minio import Minio
from tests.stack.postgres import Postgres
from tests.stack.server import Server
from tests.stack.torchserve import TorchServe

LONGER_THAN_LEASES_S = 120.0
AWAY_S = 20.0
"""How long a server is away: longer than sessions, timeouts and the first distances between attempts."""
A_ROUND_S = 120.0
LONG_STEPS = 1200
"""Of a run that a test must meet in its middle; other runs of the campaign have three."""


@pytest.fixture
def broker(own_kafka: Callable[[], Kafka]) -> Kafka:
    """Start a broker that this test may break."""
    return own_kafka()


@pytest.fixture
def store(own_minio: Callable[..., Minio]) -> Minio:
    """Start an object store that this test may break."""
    return own_minio()


@pytest.fixture
def database(own_postgres: Callable[[], Postgres]) -> Postgres:
    """Start a database server that this test may break."""
    return own_postgres()


@pytest.fixture
def inference(own_torchserve: Callable[[], TorchServe]) -> TorchServe:
    """Start a TorchServe that this test may break."""
    return own_torchserve()


@pytest.fixture
def system(
    tmp_path: Path, broker: Kafka, store: Minio, database: Postgres, inference: TorchServe
) -> Iterator[System]:
    """Run each service as a process of its own on the real servers."""
    url = database.create_database("loop")
    with real(tmp_path / "system", broker, store, url, inference) as system, system.explained():
        system.start()
        system.bootstrap()
        yield system


class Rounds:
    """A campaign that goes round and round, its vendor labelling whatever comes."""

    def __init__(self, system: System, campaign: Campaign) -> None:
        self.system = system
        self.campaign = campaign
        self.gates = {service: Gate(system, service, campaign.name) for service in SERVICES}

    def finish(self, after: str) -> None:
        """Wait until a batch that was open has closed, was learned from, and another is out."""
        closed = len([reason for reason in self.campaign.batches() if reason])
        what = f"a whole round is made after {after}"
        try:
            eventually(lambda: self.campaign.closed(closed + 1), what, A_ROUND_S)
        except AssertionError as failure:
            failure.add_note(self.system.ask("campaign", "why", self.campaign.name).out)
            raise

    def kill(self, service: str, *clients: Program) -> None:
        """Kill a service inside the transaction that would announce its next event, and start it again."""
        self.gates[service].wait()
        for program in (*clients, self.system.programs[service]):
            program.kill()
        self.gates[service].open()
        self.system.databases[schema_of(service)].advance(LONGER_THAN_LEASES_S)
        self.system.start(service)

    def kill_in_the_middle(self, service: str, *clients: Program) -> None:
        """The same, of a service whose gate is still open."""
        self.gates[service].shut()
        self.kill(service, *clients)

    def away(self, server: Server) -> None:
        """Take a server away for a while."""
        server.kill()
        threading.Event().wait(AWAY_S)
        server.start()


@pytest.mark.timeout(900)
def test_the_loop_completes_whatever_fails(
    system: System, broker: Kafka, store: Minio, database: Postgres, inference: TorchServe, tmp_path: Path
) -> None:
    with system.explained():
        campaign = Campaign(system, tmp_path / "vendor", images=400)
        campaign.fill_pool()
        campaign.create()
        rounds = Rounds(system, campaign)
        begin_through_crashes(rounds)

        vendor = campaign.start_vendor(max_tasks=3)
        eventually(campaign.labelled, "the first batch is labelled in part")
        rounds.kill_in_the_middle("label-store", vendor)
        vendors = [campaign.start_vendor(name, max_tasks=3) for name in ("vendor-again", "vendor-beside")]
        rounds.finish("the label store was killed, and a vendor that held leases")
        for service in ("trainer", "embedding", "acquisition"):
            rounds.kill_in_the_middle(service)
            rounds.finish(f"{service} was killed")
        power_failure(rounds, broker)
        rounds.finish("the broker, and then every service, was killed")
        for server in (broker, store):
            rounds.away(server)
            rounds.finish(f"{server.name} was away for {AWAY_S:.0f} s")
        database.kill()
        database.start()
        rounds.finish("PostgreSQL was restarted")
        inference.wipe()
        inference.start()
        rounds.finish("TorchServe was wiped")
        wake_a_zombie(rounds)

        assert [vendor.stop() for vendor in vendors] == [0, 0], "a vendor did not end well"
        campaign.come_to_rest()
        leases_came_back_and_jobs_were_begun_again(system)
        newest = max(system.promoted(campaign.name))
        eventually(lambda: newest in system.served(campaign.name), "the newest version is served")
        system.stop()
        campaign.check()


def begin_through_crashes(rounds: Rounds) -> None:
    """Kill each service before it has announced its first event: everything is begun again."""
    system, campaign = rounds.system, rounds.campaign
    for gate in rounds.gates.values():
        gate.shut()
    importing = system.client(
        "import", [*ALOFT, "images", "import", campaign.name, "--manifest", "manifest.csv"]
    )
    rounds.kill("label-store")
    if importing.wait(60) != 0:
        # Its patience was shorter than the restart. The job goes on; the command is safe to repeat.
        system.aloft("images", "import", campaign.name, "--manifest", "manifest.csv")
    for service in ("trainer", "embedding", "acquisition"):
        rounds.kill(service)
    eventually(campaign.batches, "a first batch is selected", 120)


def power_failure(rounds: Rounds, broker: Kafka) -> None:
    """Kill the broker, then every service while something is not published; start all of it again."""
    system, gate = rounds.system, rounds.gates["label-store"]
    gate.shut()
    gate.wait()
    broker.kill()
    gate.open()
    unpublished = "SELECT id FROM outbox WHERE published_us IS NULL"
    eventually(lambda: system.rows("label-store", unpublished), "a label is stored and not said")
    for service in SERVICES:
        system.programs[service].kill()
    broker.start()
    system.start(*SERVICES)


def wake_a_zombie(rounds: Rounds) -> None:
    """Stop the trainer in the middle of a run past its lease; another does the run; the first one wakes."""
    system, asleep = rounds.system, rounds.system.programs["trainer"]
    train_long(rounds)
    in_its_first_half = (
        "SELECT id, epoch FROM jobs WHERE state = 'running' AND progress ->> 'total' = :steps"
        " AND CAST(progress ->> 'done' AS int) < CAST(progress ->> 'total' AS int) / 2"
    )
    seen: list[Any] = []

    def at_work() -> bool:
        seen.extend(system.rows("trainer", in_its_first_half, steps=str(LONG_STEPS)))
        return bool(seen)

    eventually(at_work, "a long run is at work")
    asleep.signal(signal.SIGSTOP)
    [begun] = seen
    system.databases["trainer"].advance(LONGER_THAN_LEASES_S)
    other = system.another("trainer").start()

    def taken_over() -> bool:
        [job] = system.rows("trainer", "SELECT epoch FROM jobs WHERE id = :id", id=begun.id)
        return bool(job.epoch > begun.epoch)

    eventually(taken_over, "another worker has the run of the one that is asleep")
    asleep.signal(signal.SIGCONT)
    eventually(lambda: "LeaseLost" in asleep.said() or "lease" in asleep.said(), "the zombie finds out")
    rounds.finish("a worker was stopped past its lease and woken")
    assert other.stop() == 0, other.tail()


def train_long(rounds: Rounds) -> None:
    """Make runs long enough to be met in the middle."""
    name = f"campaigns/{rounds.campaign.name}"
    with rounds.system.channel("label-store", rounds.system.key) as opened:
        stub = CampaignServiceStub(opened)
        campaign = stub.GetCampaign(GetCampaignRequest(name=name))
        campaign.training.steps = LONG_STEPS
        stub.UpdateCampaign(
            UpdateCampaignRequest(campaign=campaign, update_mask=FieldMask(paths=["training"]))
        )


def leases_came_back_and_jobs_were_begun_again(system: System) -> None:
    assert system.rows("label-store", "SELECT task FROM expired_leases"), (
        "no lease of the killed vendor ran out"
    )
    for service in SERVICES:
        again = system.rows(service, "SELECT id FROM jobs WHERE attempts > 1")
        assert again, f"{service} was killed in the middle of a job and has begun none again"
