import os

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


def test_products_of_parts_have_one_thread_each_and_afterwards_as_many_as_before() -> None:
    with BLAS.limit(limits=2):
        before = threads()
        assert before == [2] * len(before) != [], "this library of products cannot show it"
        assert cores.each(threads, range(4)) == [[1] * len(before)] * 4
        assert threads() == before, "the number of threads was not put back"


def test_a_part_that_fails_fails_the_work_and_puts_the_number_of_threads_back() -> None:
    with BLAS.limit(limits=2):
        before = threads()
        with pytest.raises(ZeroDivisionError):
            cores.each(lambda part: 1 // part, range(3))
        assert threads() == before
