"""Acquisition alone: a test says what other services would, and reads what it announced from its outbox."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from google.protobuf.message import Message

from aloft.acquisition.handlers import handlers
from aloft.acquisition.rank import RankJob
from aloft.acquisition.servicer import AcquisitionServicer
from aloft.acquisition.situation import RANK
from aloft.acquisition.store import images
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as campaign_pb
from aloft.kit.bus import tables
from aloft.kit.bus.context import Context
from aloft.kit.database import Database
from aloft.kit.jobs import Jobs, JobWorker
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.port import Objects
from aloft.kit.rpc.call import Call, Principal, Role
from aloft.shards import Manifest, feature_shard_key, write_manifest, write_shard

CAMPAIGN = "c"
OPERATOR = Principal("operators/o", Role.OPERATOR)


def image(number: int) -> str:
    """Make the id of an image, as registration does."""
    return hashlib.sha256(f"image {number}".encode()).digest()[:16].hex()


class World:
    """One campaign. What embedding and the label store would say is said by the test."""

    def __init__(self, database: Database, folder: Path, objects: Objects | None = None) -> None:
        self.database = database
        self.objects = objects or DirectoryObjects(folder)
        self.jobs = Jobs(database)
        self._handlers = handlers(self.jobs)
        self.worker = JobWorker(self.jobs, {RANK: RankJob(database, self.objects, self.jobs)}, "w")
        self.servicer = AcquisitionServicer(database)
        self._version = 0
        self._revision = 0
        self._generation = 0

    def say(self, event: Message) -> None:
        """Handle an event, as the inbox does: effect and mark in one transaction."""
        with self.database.transaction() as tx:
            self._handlers[type(event)](tx, event, self._context(tx.now()))

    def _context(self, now: int) -> Context:
        return Context("e", "t", CAMPAIGN, "", now, "", 1)

    def work(self) -> int:
        """Do every job that is due; say how many there were."""
        count = 0
        while self.worker.step():
            count += 1
            assert count < 50, "jobs queue one another for ever"
        return count

    def campaign(
        self, state: str = "RUNNING", size: int = 2, strategy: str = "centroids", **more: Any
    ) -> None:
        """Say how the campaign is."""
        self._version += 1
        self.say(
            events.CampaignChanged(
                campaign=campaign_pb.Campaign(
                    name=f"campaigns/{CAMPAIGN}",
                    version=self._version,
                    state=campaign_pb.Campaign.State.Value(f"STATE_{state}"),
                    strategy=campaign_pb.Strategy(expression=strategy, seed=2**63 + 5),
                    batch_policy=campaign_pb.BatchPolicy(size=size),
                    **more,
                )
            )
        )

    def publish(self, version: int = 1, promoted: bool = True, revision: int = 0) -> None:
        """Say that a version is there."""
        self.say(
            events.ModelPublished(
                campaign=CAMPAIGN, version=version, promoted=promoted, label_revision=revision
            )
        )

    def embedded(self, numbers: Sequence[int], version: int = 1, rows: int = 3) -> events.PoolEmbedded:
        """Write the features of images into shards, and make the event that says so."""
        self._generation += 1
        names = [image(number) for number in numbers]
        features = np.array([[number % 7, number * 0.5] for number in numbers], dtype=np.float32)
        shards = [
            write_shard(
                self.objects,
                feature_shard_key(CAMPAIGN, f"b{version}", start, f"g{self._generation}"),
                names[start : start + rows],
                features[start : start + rows],
            )
            for start in range(0, len(names), rows)
        ]
        manifest = Manifest(CAMPAIGN, version, f"b{version}", 2, tuple(shards))
        key, digest = write_manifest(self.objects, manifest)
        return events.PoolEmbedded(
            campaign=CAMPAIGN,
            version=version,
            generation=self._generation,
            manifest_key=key,
            manifest_digest=digest,
            images=len(names),
        )

    def embed(self, numbers: Sequence[int], version: int = 1) -> None:
        """Say that a pool is embedded."""
        self.say(self.embedded(numbers, version))

    def label(self, names: Sequence[str]) -> int:
        """Say that images are labelled; give the revision."""
        self._revision += 1
        self.say(self.labels(self._revision, names))
        return self._revision

    def labels(self, revision: int, names: Sequence[str]) -> events.LabelsCommitted:
        """Make the event of a label revision."""
        sets = [events.CommittedLabelSet(image=name, version=1) for name in names]
        return events.LabelsCommitted(campaign=CAMPAIGN, label_revision=revision, label_sets=sets)

    def close(self, batch: int, reason: str = "COMPLETE", revision: int | None = None, **fates: Any) -> None:
        """Say that a batch closed."""
        named = self._revision if revision is None else revision
        self.say(
            events.BatchClosed(campaign=CAMPAIGN, batch=batch, reason=reason, label_revision=named, **fates)
        )

    def release(self, batch: int, names: Sequence[str], reason: str = "LEASE_EXPIRED") -> None:
        """Say that images left a batch without a label."""
        self.say(events.ImageReleased(campaign=CAMPAIGN, batch=batch, images=names, reason=reason))

    def quarantine(self, name: str) -> None:
        """Say that an image cannot be used."""
        self.say(events.ImageQuarantined(campaign=CAMPAIGN, image=name, image_version=1, reason="UNREADABLE"))

    def selected(self) -> list[events.BatchSelected]:
        """Read every batch that was announced, in order."""
        with self.database.read() as tx:
            rows = tx.execute(sa.select(tables.outbox.c.payload).order_by(tables.outbox.c.id)).scalars()
            return [events.BatchSelected.FromString(payload) for payload in rows]

    def batch(self, number: int) -> list[str]:
        """Name the images of a batch."""
        (found,) = (each for each in self.selected() if each.batch == number)
        return [each.image for each in found.images]

    def label_and_close(self, batch: int) -> None:
        """Label a whole batch and close it."""
        names = self.batch(batch)
        self.label(names)
        self.close(batch, accepted=names, labelled=names)

    def taken(self) -> set[str]:
        """Name what is not free."""
        with self.database.read() as tx:
            return set(images.matching(tx, CAMPAIGN, images.TAKEN))

    def waiting_for(self) -> str:
        """Ask what the selection waits for."""
        return self.selection().waiting_for

    def selection(self) -> pb.Selection:
        """Ask where the selection stands."""
        request = pb.GetSelectionRequest(name=f"campaigns/{CAMPAIGN}/selection")
        return self.servicer.GetSelection(request, Call.by(OPERATOR))

    def rankings(self) -> list[pb.Ranking]:
        """Ask for the rankings, newest first."""
        request = pb.ListRankingsRequest(parent=f"campaigns/{CAMPAIGN}")
        return list(self.servicer.ListRankings(request, Call.by(OPERATOR)).rankings)
