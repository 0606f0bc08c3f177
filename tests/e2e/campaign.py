"""One campaign from its pool to the checker, told by the command line, a vendor program and the label API."""

import csv
import hashlib
import io
import json
import sys
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aloft.api.labels.v1 import labelling_service_pb2 as pb
from aloft.api.labels.v1.labelling_service_pb2_grpc import LabellingServiceStub
from aloft.demo.truth import Truth
from tests.e2e import pool
from tests.e2e.program import Program, eventually
from tests.e2e.system import System
from tests.slice.checker import Acknowledged, Evidence, check
from tests.slice.rest import under_way

BROKEN = "00/00/broken.png"
"""The key of an object of the pool that is no image."""
MANIFEST = "manifest.csv"
HELD_OUT = 12


@dataclass
class Campaign:
    """A campaign on a system. What its vendor knows lies in a folder that no service is told of."""

    system: System
    folder: Path
    name: str = "coast"
    architecture: str = "tiny"
    images: int = 48
    batch: int = 8
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What its file says beside the usual."""
    key: str = ""
    digests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True)
        self.truth_file, self.journal = self.folder / "truth.json", self.folder / "journal.jsonl"

    def fill_pool(self) -> None:
        """Upload images, a manifest that holds some of them out with their labels, and what is no image."""
        drawn = pool.draw(self.images + HELD_OUT, seed=len(self.name))
        files = {one.key: one.data for one in drawn}
        manifest = _manifest(drawn[:HELD_OUT], drawn[HELD_OUT:])
        for key, data in {**files, BROKEN: b"no image at all", MANIFEST: manifest}.items():
            self.system.pool.put(key, data)
            self.digests[key] = hashlib.sha256(data).hexdigest()
        self.truth = Truth(pool.LABELS, {one.digest: one.shows for one in drawn})
        self.truth.save(self.truth_file)

    def create(self) -> None:
        """Create it from a file, and a vendor with its key."""
        wanted = {
            "taxonomy": {"labels": [{"id": label} for label in self.truth.labels]},
            "batch_policy": {"size": self.batch},
            "image_spec": {"height": pool.SIZE, "width": pool.SIZE},
            "base_model": {"architecture": self.architecture, "seed": 0},
            "training": {"steps": 3, "batch_images": 8},
            "held_out": {"imported": True},
            "gate": {"minimum": 0.01},
            **self.fields,
        }
        file = self.folder / "campaign.json"
        file.write_text(json.dumps(wanted))
        created = self.system.aloft("campaign", "create", self.name, "--file", str(file))
        assert created["state"] == "STATE_PAUSED", f"a campaign without images is {created['state']}"
        vendor = self.system.aloft("vendor", "create", "acme", "--campaign", self.name)
        self.key = vendor["secret"]
        (self.folder / "key").write_text(self.key)

    def import_images(self) -> None:
        """Register what the manifest names, and let the campaign run."""
        imported = self.system.aloft("images", "import", self.name, "--manifest", MANIFEST)
        assert int(imported["registered_images"]) == self.images + HELD_OUT + 1, imported
        assert int(imported["labelled_images"]) == HELD_OUT, imported

    def start_vendor(self, name: str = "vendor", *, max_tasks: int = 10) -> Program:
        """Start the simulated vendor: it has its key and what it knows, and no other part of the system."""
        told = {
            "--target": self.system.targets["label-store"],
            "--key-file": str(self.folder / "key"),
            "--truth": str(self.truth_file),
            "--journal": str(self.journal),
            "--campaign": self.name,
            "--max-tasks": str(max_tasks),
            "--idle-s": "0.05",
        }
        options = [word for pair in told.items() for word in pair]
        return self.system.client(name, [sys.executable, "-m", "aloft.demo.vendor", *options], env={})

    def batches(self) -> list[str]:
        """Say why each batch closed, in their order; "" is an open one."""
        query = "SELECT close_reason FROM batches WHERE campaign = :c ORDER BY number"
        return [row.close_reason for row in self.system.rows("label-store", query, c=self.name)]

    def closed(self, count: int) -> bool:
        """Say whether so many batches are closed and another was selected."""
        batches = self.batches()
        return len([reason for reason in batches if reason]) >= count and len(batches) > count

    def labelled(self) -> int:
        """Count the images that have a label set."""
        query = "SELECT count(DISTINCT image) AS labelled FROM annotations WHERE campaign = :c"
        return int(self.system.rows("label-store", query, c=self.name)[0].labelled)

    def look_at_tasks(self) -> None:
        """Lease as a vendor would: no word of a task betrays a key or a class, and its URL can be read."""
        with self.system.channel("label-store", self.key) as opened:
            stub = LabellingServiceStub(opened)
            parent = f"campaigns/{self.name}"
            asked = pb.LeaseTasksRequest(
                parent=parent, max_tasks=self.batch, annotator="ann", request_id=str(uuid.uuid4())
            )
            leased = stub.LeaseTasks(asked).tasks
            assert len(leased) == self.batch, f"{len(leased)} tasks of a batch of {self.batch} were given out"
            for task in leased:
                self._says_nothing(str(task))
            with urllib.request.urlopen(leased[0].image_url, timeout=10) as answer:
                shown = self.truth.of(answer.read())
            assert shown is not None, f"{leased[0].image_url} does not lead to an image of the pool"
            release = pb.ReleaseTasksRequest(parent=parent)
            for task in leased:
                release.leases.add(task=task.name, lease=task.lease)
            stub.ReleaseTasks(release)

    def _says_nothing(self, task: str) -> None:
        names = {part for key in self.digests for part in (key, Path(key).stem)}
        betrayed = [word for word in (*names, *self.truth.labels) if word in task]
        assert not betrayed, f"a task says {betrayed}:\n{task}"

    def come_to_rest(self) -> None:
        """Wait until every event is said, taken in and handled, and every job done, at two looks in turn."""
        looks: list[list[str]] = [["nothing seen yet"]]

        def still() -> bool:
            looks.append(under_way(self.system.databases))
            return not looks[-1] and not looks[-2]

        try:
            eventually(still, "everything has come to rest")
        except AssertionError as failure:
            failure.add_note("\n".join(looks[-1]))
            raise

    def acknowledged(self) -> list[Acknowledged]:
        """Read what the vendor was told is stored."""
        said = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [Acknowledged(one["task"], frozenset(one["positive"])) for one in said]

    def check(self) -> None:
        """Let the checker read what is left behind."""
        bus = self.system.open_bus()
        try:
            evidence = Evidence(
                campaign=self.name,
                databases=self.system.databases,
                bus=bus,
                objects=self.system.objects,
                pool=self.system.pool,
                acknowledged=self.acknowledged() if self.journal.exists() else (),
                truth={digest: frozenset(shown) for digest, shown in self.truth.images.items()},
                pool_before=self.digests,
            )
            check(evidence)
        finally:
            bus.close()


def _manifest(held_out: Sequence[pool.Drawn], rest: Sequence[pool.Drawn]) -> bytes:
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["key", "split", *pool.LABELS])
    for number, one in enumerate(held_out):
        labels = [int(label in one.shows) for label in pool.LABELS]
        lines.writerow([one.key, "test" if number % 2 else "validation", *labels])
    for key in (BROKEN, *(one.key for one in rest)):
        lines.writerow([key, "pool", *("" for _ in pool.LABELS)])
    return text.getvalue().encode()
