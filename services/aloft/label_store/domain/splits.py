"""Which split an image of a listing belongs to: drawn by a hash of its id, alike every time."""

import hashlib
import heapq
from collections.abc import Iterable, Iterator

from aloft.api.labels.v1 import campaign_pb2 as pb
from aloft.kit.errors import FieldViolation

BY_WORD = {
    "": pb.SPLIT_POOL,
    "pool": pb.SPLIT_POOL,
    "validation": pb.SPLIT_VALIDATION,
    "test": pb.SPLIT_TEST,
}
"""The words of a manifest's `split` column; an empty cell is the pool."""


def word_of(split: int) -> str:
    """Say a split in a manifest's word."""
    return next(word for word, named in BY_WORD.items() if word and named == split)


def draw(image: str, validation_fraction: float, test_fraction: float) -> pb.Split.ValueType:
    """Draw the split of an image. A larger fraction keeps who was in the smaller one."""
    digest = hashlib.sha256(b"split/" + image.encode()).digest()
    point = int.from_bytes(digest[:8]) / 2**64
    if point < test_fraction:
        return pb.SPLIT_TEST
    # Counted from the other end, so that neither held-out split moves when the other one's fraction changes.
    if 1 - point <= validation_fraction:
        return pb.SPLIT_VALIDATION
    return pb.SPLIT_POOL


def draw_evaluation(images: Iterable[str], seed: int, count: int) -> list[str]:
    """Draw so many images at random, alike for the same seed, whatever order they come in."""

    def place(image: str) -> bytes:
        return hashlib.sha256(f"evaluation/{seed}/{image}".encode()).digest()

    return heapq.nsmallest(count, images, key=place)


def violations_of(validation_fraction: float, test_fraction: float, field: str) -> Iterator[FieldViolation]:
    """Name what is wrong with the fractions of a listing."""
    fractions = {"validation_fraction": validation_fraction, "test_fraction": test_fraction}
    for name, value in fractions.items():
        if not 0 <= value <= 1:
            yield FieldViolation(f"{field}.{name}", f"must be 0 to 1, not {value}")
    if validation_fraction + test_fraction > 1:
        yield FieldViolation(
            f"{field}.validation_fraction", "the two fractions must not be more than 1 together"
        )
