"""Joins the ranges that a caller wants into the fewer spans that are worth a request each."""

from collections.abc import Callable, Iterable, Sequence

from aloft.kit.objects.port import ByteRange


def coalesce(ranges: Sequence[ByteRange], gap: int) -> list[ByteRange]:
    """Cover all ranges that hold a byte by spans in order, more than `gap` bytes apart."""
    if gap < 0:
        raise ValueError(f"gap must not be negative, not {gap}")
    spans: list[ByteRange] = []
    for wanted in sorted((r for r in ranges if r.length), key=lambda r: r.start):
        if spans and wanted.start - spans[-1].end <= gap:
            last = spans.pop()
            spans.append(ByteRange(last.start, max(last.end, wanted.end) - last.start))
        else:
            spans.append(wanted)
    return spans


def read_ranges(
    ranges: Sequence[ByteRange],
    gap: int,
    read_all: Callable[[Sequence[ByteRange]], Iterable[bytes]],
) -> list[bytes]:
    """Read the spans that cover the ranges and cut from them what was asked, in the order asked."""
    spans = coalesce(ranges, gap)
    order = sorted(range(len(ranges)), key=lambda index: ranges[index].start)
    pieces = [b""] * len(ranges)
    waiting = [index for index in order if ranges[index].length]
    taken = 0
    for span, data in zip(spans, read_all(spans), strict=True):
        view = memoryview(data)
        while taken < len(waiting) and ranges[waiting[taken]].start < span.end:
            index = waiting[taken]
            begin = ranges[index].start - span.start
            pieces[index] = bytes(view[begin : begin + ranges[index].length])
            taken += 1
    return pieces
