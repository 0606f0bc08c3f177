"""Answers images under one version: the same class under TorchServe and in process."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aloft.imagery import ImageError, preprocess
from aloft.networks import FeatureExtractor, build, choose_device, load_weights
from aloft.networks.head import load_head
from aloft.serving.answers import BAD_IMAGE, Answer
from aloft.serving.archive import ServedModel


class Handler:
    """One version, loaded. What is wrong with one image is that image's answer, never the batch's."""

    def __init__(self, described: ServedModel, weights: bytes, digest: str, device: str = "auto") -> None:
        backbone = load_weights(build(described.architecture, described.spec.bands), weights)
        chosen = choose_device(device)
        self._described = described
        self._extract = FeatureExtractor(backbone, chosen)
        self._head = load_head(weights)
        self._named = {
            "campaign": described.campaign,
            "version": described.version,
            "digest": digest,
            "precision": "bfloat16" if chosen.type == "cuda" else "float32",
        }
        if len(described.labels) != (0 if self._head is None else len(self._head.bias)):
            raise ValueError(f"the weights have no head of {len(described.labels)} labels")

    def answer(self, images: Sequence[object]) -> list[Answer]:
        """Answer images, each the bytes of a file, in their order."""
        read = [self._read(image) for image in images]
        arrays = [one for one in read if not isinstance(one, Answer)]
        answers = iter(self._forward(np.stack(arrays)) if arrays else ())
        return [one if isinstance(one, Answer) else next(answers) for one in read]

    def _read(self, image: object) -> NDArray[np.float32] | Answer:
        if not isinstance(image, bytes | bytearray):
            return self._refuse("UNREADABLE", "send the bytes of one image file as the request's body")
        try:
            return preprocess(bytes(image), self._described.spec)
        except ImageError as error:
            return self._refuse(error.reason, str(error))

    def _forward(self, images: NDArray[np.float32]) -> list[Answer]:
        features = self._extract(images)
        if self._head is None:
            return [self._of_features(row) for row in features]
        return [self._of_logits(row) for row in self._head.logits(features)]

    def _of_features(self, row: NDArray[np.float32]) -> Answer:
        if not np.isfinite(row).all():
            return self._not_finite()
        return Answer({**self._named, "features": row.tolist()})

    def _of_logits(self, row: NDArray[np.float32]) -> Answer:
        if not np.isfinite(row).all():
            return self._not_finite()
        probabilities = _sigmoid(row.astype(np.float64) / self._described.temperature).tolist()
        judged = zip(self._described.labels, probabilities, self._described.thresholds, strict=True)
        return Answer(
            {
                **self._named,
                "predicted": [label for label, chance, threshold in judged if chance >= threshold],
                "probabilities": dict(zip(self._described.labels, probabilities, strict=True)),
                "logits": row.tolist(),
            }
        )

    def _not_finite(self) -> Answer:
        return self._refuse("NOT_FINITE", "the image's values are so large that the answer is no number")

    def _refuse(self, reason: str, message: str) -> Answer:
        return Answer({**self._named, "error": {"reason": reason, "message": message}}, BAD_IMAGE)


def _sigmoid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    # As thresholds are made, so that a label is called alike here and where it was judged.
    least = np.exp(-np.abs(values))
    chances: NDArray[np.float64] = np.where(values < 0, least, 1.0) / (1.0 + least)
    return chances
