"""Images as networks take them, decoded once and kept in a file that is mapped into memory."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloft.imagery import ImageError, ImageSpec, preprocess
from aloft.learning import Progress
from aloft.simulation.keeping import whole_folder
from aloft.simulation.sources import Source

_FORMAT = 1
_PIXELS = "pixels.npy"


class Undecodable(Exception):
    """Some images cannot be used: why, by path."""

    def __init__(self, why: dict[str, str]) -> None:
        super().__init__(f"{len(why)} images cannot be used")
        self.why = why


@dataclass(frozen=True, slots=True)
class Decoded:
    """Images in the order in which they were asked for."""

    pixels: NDArray[np.float16]
    """Images × height × width × bands, normalised."""
    digests: tuple[str, ...]
    """The SHA-256 of each image's bytes."""
    key: str
    """Digest of the images' bytes and of what they were made into."""
    path: Path
    """The file of the pixels, for other processes to map."""


def decode_all(
    source: Source, names: Sequence[str], spec: ImageSpec, cache: Path, progress: Progress
) -> Decoded:
    """Read images, or take them from the cache where the files are as they were."""
    stamp = hashlib.sha256(f"{_FORMAT} {spec!r} {source.stamp(names)}".encode()).hexdigest()
    folder = cache / "images" / stamp
    if not folder.exists():
        with whole_folder(folder) as unfinished:
            _write(source, names, spec, unfinished, progress)
    digests = json.loads((folder / "digests.json").read_text())
    pixels = np.load(folder / _PIXELS, mmap_mode="r")
    key = hashlib.sha256("\n".join((repr(spec), *digests)).encode()).hexdigest()
    return Decoded(pixels, tuple(digests), key, folder / _PIXELS)


def _write(source: Source, names: Sequence[str], spec: ImageSpec, folder: Path, progress: Progress) -> None:
    shape = (len(names), spec.height, spec.width, spec.bands)
    pixels = np.lib.format.open_memmap(folder / _PIXELS, "w+", np.float16, shape)
    place = {name: at for at, name in enumerate(names)}
    digests, why = [""] * len(names), dict[str, str]()
    for done, (name, data) in enumerate(source.read(names), start=1):
        try:
            pixels[place[name]] = preprocess(data, spec)
        except ImageError as error:
            why[name] = str(error)
        digests[place[name]] = hashlib.sha256(data).hexdigest()
        progress(done, len(names), "decoding")
    if why:
        raise Undecodable(why)
    pixels.flush()
    (folder / "digests.json").write_text(json.dumps(digests))
