"""Page tokens: what a client can do with them, and what it cannot."""

from collections.abc import Sequence

import pytest
from google.longrunning.operations_pb2 import ListOperationsRequest
from hypothesis import assume, given
from hypothesis import strategies as st

from aloft.kit.errors import InvalidArgument
from aloft.kit.rpc.paging import page


def listed(rows: Sequence[int], request: ListOperationsRequest) -> tuple[Sequence[int], str]:
    """List as a servicer does: by a key, one row more than asked for."""
    asked = page(request, default=3, maximum=5)
    behind = [row for row in rows if asked.after is None or row > int(asked.after[0])]
    return asked.cut(behind[: asked.size + 1], lambda row: (row,))


@given(st.integers(0, 30), st.integers(0, 8))
def test_following_the_tokens_reads_every_row_once_and_in_order(count: int, size: int) -> None:
    rows, token = list(range(count)), ""
    read: list[int] = []
    while True:
        found, token = listed(rows, ListOperationsRequest(page_size=size, page_token=token))
        assert len(found) <= min(size or 3, 5), f"a page of {len(found)} for page_size {size}"
        read += found
        if not token:
            break
    assert read == rows, "rows were lost, repeated or moved"


def token_of(filters: str = "") -> str:
    return listed(range(10), ListOperationsRequest(page_size=2, filter=filters))[1]


def test_the_size_may_change_between_pages() -> None:
    found, _ = listed(range(10), ListOperationsRequest(page_size=4, page_token=token_of()))
    assert list(found) == [2, 3, 4, 5], "another page_size made the token another's"


def test_a_token_is_refused_with_another_filter() -> None:
    with pytest.raises(InvalidArgument) as refused:
        listed(range(10), ListOperationsRequest(filter="campaign=b", page_token=token_of("campaign=a")))
    assert refused.value.reason == "INVALID_PAGE_TOKEN", "the reason does not name the token"
    assert [one.field for one in refused.value.violations] == ["page_token"], "the field is not named"


@given(st.text(max_size=60))
def test_text_that_is_no_token_is_refused(text: str) -> None:
    assume(text not in ("", token_of()))
    with pytest.raises(InvalidArgument):
        page(ListOperationsRequest(page_token=text))


@given(st.data())
def test_a_token_with_one_letter_changed_is_refused(data: st.DataObject) -> None:
    token = token_of()
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_="))
    assume(token[place] != letter)
    with pytest.raises(InvalidArgument):
        page(ListOperationsRequest(page_token=token[:place] + letter + token[place + 1 :]))


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="page_size: must not be negative"):
        page(ListOperationsRequest(page_size=-1))
