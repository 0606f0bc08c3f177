"""Embedding alone: a test says what label store and trainer would, and reads the outbox and the bucket."""

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa
from google.protobuf.message import Message
from PIL import Image

from aloft.api.embedding.v1 import embedding_service_pb2 as api
from aloft.api.events.v1 import events_pb2 as events
from aloft.api.labels.v1 import campaign_pb2 as labels
from aloft.embedding.explaining import explain
from aloft.embedding.handlers import EventHandlers
from aloft.embedding.servicer import EmbeddingServicer
from aloft.embedding.use_cases.artefacts import Artefacts
from aloft.embedding.use_cases.embed_pool import EmbedPool, Options
from aloft.embedding.use_cases.pipeline import Feed
from aloft.embedding.use_cases.turns import EMBED
from aloft.kit.bus import tables
from aloft.kit.bus.context import Context
from aloft.kit.database import Database, migrate
from aloft.kit.explaining import Cause
from aloft.kit.ids import image_id
from aloft.kit.jobs import Jobs, JobWorker
from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.directory import DirectoryObjects
from aloft.kit.objects.errors import StoreUnavailable
from aloft.kit.objects.port import Objects
from aloft.kit.rpc.call import Call, Principal, Role
from aloft.networks import Head, LossHead, backbone_digest, build, save_weights
from aloft.shards import Manifest, features_folder, logits_folder, read_manifest, stream, stream_logits
from tests.contract.databases import place

CAMPAIGN = "c"
LABELS = ("water", "ship", "field")
FEATURES = 32
"""Of the network `tiny`."""
OPERATOR = Principal("operators/o", Role.OPERATOR)
SPEC = labels.ImageSpec(height=16, width=16, bands=3)


def picture(seed: int, bands: int = 3) -> bytes:
    """Draw an image that no other seed gives."""
    shape = (16, 16, bands) if bands > 1 else (16, 16)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def head(seed: int) -> Head:
    """Draw a head that no other seed gives."""
    drawn = np.random.default_rng(seed)
    shape = (len(LABELS), FEATURES)
    return Head(
        drawn.normal(size=shape).astype(np.float32), drawn.normal(size=len(LABELS)).astype(np.float32)
    )


class World:
    """One campaign, a bucket of images, and the service's loops taken a step at a time."""

    def __init__(
        self,
        database: Database,
        folder: Path,
        *,
        batch: int = 2,
        shard_images: int = 4,
        campaign: str = CAMPAIGN,
    ) -> None:
        self.name = campaign
        self.database = database
        self.objects: Objects = DirectoryObjects(folder / "objects")
        self.images = DirectoryObjects(folder / "pool")
        self.options = Options(Feed(batch, 2), shard_images, 1 << 20)
        self.jobs = Jobs(self.database)
        self.servicer = EmbeddingServicer(self.database, self.objects, self.jobs)
        self._versions: dict[str, int] = {}

    def worker(self, pool: Any = None, objects: Any = None) -> JobWorker:
        """Make a worker as a new process would, over other ports where they are given."""
        bucket = objects or self.objects
        artefacts = Artefacts(bucket, "cpu")
        embed = EmbedPool(self.database, bucket, pool or self.images, self.jobs, artefacts, self.options)
        return JobWorker(self.jobs, {EMBED: embed}, "w")

    def work(self, worker: JobWorker | None = None) -> int:
        """Do every job that is due; say how many there were."""
        worker, count = worker or self.worker(), 0
        while worker.step():
            count += 1
            assert count < 50, "jobs queue one another for ever"
        return count

    def say(self, event: Message) -> None:
        """Handle an event, as the inbox does."""
        handlers = EventHandlers(self.jobs, self.objects).by_event()
        with self.database.transaction() as tx:
            handlers[type(event)](tx, event, Context("e", "t", self.name, "", tx.now(), "", 1))

    def campaign(self, version: int = 1, **more: Any) -> None:
        """Say how the campaign is."""
        spec = more.pop("image_spec", SPEC)
        campaign = labels.Campaign(name=f"campaigns/{self.name}", version=version, image_spec=spec, **more)
        self.say(events.CampaignChanged(campaign=campaign))

    def put(self, *numbers: int) -> None:
        """Lay images into the pool bucket."""
        for number in numbers:
            self.images.put(f"{number}.png", picture(number))

    def registered(
        self, key: str, split: labels.Split.ValueType = labels.SPLIT_POOL
    ) -> events.RegisteredImage:
        """Describe what lies under a key as the label store would, a version higher each time."""
        found = self.images.stat(key)
        self._versions[key] = self._versions.get(key, 0) + 1
        return events.RegisteredImage(
            image=image_id(key),
            key=key,
            object_etag=found.etag,
            size=found.size,
            split=split,
            version=self._versions[key],
        )

    def register(self, *keys: str, split: labels.Split.ValueType = labels.SPLIT_POOL) -> None:
        """Say that images are registered."""
        self.say(
            events.ImageRegistered(campaign=self.name, images=[self.registered(key, split) for key in keys])
        )

    def add(self, *numbers: int) -> None:
        """Lay images into the bucket and register them."""
        self.put(*numbers)
        self.register(*(f"{number}.png" for number in numbers))

    def publish(
        self,
        version: int = 1,
        seed: int = 1,
        head: Head | None = None,
        losses: LossHead | None = None,
        **more: Any,
    ) -> events.ModelPublished:
        """Say that a version is published, its artefact being in the bucket."""
        backbone = build("tiny", seed=seed)
        weights = save_weights(backbone, head, losses)
        key = f"campaigns/{self.name}/models/{version}/weights.safetensors"
        self.objects.put(key, weights)
        said: dict[str, Any] = {
            "campaign": self.name,
            "version": version,
            "promoted": True,
            "base": head is None,
            "labels": LABELS if head is not None else (),
            "architecture": "tiny",
            "artefact_key": key,
            "artefact_digest": sha256_hex(weights),
            "backbone_digest": backbone_digest(backbone),
            "feature_size": backbone.feature_size,
            "loss_head": losses is not None,
        }
        event = events.ModelPublished(**{**said, **more})
        self.say(event)
        return event

    def announced(self, kind: type[Message]) -> list[Any]:
        """Read every event of a kind that was announced of the campaign, in order."""
        with self.database.read() as tx:
            wanted = sa.select(tables.outbox.c.payload).where(
                tables.outbox.c.type == kind.DESCRIPTOR.full_name
            )
            found: list[Any] = [
                kind.FromString(row[0]) for row in tx.execute(wanted.order_by(tables.outbox.c.id))
            ]
        return [event for event in found if event.campaign == self.name]

    def pools(self) -> list[events.PoolEmbedded]:
        """Read what was announced of the pool."""
        return self.announced(events.PoolEmbedded)

    def quarantined(self) -> dict[str, str]:
        """Read which images were announced as unusable, and why."""
        return {event.image: event.reason for event in self.announced(events.ImageQuarantined)}

    def manifest(self) -> Manifest:
        """Read the manifest that was announced last."""
        event = self.pools()[-1]
        found = read_manifest(self.objects, event.manifest_key, event.manifest_digest)
        assert (found.version, found.images) == (event.version, event.images), "event and manifest differ"
        return found

    def features(self) -> dict[str, np.ndarray[Any, Any]]:
        """Read the features of the manifest that was announced last; no image may be there twice."""
        rows = [
            (image.ljust(16, b"\0").hex(), features)
            for part in stream(self.objects, self.manifest())
            for image, features in zip(part.images.tolist(), part.features, strict=True)
        ]
        assert len({image for image, _ in rows}) == len(rows), "an image is in the manifest twice"
        return dict(rows)

    def logits(self) -> dict[str, np.ndarray[Any, Any]]:
        """Read the logits of the manifest that was announced last; no image may be there twice."""
        rows = [
            (image.ljust(16, b"\0").hex(), logits)
            for part in stream_logits(self.objects, self.manifest())
            for image, logits in zip(part.images.tolist(), part.logits, strict=True)
        ]
        assert len({image for image, _ in rows}) == len(rows), "an image is in the manifest twice"
        return dict(rows)

    def column(self, name: str) -> dict[str, float]:
        """Read a column of the manifest that was announced last, by image."""
        return {
            image.ljust(16, b"\0").hex(): value
            for part in stream_logits(self.objects, self.manifest())
            for image, value in zip(part.images.tolist(), part.columns[name].tolist(), strict=True)
        }

    def causes(self) -> list[Cause]:
        """Ask the service what the campaign waits for."""
        with self.database.read() as tx:
            return list(explain(tx, self.name))

    def collect(self, *, dry_run: bool = False) -> api.CollectPoolGarbageResponse:
        """Have the service tidy up."""
        asked = api.CollectPoolGarbageRequest(name=f"campaigns/{self.name}/pool", dry_run=dry_run)
        return self.servicer.CollectPoolGarbage(asked, Call.by(OPERATOR))

    def stored(self) -> set[str]:
        """Name the shards and manifests in the bucket."""
        folders = (features_folder(self.name), logits_folder(self.name))
        return {info.key for folder in folders for info in self.objects.list(folder)}

    def pool(self) -> api.Pool:
        """Ask the service where the pool stands."""
        return self.servicer.GetPool(
            api.GetPoolRequest(name=f"campaigns/{self.name}/pool"), Call.by(OPERATOR)
        )


def ids(numbers: Iterable[int]) -> set[str]:
    """Say the ids of images."""
    return {image_id(f"{number}.png") for number in numbers}


@contextmanager
def opened(folder: Path, admin_url: str | None = None, **options: Any) -> Iterator[World]:
    """Make a world on SQLite, or on the PostgreSQL server of the URL."""
    with place(folder, admin_url) as made:
        database = made.open()
        migrate(database, "aloft.embedding")
        yield World(database, folder, **options)


class Watched:
    """A bucket that counts what is opened, and does something else where a test says so."""

    def __init__(self, objects: Any) -> None:
        self.objects = objects
        self.opened: list[str] = []
        self.away = False

    @contextmanager
    def stream(self, key: str) -> Iterator[Iterator[bytes]]:
        if self.away:
            raise StoreUnavailable("the store does not answer")
        self.opened.append(key)
        with self.objects.stream(key) as pieces:
            yield pieces

    def __getattr__(self, name: str) -> Any:
        return getattr(self.objects, name)


class Killed(BaseException):
    """The process ended here."""


class Dying:
    """A bucket whose process dies at a put."""

    def __init__(self, objects: Any, puts: int) -> None:
        self.objects = objects
        self.puts = puts

    def put(self, *arguments: Any, **named: Any) -> Any:
        if self.puts == 0:
            raise Killed
        self.puts -= 1
        return self.objects.put(*arguments, **named)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.objects, name)
