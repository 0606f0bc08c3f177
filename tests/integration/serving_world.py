"""Versions to serve: tiny networks with archives as the trainer writes them."""

from dataclasses import dataclass

import numpy as np

from aloft.imagery import ImageSpec
from aloft.kit.objects.digests import sha256_hex
from aloft.networks import FeatureExtractor, build, choose_device, save_weights
from aloft.networks.head import Head
from aloft.serving.archive import Golden, ServedModel, read_archive, write_archive
from aloft.serving.golden import golden_images

SPEC = ImageSpec(16, 16, 3)
LABELS = ("ship", "quay", "crane")


@dataclass(frozen=True)
class Made:
    """A version and its archive."""

    described: ServedModel
    archive: bytes
    digest: str

    @property
    def campaign(self) -> str:
        """Whose it is."""
        return self.described.campaign

    @property
    def version(self) -> int:
        """Its number."""
        return self.described.version

    @property
    def key(self) -> str:
        """Where the trainer lays it."""
        name = f"{self.campaign}-{self.version}-{self.digest}.mar"
        return f"campaigns/{self.campaign}/models/{self.version}/{name}"


def made(
    campaign: str,
    version: int,
    *,
    spec: ImageSpec = SPEC,
    labels: tuple[str, ...] = LABELS,
    seed: int | None = None,
    described_as: ImageSpec | None = None,
    golden_shift: float = 0.0,
) -> Made:
    """Make a version with weights that its number, or a seed, decides."""
    drawn = version if seed is None else seed
    backbone = build("tiny", spec.bands, drawn)
    chance = np.random.default_rng(drawn)
    head = None
    if labels:
        weight = chance.normal(size=(len(labels), backbone.feature_size)).astype(np.float32) * 5
        head = Head(weight, chance.normal(size=len(labels)).astype(np.float32))
    features = FeatureExtractor(backbone, choose_device("cpu"))(golden_images(spec, drawn))
    outputs = (features if head is None else head.logits(features)) + golden_shift
    described = ServedModel(
        campaign=campaign,
        version=version,
        architecture="tiny",
        spec=described_as or spec,
        labels=labels,
        temperature=1.5,
        thresholds=(0.5,) * len(labels),
        golden=Golden(drawn, tuple(tuple(map(float, row)) for row in outputs)),
    )
    archive = write_archive(described, save_weights(backbone, head))
    return Made(described, archive, sha256_hex(archive))


def tampered(version: Made) -> bytes:
    """Put other weights into an archive, with every checksum in order."""
    changed = made(version.campaign, version.version, spec=version.described.spec, seed=987)
    return write_archive(version.described, read_archive(changed.archive)[1])
