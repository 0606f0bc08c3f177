"""Ranges: joined into few requests, cut apart again, and read from an HTTP header."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aloft.kit.objects.byte_ranges import RangeNotSatisfiable, requested_range
from aloft.kit.objects.port import ByteRange
from aloft.kit.objects.spans import coalesce, read_ranges

DATA = bytes(i % 251 for i in range(1000))
RANGES = st.lists(st.builds(ByteRange, st.integers(0, 900), st.integers(0, 100)), max_size=30)


@given(RANGES, st.integers(0, 200))
def test_spans_hold_every_range_in_order_more_than_a_gap_apart_with_no_byte_to_spare(
    ranges: list[ByteRange], gap: int
) -> None:
    spans = coalesce(ranges, gap)
    wanted = [r for r in ranges if r.length]
    for r in wanted:
        assert any(span.start <= r.start and r.end <= span.end for span in spans), f"{r} is in no span"
    for before, behind in pairwise(spans):
        assert behind.start - before.end > gap, f"{before} and {behind} should travel together"
    for span in spans:
        assert span.start in {r.start for r in wanted}, "a span begins with bytes that nobody asked for"
        assert span.end in {r.end for r in wanted}, "a span ends with bytes that nobody asked for"


@given(RANGES, st.integers(0, 200))
def test_what_is_read_by_spans_is_what_was_asked_in_the_order_asked(
    ranges: list[ByteRange], gap: int
) -> None:
    def read_all(spans: Sequence[ByteRange]) -> Iterable[bytes]:
        return (DATA[span.start : span.end] for span in spans)

    assert read_ranges(ranges, gap, read_all) == [DATA[r.start : r.end] for r in ranges]


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1)])
def test_a_range_before_the_beginning_or_of_negative_length_is_refused(start: int, length: int) -> None:
    with pytest.raises(ValueError, match="a range begins at 0 or later"):
        ByteRange(start, length)


def test_a_negative_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="gap must not be negative"):
        coalesce([], -1)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-9", ByteRange(0, 10)),
        ("bytes=90-", ByteRange(90, 10)),
        ("bytes=90-1000", ByteRange(90, 10)),
        ("bytes=-10", ByteRange(90, 10)),
        ("bytes=-1000", ByteRange(0, 100)),
        ("bytes=0-1,5-6", None),
        ("bytes=9-1", None),
        ("bytes=-", None),
        ("lines=1-2", None),
    ],
)
def test_an_http_range_is_understood_or_ignored(header: str | None, expected: ByteRange | None) -> None:
    assert requested_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_an_http_range_with_no_byte_of_the_object_is_not_satisfiable(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable, match="100 bytes"):
        requested_range(header, 100)
