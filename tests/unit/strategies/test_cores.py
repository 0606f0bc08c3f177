import os
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from aloft.strategies import cores

assert np.ones(1).size, "NumPy is loaded, and its library of products with it"
BLAS = ThreadpoolController().select(user_api="blas")


def threads(part: int = 0) -> list[int]:
    return [each["num_threads"] for each in BLAS.info()]


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})


def test_what_came_of_the_parts_is_in_their_order() -> None:
    assert cores.each(lambda part: part * part, range(50)) == [part * part for part in range(50)]


def test_works_of_several_threads_and_works_within_works_all_end() -> None:
    def outer(part: int) -> list[int]:
        return cores.each(lambda inner: part * inner, range(20))

    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(lambda _: cores.each(outer, range(20)), range(8)))
    assert found == [[[part * inner for inner in range(20)] for part in range(20)]] * 8


def test_no_other_part_is_begun_once_one_has_failed() -> None:
    begun = []

    def fail(part: int) -> None:
        begun.append(part)
        raise ValueError(part)

    with pytest.raises(ValueError, match=r"\d"):
        cores.each(fail, range(1000))
    assert len(begun) <= 2, "each of two cores may have begun one"


def test_products_of_parts_have_one_thread_each_and_afterwards_as_many_as_before() -> None:
    with BLAS.limit(limits=2):
        before = threads()
        assert before == [2] * len(before) != [], "this library of products cannot show it"
        assert cores.each(threads, range(4)) == [[1] * len(before)] * 4
        assert threads() == before, "the number of threads was not put back"


def test_works_that_overlap_put_the_number_of_threads_back() -> None:
    inside, outside = Event(), Event()

    def wait(part: int) -> None:
        inside.set()
        assert outside.wait(30)

    def set_to(counts: list[int]) -> None:
        for library, count in zip(BLAS.lib_controllers, counts, strict=True):
            library.set_num_threads(count)
            # Until then threadpoolctl passes over what other threads ask for.
            library.clear_controlling_thread()

    def end(part: int) -> None:
        outside.set()
        first.result(30)

    before = threads()
    set_to([2] * len(before))
    try:
        with ThreadPoolExecutor(2) as callers:
            first = callers.submit(cores.each, wait, range(2))
            assert inside.wait(30)
            callers.submit(cores.each, end, range(2)).result(30)
        assert threads() == [2] * len(before), "the second put back what the first had limited"
    finally:
        set_to(before)


def test_a_part_that_fails_fails_the_work_and_puts_the_number_of_threads_back() -> None:
    with BLAS.limit(limits=2):
        before = threads()
        with pytest.raises(ZeroDivisionError):
            cores.each(lambda part: 1 // part, range(3))
        assert threads() == before
