from hypothesis import given
from hypothesis import strategies as st

from aloft.strategies.pool import hexadecimal, ids, without

IMAGES = st.lists(st.binary(min_size=16, max_size=16).map(bytes.hex), unique=True, max_size=20)


@given(IMAGES)
def test_ids_survive_the_way_into_arrays_and_back_trailing_zeros_included(images: list[str]) -> None:
    assert hexadecimal(ids(images)) == images


@given(IMAGES, IMAGES)
def test_what_is_excluded_and_nothing_else_is_taken_away(images: list[str], excluded: list[str]) -> None:
    kept = without(ids(images), ids(sorted(excluded)))
    assert hexadecimal(ids(images)[kept]) == [image for image in images if image not in set(excluded)]
