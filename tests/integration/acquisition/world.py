"""Acquisition alone: a test says what other services would, and reads what it announced from its outbox."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from google.protobuf.message import Message

from aloft.acquisition import app
from aloft.acquisition.explaining import explain
from aloft.acquisition.handlers import handlers
from aloft.acquisition.preview import COMPARE, PREVIEW, PreviewJob
from aloft.acquisition.rank import RankJob
from aloft.acquisition.servicer import AcquisitionServicer
from aloft.acquisition.situation import RANK, RERANK
from aloft.acquisition.store import images
from aloft.api.acquisition.v1 import acquisition_service_pb2 as pb
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as campaign_pb
from aloft.kit.bus import tables
from aloft.kit.bus.context import Context
from aloft.kit.database import Database, migrate
from aloft.kit.explaining import Cause
from aloft.kit.jobs import Jobs, JobWorker
from aloft.kit.jobs.worker import Handler as JobHandler
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.port import Objects
from aloft.kit.rpc.call import Call, Principal, Role
from aloft.kit.rpc.explanations import explain_all
from aloft.shards import (
    Manifest,
    feature_shard_key,
    logit_shard_key,
    read_shard,
    write_logits,
    write_manifest,
    write_shard,
)
from tests.contract.databases import place

CAMPAIGN = "c"
OPERATOR = Principal("operators/o", Role.OPERATOR)


def image(number: int) -> str:
    """Make the id of an image, as registration does."""
    return hashlib.sha256(f"image {number}".encode()).digest()[:16].hex()


class World:
    """One campaign. What embedding and the label store would say is said by the test."""

    def __init__(
        self, database: Database, folder: Path, objects: Objects | None = None, name: str = CAMPAIGN
    ) -> None:
        self.id = name
        self.database = database
        self.objects = objects or DirectoryObjects(folder)
        self.jobs = Jobs(database)
        self._handlers = handlers(self.jobs, self.objects)
        self.look_for_at_most(600.0)
        self.servicer = AcquisitionServicer(database, self.objects, self.jobs)
        self._version = 0
        self._revision = 0
        self._generation = 0

    def look_for_at_most(self, seconds: float) -> None:
        """Work with this much patience for whoever asks what would be selected."""
        rank = RankJob(self.database, self.objects, self.jobs)
        look = PreviewJob(self.database, self.objects, seconds)
        does: dict[str, JobHandler] = {
            RANK: rank,
            RERANK: rank.rerank,
            PREVIEW: look.preview,
            COMPARE: look.compare,
        }
        self.worker = JobWorker(self.jobs, does, "w")

    def say(self, event: Message) -> None:
        """Handle an event, as the inbox does: effect and mark in one transaction."""
        with self.database.transaction() as tx:
            self._handlers[type(event)](tx, event, self._context(tx.now()))

    def _context(self, now: int) -> Context:
        return Context("e", "t", self.id, "", now, "", 1)

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
                    name=f"campaigns/{self.id}",
                    version=self._version,
                    state=campaign_pb.Campaign.State.Value(f"STATE_{state}"),
                    strategy=campaign_pb.Strategy(expression=strategy, seed=2**63 + 5),
                    batch_policy=campaign_pb.BatchPolicy(size=size),
                    **more,
                )
            )
        )

    def publish(
        self, version: int = 1, promoted: bool = True, revision: int = 0, base: bool = False, gate: str = ""
    ) -> None:
        """Say that a version is there."""
        self.say(
            events.ModelPublished(
                campaign=self.id,
                version=version,
                promoted=promoted,
                label_revision=revision,
                base=base,
                gate_failure=gate,
            )
        )

    def embedded(
        self,
        numbers: Sequence[int],
        version: int = 1,
        rows: int = 3,
        *,
        labels: Sequence[str] = (),
        values: Mapping[int, tuple[float, float]] | None = None,
        columns: Sequence[str] = (),
    ) -> events.PoolEmbedded:
        """Write a pool into shards, with logits where there are labels, and make the event that says so.

        The lower an image's number, the less certain its logits; `values` are features of other images.
        In the columns beside the logits each image has its number.
        """
        self._generation += 1
        names = [image(number) for number in numbers]
        features = np.array([(number % 7, number * 0.5) for number in numbers], dtype=np.float32)
        for row, number in enumerate(numbers):
            features[row] = (values or {}).get(number, features[row])
        logits = np.repeat(-1.0 - np.array([list(numbers)], dtype=np.float32).T, len(labels), axis=1)
        shards = []
        for start in range(0, len(names), rows):
            part, attempt = slice(start, start + rows), f"g{self._generation}"
            key = feature_shard_key(self.id, f"b{version}", start, attempt)
            shard = write_shard(self.objects, key, names[part], features[part])
            if labels:
                key = logit_shard_key(self.id, version, start, attempt)
                beside = {name: np.array(list(numbers)[part], dtype=np.float32) for name in columns}
                read = read_shard(self.objects, shard, 2)
                shard = replace(shard, logits=write_logits(self.objects, key, read, logits[part], beside))
            shards.append(shard)
        manifest = Manifest(self.id, version, f"b{version}", 2, tuple(shards), tuple(labels), tuple(columns))
        key, digest = write_manifest(self.objects, manifest)
        return events.PoolEmbedded(
            campaign=self.id,
            version=version,
            generation=self._generation,
            manifest_key=key,
            manifest_digest=digest,
            images=len(names),
        )

    def embed(self, numbers: Sequence[int], version: int = 1, **more: Any) -> None:
        """Say that a pool is embedded."""
        self.say(self.embedded(numbers, version, **more))

    def label(self, names: Sequence[str]) -> int:
        """Say that images are labelled; give the revision."""
        self._revision += 1
        self.say(self.labels(self._revision, names))
        return self._revision

    def labels(self, revision: int, names: Sequence[str]) -> events.LabelsCommitted:
        """Make the event of a label revision."""
        sets = [events.CommittedLabelSet(image=name, version=1) for name in names]
        return events.LabelsCommitted(campaign=self.id, label_revision=revision, label_sets=sets)

    def close(self, batch: int, reason: str = "COMPLETE", revision: int | None = None, **fates: Any) -> None:
        """Say that a batch closed; with `train`, that a version is to be trained on its labels."""
        named = self._revision if revision is None else revision
        self.say(
            events.BatchClosed(campaign=self.id, batch=batch, reason=reason, label_revision=named, **fates)
        )

    def release(self, batch: int, names: Sequence[str], reason: str = "LEASE_EXPIRED") -> None:
        """Say that images left a batch without a label."""
        self.say(events.ImageReleased(campaign=self.id, batch=batch, images=names, reason=reason))

    def register(self, name: str, version: int = 1, split: str = "POOL") -> None:
        """Say that an image was registered, or registered anew."""
        self.say(events.ImageRegistered(campaign=self.id, images=[self.registered(name, version, split)]))

    def registered(self, name: str, version: int, split: str = "POOL") -> events.RegisteredImage:
        """Describe one registration."""
        return events.RegisteredImage(
            image=name, version=version, split=campaign_pb.Split.Value(f"SPLIT_{split}")
        )

    def quarantine(self, name: str, version: int = 1) -> None:
        """Say that an image cannot be used."""
        self.say(
            events.ImageQuarantined(campaign=self.id, image=name, image_version=version, reason="UNREADABLE")
        )

    def selected(self) -> list[events.BatchSelected]:
        """Read every batch that was announced, in order."""
        with self.database.read() as tx:
            mine = sa.select(tables.outbox.c.payload).where(tables.outbox.c.aggregateid == self.id)
            rows = tx.execute(mine.order_by(tables.outbox.c.id)).scalars()
            return [events.BatchSelected.FromString(payload) for payload in rows]

    def batch(self, number: int) -> list[str]:
        """Name the images of a batch."""
        (found,) = (each for each in self.selected() if each.batch == number)
        return [each.image for each in found.images]

    def label_and_close(self, batch: int, *, train: bool = False) -> int:
        """Label a whole batch and close it; give the revision that holds its labels."""
        names = self.batch(batch)
        revision = self.label(names)
        self.close(batch, accepted=names, labelled=names, train=train)
        return revision

    def taken(self) -> set[str]:
        """Name what is not free."""
        with self.database.read() as tx:
            return set(images.matching(tx, self.id, images.TAKEN))

    def waiting_for(self) -> str:
        """Ask what the selection waits for."""
        return self.selection().waiting_for

    def selection(self) -> pb.Selection:
        """Ask where the selection stands."""
        request = pb.GetSelectionRequest(name=f"campaigns/{self.id}/selection")
        return self.servicer.GetSelection(request, Call.by(OPERATOR))

    def rankings(self) -> list[pb.Ranking]:
        """Ask for the rankings, newest first."""
        request = pb.ListRankingsRequest(parent=f"campaigns/{self.id}")
        return list(self.servicer.ListRankings(request, Call.by(OPERATOR)).rankings)

    def why(self) -> dict[str, Cause]:
        """Ask what `aloft why` shows of acquisition, by code, where the broker takes every event."""
        with self.database.transaction() as tx:
            tx.execute(sa.update(tables.outbox).values(published_us=tx.now()))
        with self.database.read() as tx:
            return {cause.code: cause for cause in explain_all(tx, app.NAME, self.id, explain)}

    def picks(self, batch: int, size: int = 0, token: str = "") -> pb.ListSelectedImagesResponse:
        """Ask which images a batch was made of."""
        request = pb.ListSelectedImagesRequest(
            parent=f"campaigns/{self.id}/batches/{batch}", page_size=size, page_token=token
        )
        return self.servicer.ListSelectedImages(request, Call.by(OPERATOR))


@contextmanager
def opened(folder: Path, admin_url: str | None = None) -> Iterator[World]:
    """Make a world on a fresh SQLite file, or in a fresh database of a PostgreSQL server."""
    with place(folder, admin_url) as made:
        database = made.open()
        migrate(database, "aloft.acquisition")
        yield World(database, folder / "objects")


def begin(world: World, images: int = 8, **campaign: int | str) -> None:
    """Say all that the first batch takes."""
    world.campaign(**campaign)  # type: ignore[arg-type]
    world.publish()
    world.embed(range(images))
    world.work()
