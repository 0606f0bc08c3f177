"""A manifest: the shards that cover a pool for one version, named by its own digest."""

import contextlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import ObjectExists, Objects
from aloft.shards.errors import ShardDamaged
from aloft.shards.keys import features_folder, logits_folder

FORMAT = "aloft.pool/1"


@dataclass(frozen=True, slots=True)
class LogitShard:
    """The object with the logits of a feature shard's rows, all of them, in the same order."""

    key: str
    digest: str
    """Its SHA-256."""


@dataclass(frozen=True, slots=True)
class Shard:
    """The features of some thousand images, and under a version with a head their logits."""

    key: str
    digest: str
    """Its SHA-256."""
    rows: int
    """All of them, the excluded included."""
    excluded: tuple[int, ...] = ()
    """Numbers of rows that no longer count: the image was replaced, quarantined, or left the pool."""
    features_at: int = 0
    """The byte where the features begin: those of row i lie at `features_at + 2 * feature_size * i`."""
    logits: LogitShard | None = None

    @property
    def images(self) -> int:
        """How many rows count."""
        return self.rows - len(self.excluded)

    @property
    def kept(self) -> NDArray[np.int32]:
        """Which rows count."""
        numbers = np.arange(self.rows, dtype=np.int32)
        return np.delete(numbers, self.excluded) if self.excluded else numbers


@dataclass(frozen=True, slots=True)
class Manifest:
    """Which rows are a campaign's pool under one version. Each image is in it at most once."""

    campaign: str
    version: int
    backbone: str
    """Digest of the backbone."""
    feature_size: int
    shards: tuple[Shard, ...]
    labels: tuple[str, ...] = ()
    """What the columns of the logits are; none under a version without a head, which has no logits."""
    columns: tuple[str, ...] = ()
    """What every logit shard holds beside the logits, by name: a number an image."""

    @property
    def images(self) -> int:
        """How many images it covers."""
        return sum(shard.images for shard in self.shards)

    @property
    def folder(self) -> str:
        """Where it lies: with the logits if there are any, or else with the features."""
        if self.labels:
            return logits_folder(self.campaign, self.version)
        return features_folder(self.campaign, self.backbone)

    def encode(self) -> bytes:
        """Write it: the same bytes for the same content, so that its digest names it."""
        said = {"format": FORMAT, **asdict(self)}
        if not self.columns:
            del said["columns"]  # as in manifests written before there were any
        return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes, key: str) -> "Manifest":
        """Read what `encode` wrote; fields that a later release adds are passed over."""
        try:
            found = json.loads(data)
            if found["format"] != FORMAT:
                raise ShardDamaged(key, f"it has format {found['format']!r}, {FORMAT!r} is read here")
            manifest = cls(
                **{name: found[name] for name in ("campaign", "version", "backbone", "feature_size")},
                shards=tuple(map(_shard, found["shards"])),
                labels=tuple(found["labels"]),
                columns=tuple(found.get("columns", ())),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ShardDamaged(key, f"it is no manifest: {type(error).__name__}: {error}") from error
        if any((shard.logits is None) == bool(manifest.labels) for shard in manifest.shards):
            raise ShardDamaged(key, "it has labels without logits, or logits without labels")
        if manifest.columns and not manifest.labels:
            raise ShardDamaged(key, "it has columns beside logits, and no logits")
        return manifest


def write_manifest(objects: Objects, manifest: Manifest) -> tuple[str, str]:
    """Store a manifest and say its key and digest. One that is there already has the same bytes."""
    data = manifest.encode()
    digest = sha256_hex(data)
    key = f"{manifest.folder}{digest}.json"
    with contextlib.suppress(ObjectExists):
        objects.put(key, data, content_type="application/json", only_new=True)
    return key, digest


def read_manifest(objects: Objects, key: str, digest: str) -> Manifest:
    """Read a manifest that an event named, or raise `ShardDamaged` if it is another."""
    data = objects.get(key)
    if (found := sha256_hex(data)) != digest:
        raise ShardDamaged(key, f"its SHA-256 is {found}, it should be {digest}")
    return Manifest.decode(data, key)


def _shard(entry: dict[str, Any]) -> Shard:
    beside = entry["logits"]
    return Shard(
        key=entry["key"],
        digest=entry["digest"],
        rows=entry["rows"],
        excluded=tuple(entry["excluded"]),
        features_at=entry["features_at"],
        logits=None if beside is None else LogitShard(beside["key"], beside["digest"]),
    )
