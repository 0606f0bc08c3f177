"""What every arm begins with: starting weights, and the features that they make."""

import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from aloft.kit.errors import InvalidArgument
from aloft.learning import Progress, features_of
from aloft.networks import (
    Backbone,
    ImagesDoNotFit,
    UnknownArchitecture,
    WeightsDoNotFit,
    backbone_digest,
    build,
    load_weights,
    save_weights,
    try_out,
)
from aloft.simulation.decoded import Decoded
from aloft.simulation.keeping import write_arrays, write_whole
from aloft.simulation.options import SCRATCH, SSL, Options
from aloft.simulation.pretraining import Pretraining, pretrained
from aloft.simulation.versions import Features

_AT_ONCE = 1024
"""Images between two reports of progress."""


def initial(options: Options) -> Backbone | None:
    """Build the network, or read its weights; none where it is to be pre-trained."""
    try:
        backbone = build(options.architecture, options.bands, options.split_seed)
    except UnknownArchitecture as error:
        raise InvalidArgument.of("architecture", str(error)) from error
    _see(backbone, options)
    if options.init == SSL:
        return None
    if options.init == SCRATCH:
        return backbone
    try:
        return load_weights(backbone, Path(options.init).read_bytes())
    except WeightsDoNotFit as error:
        raise InvalidArgument.of("init", f"{options.init}: {error}") from error


def _see(backbone: Backbone, options: Options) -> None:
    try:
        try_out(backbone, options.size, options.size)
    except ImagesDoNotFit as error:
        raise InvalidArgument.of("size", str(error)) from error


def pretrain_on(
    options: Options,
    images: tuple[NDArray[np.float16], ...],
    cache: Path,
    device: torch.device,
    progress: Progress,
) -> Backbone:
    """Pre-train on what may be seen without labels."""
    plan = Pretraining(options.architecture, options.bands, options.epochs, options.split_seed)
    return pretrained(plan, np.concatenate(images), cache, device, progress)


def features(
    backbone: Backbone, decoded: Decoded, cache: Path, device: torch.device, progress: Progress
) -> Features:
    """Make the features of all images as embedding does, or take them from the cache."""
    name = hashlib.sha256(f"{backbone_digest(backbone)} {decoded.key} {device.type}".encode()).hexdigest()
    path = cache / "features" / f"{name}.npz"
    if not path.exists():
        made = Features.of(_all(backbone, decoded.pixels, device, progress))
        write_arrays(path, values=made.values, norms=made.norms)
    with np.load(path) as arrays:
        return Features(arrays["values"], arrays["norms"])


def save(backbone: Backbone, path: Path) -> None:
    """Write weights for another experiment."""
    write_whole(path, save_weights(backbone))


def _all(
    backbone: Backbone, pixels: NDArray[np.float16], device: torch.device, progress: Progress
) -> NDArray[np.float32]:
    parts = []
    for start in range(0, len(pixels), _AT_ONCE):
        parts.append(features_of(backbone, pixels[start : start + _AT_ONCE], device))
        progress(min(start + _AT_ONCE, len(pixels)), len(pixels), "features")
    return np.concatenate(parts)
