"""Write the features of real images through a network to a .npy file, for `aloft bench rerank --features`.

    scripts/features.py IMAGES OUT [--architecture resnet50] [--weights FILE] [--pixels 64]

IMAGES is a folder or a tar archive. Without weights the network is as it is drawn: its features are of the
images all the same, and as long as those of a trained one.
"""

import argparse
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aloft.imagery import ImageSpec, preprocess
from aloft.networks import FeatureExtractor, build, choose_device, load_weights
from aloft.simulation.sources import Source

BATCH = 256


def batches(source: Source, spec: ImageSpec) -> Iterator[NDArray[np.float32]]:
    """Decode all images, some at a time."""
    images = (preprocess(data, spec) for _, data in source.read(source.images()))
    while batch := list(islice(images, BATCH)):
        yield np.stack(batch)


def main() -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--architecture", default="resnet50")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--pixels", type=int, default=64)
    asked = parser.parse_args()
    backbone = build(asked.architecture)
    if asked.weights:
        backbone = load_weights(backbone, asked.weights.read_bytes())
    extract = FeatureExtractor(backbone, choose_device())
    parts = []
    for batch in batches(Source.of(asked.images, "images"), ImageSpec(asked.pixels, asked.pixels)):
        parts.append(extract(batch).astype(np.float16))
        print(f"\r{sum(map(len, parts))} images", end="", flush=True)
    features = np.concatenate(parts)
    np.save(asked.out, features)
    print(f"\r{asked.out}: {features.shape[0]} × {features.shape[1]}")


if __name__ == "__main__":
    main()
