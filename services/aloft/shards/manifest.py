"""A manifest: the shards that cover a pool for one version, named by its own digest."""

import contextlib
import json
from dataclasses import asdict, dataclass

from aloft.kit.objects.digests import sha256_hex
from aloft.kit.objects.port import ObjectExists, Objects
from aloft.shards.errors import ShardDamaged
from aloft.shards.keys import manifest_key

FORMAT = "aloft.features/1"


@dataclass(frozen=True, slots=True)
class Shard:
    """One object of the manifest."""

    key: str
    digest: str
    """Its SHA-256."""
    rows: int
    """All of them, the excluded included."""
    excluded: tuple[int, ...] = ()
    """Numbers of rows that no longer count: the image was replaced, quarantined, or left the pool."""

    @property
    def images(self) -> int:
        """How many rows count."""
        return self.rows - len(self.excluded)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Which rows are a campaign's pool under one version. Each image is in it at most once."""

    campaign: str
    version: int
    backbone: str
    """Digest of the backbone."""
    feature_size: int
    shards: tuple[Shard, ...]

    @property
    def images(self) -> int:
        """How many images it covers."""
        return sum(shard.images for shard in self.shards)

    def encode(self) -> bytes:
        """Write it: the same bytes for the same content, so that its digest names it."""
        text = json.dumps({"format": FORMAT, **asdict(self)}, sort_keys=True, separators=(",", ":"))
        return text.encode()

    @classmethod
    def decode(cls, data: bytes, key: str) -> "Manifest":
        """Read what `encode` wrote; fields that a later release adds are passed over."""
        try:
            found = json.loads(data)
            if found["format"] != FORMAT:
                raise ShardDamaged(key, f"it has format {found['format']!r}, {FORMAT!r} is read here")
            shards = tuple(
                Shard(entry["key"], entry["digest"], entry["rows"], tuple(entry["excluded"]))
                for entry in found["shards"]
            )
            plain = {name: found[name] for name in ("campaign", "version", "backbone", "feature_size")}
        except (ValueError, KeyError, TypeError) as error:
            raise ShardDamaged(key, f"it is no manifest: {type(error).__name__}: {error}") from error
        return cls(**plain, shards=shards)


def write_manifest(objects: Objects, manifest: Manifest) -> tuple[str, str]:
    """Store a manifest and say its key and digest. One that is there already has the same bytes."""
    data = manifest.encode()
    digest = sha256_hex(data)
    key = manifest_key(manifest.campaign, manifest.backbone, digest)
    with contextlib.suppress(ObjectExists):
        objects.put(key, data, content_type="application/json", only_new=True)
    return key, digest


def read_manifest(objects: Objects, key: str, digest: str) -> Manifest:
    """Read a manifest that an event named, or raise `ShardDamaged` if it is another."""
    data = objects.get(key)
    if (found := sha256_hex(data)) != digest:
        raise ShardDamaged(key, f"its SHA-256 is {found}, it should be {digest}")
    return Manifest.decode(data, key)
