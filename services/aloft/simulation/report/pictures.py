"""Pictures for the galleries, from the images that the experiment decoded and kept."""

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aloft.imagery import ImageSpec
from aloft.simulation.dataset import open_table
from aloft.simulation.decoded import decode_all
from aloft.simulation.options import Options
from aloft.simulation.report.gallery import Thumbnail
from aloft.simulation.sources import Source


def pictures(options: Options, cache: Path) -> Thumbnail:
    """Give the pictures of an experiment's images, by path. Of many bands the first three are shown."""
    source = Source.of(options.data, "data")
    table, _ = open_table(source, options.labels)
    spec = ImageSpec(options.size, options.size, options.bands)
    kept = decode_all(source, table.paths, spec, cache, lambda done, total, stage: None)
    rows = {path: at for at, path in enumerate(table.paths)}

    def thumbnail(path: str) -> bytes | None:
        return png_of(kept.pixels[rows[path]], spec) if path in rows else None

    return thumbnail


def png_of(pixels: NDArray[np.float16], spec: ImageSpec) -> bytes:
    """Undo the normalisation of an image: height × width × bands."""
    values = pixels.astype(np.float32) * np.array(spec.std) + np.array(spec.mean)
    shown = values[..., :3] if spec.bands >= 3 else values[..., 0]
    if spec.bands != 3:
        # What measures light and makes no photograph lies low in the range of its type.
        shown = shown / max(float(np.percentile(shown, 99)), 1e-6)
    data = io.BytesIO()
    Image.fromarray(np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)).save(data, "PNG")
    return data.getvalue()
