"""Decodes images once, into a file that is mapped into memory: no pool is too large for it."""

import json
import tempfile
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from aloft.pool_images import ImageReader, PoolImage, Rejected, read_ahead
from aloft.trainer.domain.snapshot import Item
from aloft.trainer.use_cases.means import Attempt

OTHERS = 16
"""How many images are tried before one that the store refuses is taken for a bucket refused."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """Images as a network takes them."""

    images: NDArray[np.floating]
    """Images × height × width × bands, normalised."""
    items: Sequence[Item]
    """Row for row. What could not be read is not among them."""
    left_out: Mapping[str, int]
    """How many could not be read, by reason."""


def decode(attempt: Attempt, name: str, items: Sequence[Item], dtype: type[np.floating]) -> Decoded:
    """Read and preprocess images, or find that an attempt on this machine has done so."""
    folder = attempt.means.folder(attempt.run)
    said = _found(folder, name)
    if said is None:
        folder.mkdir(parents=True, exist_ok=True)
        said = _decode_into(folder, attempt, name, items, dtype)
    kept = [items[position] for position in said["kept"]]
    return Decoded(_mapped(attempt, folder / said["data"], len(kept), dtype), kept, said["left_out"])


def _found(folder: Path, name: str) -> dict[str, Any] | None:
    """Read an index whose data lie there. One that an older release wrote names none."""
    try:
        said: dict[str, Any] = json.loads((folder / f"{name}.json").read_text())
    except FileNotFoundError:
        return None
    return said if "data" in said and (folder / said["data"]).exists() else None


def _decode_into(
    folder: Path, attempt: Attempt, name: str, items: Sequence[Item], dtype: type[np.floating]
) -> dict[str, Any]:
    # Two attempts may be at it, one of them a zombie: the data's name is nobody else's, and the index says
    # it, so that nobody finds the rows of one decoding under the index of another.
    data = folder / f"{name}-{uuid.uuid4().hex}.images"
    with _whole(data) as file:
        kept, left_out = _read_all(attempt, name, items, dtype, file)
    said = {"data": data.name, "kept": kept, "left_out": left_out}
    with _whole(folder / f"{name}.json") as text:
        text.write(json.dumps(said).encode())
    return said


@contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """Write a file that is there when it is whole; nothing of it stays where that fails."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            yield file
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
    Path(file.name).replace(path)


def _read_all(
    attempt: Attempt, name: str, items: Sequence[Item], dtype: type[np.floating], file: IO[bytes]
) -> tuple[list[int], dict[str, int]]:
    options = attempt.means.options
    read = ImageReader(
        attempt.means.pool,
        attempt.campaign.spec,
        options.max_image_bytes,
        others=lambda: [item.key for item in items[:OTHERS]],
    )
    images = (PoolImage(item.image, item.key, item.etag, item.version) for item in items)
    kept: list[int] = []
    left_out: Counter[str] = Counter()
    with closing(read_ahead(images, read, options.reader_threads)) as results:
        for position, (_, result) in enumerate(results):
            attempt.beat(position, len(items), f"reading {name} images")
            if isinstance(result, Rejected):
                left_out[result.reason.value] += 1
                continue
            file.write(result.astype(dtype).tobytes())
            kept.append(position)
    return kept, dict(sorted(left_out.items()))


def _mapped(attempt: Attempt, data: Path, count: int, dtype: type[np.floating]) -> NDArray[np.floating]:
    spec = attempt.campaign.spec
    shape = (count, spec.height, spec.width, spec.bands)
    # Copy-on-write, because torch warns of arrays that cannot be written; nothing writes to it.
    return np.memmap(data, dtype, "c", shape=shape) if count else np.empty(shape, dtype)
