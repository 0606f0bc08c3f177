import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.strategies.pool import ArrayPool, hexadecimal, ids, without
from tests.unit.strategies.pools import image, pool_of

IMAGES = st.lists(st.binary(min_size=16, max_size=16).map(bytes.hex), unique=True, max_size=20)


@given(IMAGES)
def test_ids_survive_the_way_into_arrays_and_back_trailing_zeros_included(images: list[str]) -> None:
    assert hexadecimal(ids(images)) == images


@given(IMAGES, IMAGES)
def test_what_is_excluded_and_nothing_else_is_taken_away(images: list[str], excluded: list[str]) -> None:
    kept = without(ids(images), ids(sorted(excluded)))
    assert hexadecimal(ids(images)[kept]) == [image for image in images if image not in set(excluded)]


@given(IMAGES, st.data())
def test_features_of_single_images_come_in_the_order_asked(images: list[str], data: st.DataObject) -> None:
    pool = ArrayPool(ids(images), np.arange(len(images), dtype=np.float32)[:, None])
    asked = data.draw(st.permutations(range(len(images))))[:5]
    found = pool.features_of(ids([images[number] for number in asked]))
    assert found[:, 0].tolist() == asked


def test_features_of_an_image_that_is_not_in_the_pool_are_refused() -> None:
    with pytest.raises(LookupError, match=image(9)):
        pool_of([[0.0], [1.0]]).features_of(ids([image(0), image(9)]))
