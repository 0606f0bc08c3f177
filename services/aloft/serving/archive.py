"""The archive of a version: weights, what must be known to answer with them, and the handler's entry.

A `.mar`, which is a zip. The same content gives the same bytes, so whoever holds the members, as a server
that has unpacked them does, can say the digest of the archive they came from.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from aloft.imagery import ImageSpec

FORMAT = "aloft.served/1"
WEIGHTS = "weights.safetensors"
DESCRIPTION = "model.json"
ENTRY = "aloft_entry.py"
MANIFEST = "MAR-INF/MANIFEST.json"
MEMBERS = (MANIFEST, ENTRY, DESCRIPTION, WEIGHTS)
"""In the order in which they lie."""

# TorchServe takes a handler only from a file that the archive brings; its code is installed with the server.
_ENTRY = "from aloft.serving.torchserve.entry import Entry\n\nhandle = Entry().handle\n"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)


class ArchiveDamaged(ValueError):
    """The bytes are no archive of a version, or not a whole one."""


@dataclass(frozen=True, slots=True)
class Golden:
    """What the version's own network answers to inputs that a seed draws."""

    inputs_seed: int
    outputs: tuple[tuple[float, ...], ...]
    """Logits of a version with a head, features of a base version: on the CPU, in single precision."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What must be known of a version to answer with its weights."""

    campaign: str
    version: int
    architecture: str
    spec: ImageSpec
    labels: tuple[str, ...]
    """In the order of the logits; none for a base version."""
    temperature: float
    thresholds: tuple[float, ...]
    """Of the probability of each label."""
    golden: Golden

    def __post_init__(self) -> None:
        if len(self.thresholds) != len(self.labels):
            raise ValueError(f"{len(self.thresholds)} thresholds for {len(self.labels)} labels")
        if not self.temperature > 0:
            raise ValueError(f"the temperature must be above 0, not {self.temperature}")


def write_archive(described: ServedModel, weights: bytes) -> bytes:
    """Make the archive: the same bytes for the same content."""
    manifest = {
        "archiverVersion": "0.12.0",
        "model": {
            "handler": ENTRY,
            "modelName": described.campaign,
            "modelVersion": str(described.version),
            "serializedFile": WEIGHTS,
        },
        "runtime": "python",
    }
    members = {
        MANIFEST: _json(manifest),
        ENTRY: _ENTRY.encode(),
        DESCRIPTION: _json({"format": FORMAT, **asdict(described)}),
        WEIGHTS: weights,
    }
    return pack(members)


def read_archive(data: bytes) -> tuple[ServedModel, bytes]:
    """Take an archive apart: what it describes, and its weights."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            # Stored and not compressed: what is read is never longer than the archive.
            if [(one.filename, one.compress_type) for one in opened.infolist()] != [
                (name, zipfile.ZIP_STORED) for name in MEMBERS
            ]:
                raise ArchiveDamaged(f"an archive has the members {', '.join(MEMBERS)} and no other")
            members = {name: opened.read(name) for name in MEMBERS}
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise ArchiveDamaged(f"it cannot be unpacked: {error}") from error
    return read_description(members[DESCRIPTION]), members[WEIGHTS]


def pack(members: Mapping[str, bytes]) -> bytes:
    """Put the members of an archive together."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in MEMBERS:
            info = zipfile.ZipInfo(name, _LONG_AGO)
            info.create_system = 3  # whatever system it is made on
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return packed.getvalue()


def read_description(data: bytes) -> ServedModel:
    """Read what an archive says of its version."""
    try:
        said = json.loads(data)
        if said["format"] != FORMAT:
            raise ArchiveDamaged(f"its format is {said['format']!r}, not {FORMAT!r}")
        return _described(said)
    except ArchiveDamaged:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise ArchiveDamaged(f"{DESCRIPTION} cannot be read: {type(error).__name__} {error}") from error


def archive_name(campaign: str, version: int, digest: str) -> str:
    """Name an archive so that no other has its name; `.mar` is added where it becomes a file."""
    return f"{campaign}-{version}-{digest}"


def _described(said: Mapping[str, Any]) -> ServedModel:
    spec, golden = said["spec"], said["golden"]
    return ServedModel(
        campaign=str(said["campaign"]),
        version=int(said["version"]),
        architecture=str(said["architecture"]),
        spec=ImageSpec(spec["height"], spec["width"], spec["bands"], tuple(spec["mean"]), tuple(spec["std"])),
        labels=tuple(map(str, said["labels"])),
        temperature=float(said["temperature"]),
        thresholds=tuple(map(float, said["thresholds"])),
        golden=Golden(int(golden["inputs_seed"]), tuple(tuple(map(float, row)) for row in golden["outputs"])),
    )


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
