"""Rankings: the best first, and among equals in order of image id."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aloft.strategies.strategy import Ranked

IDS = st.binary(min_size=3, max_size=3).map(lambda tail: b"\x07\x00\x00" + tail[:2] + bytes(10) + tail[2:])
"""Ids that differ in their fourth, in their fifth, or only in their last byte; some end in zeros."""
SCORES = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, np.nextafter(0.5, 1), np.inf])


@given(st.dictionaries(IDS, SCORES, max_size=40))
def test_images_are_in_order_of_score_and_then_of_id_whatever_order_they_come_in(
    scores: dict[bytes, float],
) -> None:
    ranked = Ranked.of(
        np.array(list(scores), dtype="S16"),
        np.array(list(scores.values()), dtype=np.float64),
        clusters=np.arange(len(scores), dtype=np.int32),
    )
    best = sorted(scores, key=lambda image: (-scores[image], image))
    assert [image.ljust(16, b"\0") for image in ranked.images.tolist()] == best
    assert ranked.scores.tolist() == [scores[image] for image in best]
    assert ranked.clusters is not None
    assert ranked.clusters.tolist() == [list(scores).index(image) for image in best]
