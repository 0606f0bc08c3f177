"""The loop end to end, the same story on the embedded adapters and on the real servers."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aloft.cli.connection import PORTS
from aloft.cli.services import RUN
from tests.e2e.campaign import HELD_OUT, Campaign
from tests.e2e.embedded import embedded
from tests.e2e.program import ALOFT, eventually
from tests.e2e.real import real
from tests.e2e.system import System
from tests.stack.kafka import Kafka
from tests.stack.minio import Minio
from tests.stack.torchserve import TorchServe

GUIDE = Path(__file__).parents[2] / "docs" / "vendor-guide.md"

pytestmark = pytest.mark.timeout(240)  # processes start slowly where several suites share the cores


@pytest.fixture
def laptop(tmp_path: Path) -> Iterator[System]:
    """Run the embedded system: one process, a folder."""
    with embedded(tmp_path / "system") as system, system.explained():
        system.start()
        system.bootstrap()
        yield system


@pytest.fixture
def servers(
    tmp_path: Path,
    kafka: Kafka,
    minio: Minio,
    postgres_database: str,
    own_torchserve: Callable[[], TorchServe],
) -> Iterator[System]:
    """Run each service as a process of its own on the real servers."""
    inference = own_torchserve()
    with (
        real(tmp_path / "system", kafka, minio, postgres_database, inference) as system,
        system.explained(),
    ):
        system.start()
        system.bootstrap()
        yield system


ROUNDS = 3


def test_the_loop_runs_embedded_in_one_process(laptop: System, tmp_path: Path) -> None:
    tell(laptop, Campaign(laptop, tmp_path / "vendor", architecture="resnet18"))


def test_the_loop_runs_on_kafka_s3_postgresql_and_torchserve(servers: System, tmp_path: Path) -> None:
    tell(servers, Campaign(servers, tmp_path / "vendor"))


def tell(system: System, campaign: Campaign) -> None:
    with system.explained():
        campaign.fill_pool()
        campaign.create()
        campaign.import_images()
        eventually(campaign.batches, "a first batch is selected", 120)
        campaign.look_at_tasks()
        for closed in range(1, ROUNDS + 1):
            vendor = campaign.start_vendor(f"vendor-{closed}", max_tasks=3)
            done = f"{closed} batches are closed, each is learned from, and another is selected"
            eventually(lambda count=closed: campaign.closed(count), done, 90)  # type: ignore[misc]
            assert vendor.stop() == 0, "the vendor did not end well"
            the_newest_version_is_served_under_its_digest(system, campaign)
        campaign.come_to_rest()
        every_round_made_a_version_that_is_ranked(system, campaign)
        look_at_status(system, campaign)
        refused_with_a_sentence(system)
        look_at_metrics(system)
        system.stop()
        campaign.check()
        nothing_was_complained_of(system)


def every_round_made_a_version_that_is_ranked(system: System, campaign: Campaign) -> None:
    query = "SELECT version, base, promoted, label_revision FROM models WHERE campaign = :c ORDER BY version"
    base, *trained = system.rows("trainer", query, c=campaign.name)
    assert base.base, "the first version has a head"
    assert len(trained) == len([reason for reason in campaign.batches() if reason]), "not one a batch"
    assert not any(version.base for version in trained)
    revisions = [version.label_revision for version in trained]
    assert revisions == sorted(set(revisions)), f"two versions learned from the same labels: {revisions}"
    ranked = "SELECT DISTINCT version FROM rankings WHERE campaign = :c"
    found = {row.version for row in system.rows("acquisition", ranked, c=campaign.name)}
    wanted = {base.version, *(version.version for version in trained if version.promoted)}
    assert found == wanted, f"promoted are {wanted}, ranked {found}"


def the_newest_version_is_served_under_its_digest(system: System, campaign: Campaign) -> None:
    def served() -> bool:
        version, digest = max(system.promoted(campaign.name).items())
        return system.served(campaign.name).get(version) == digest

    eventually(served, "the newest promoted version is served under the digest of its archive")


def nothing_was_complained_of(system: System) -> None:
    said = "\n".join(program.said() for program in system.programs.values())
    # Kafka's own client calls it an error when a broker that has just started sends it elsewhere.
    ours = re.compile(
        r'^(.*"level": "(warning|error)", "logger": "aloft|\S+ (WARNING|ERROR) ).*', re.MULTILINE
    )
    found = [match.group() for match in ours.finditer(said)]
    assert not found, "nothing was broken, and the log has\n" + "\n".join(found)


def look_at_status(system: System, campaign: Campaign) -> None:
    said = {one["service"]: one for one in system.aloft("campaign", "status", campaign.name)}
    assert set(said) == set(PORTS)
    store, closed = said["label-store"], [reason for reason in campaign.batches() if reason]
    assert store["state"] == "RUNNING"
    assert int(store["pool_images"]) == campaign.images
    assert int(store["quarantined_images"]) == 1
    assert int(store["closed_batches"]) == len(closed)
    assert int(store["labelled_images"]) == campaign.labelled() >= ROUNDS * campaign.batch
    assert int(store["label_revision"]) == int(said["acquisition"]["applied_label_revision"])
    assert said["trainer"]["failed_runs"] == []
    assert int(said["embedding"]["embedded_images"]) == campaign.images
    assert int(store["labelled_validation_images"]) + int(store["labelled_test_images"]) == HELD_OUT
    assert said["acquisition"]["open_batch"].endswith(f"/batches/{len(closed) + 1}"), said["acquisition"]
    assert said["acquisition"]["waiting_for"] == "", "a batch is out and acquisition waits for something else"


REFUSED = {
    r"CAMPAIGN_NOT_FOUND campaigns/nowhere": ("campaign", "status", "nowhere"),
    r"taxonomy\.labels\[0\]\.id": ("campaign", "create", "odd", "--label", "Not An Id"),
}


def refused_with_a_sentence(system: System) -> None:
    # Started together, because starting is most of what a command costs.
    asked = {
        sentence: system.client(f"refused-{number}", [*ALOFT, *command])
        for number, (sentence, command) in enumerate(REFUSED.items())
    }
    for sentence, command in asked.items():
        assert command.wait(60) == 1, command.tail()
        assert re.search(sentence, command.said()), command.tail()
        assert "Traceback" not in command.said(), command.tail()


def look_at_metrics(system: System) -> None:
    page = system.metrics()
    failed = re.findall(r"^aloft_loop_failures\S* [1-9].*", page, re.MULTILINE)
    assert not failed, f"loops failed though nothing was broken: {failed}"
    ready = re.findall(r'^aloft_ready\{service="(\S+)"\} 1\.0', page, re.MULTILINE)
    assert len(ready) == len(RUN), f"ready are {ready}"


def test_the_vendor_guides_program_labels_everything_as_it_stands(laptop: System, tmp_path: Path) -> None:
    with laptop.explained():
        campaign = Campaign(laptop, tmp_path / "vendor", images=12, batch=12)
        campaign.fill_pool()
        campaign.create()
        campaign.import_images()
        eventually(campaign.batches, "a batch of everything is selected")
        [program] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
        told = {
            "ALOFT_TARGET": laptop.targets["label-store"],
            "ALOFT_KEY": campaign.key,
            "CAMPAIGN": campaign.name,
        }
        (tmp_path / "guide.py").write_text(program)
        vendor = laptop.client("guide", [sys.executable, str(tmp_path / "guide.py")], env=told)
        assert vendor.wait(60) == 0, vendor.tail()
        assert vendor.said().split() == ["labelled", "10", "labelled", "2"]
        assert campaign.labelled() == campaign.images
