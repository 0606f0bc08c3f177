import numpy as np

from aloft.strategies.halves import keep, singles, usable


def test_every_finite_number_of_half_precision_is_converted_as_numpy_converts_it() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)].reshape(-1, 4)
    converted = singles(finite)
    assert converted.dtype == np.float32
    assert converted.tobytes() == finite.astype(np.float32).tobytes()


def test_rows_with_a_number_that_is_not_finite_are_not_usable() -> None:
    every = np.arange(2**16, dtype=np.uint16).view(np.float16)
    assert usable(every[:, None]).tolist() == np.isfinite(every).tolist()
    assert usable(np.array([[1.0, np.nan], [1.0, 2.0]], dtype=np.float32)).tolist() == [False, True]


def test_rows_are_kept_as_they_are_and_those_that_cannot_be_used_are_told() -> None:
    rows = np.ones((300, 3), dtype=np.float16)
    rows[[0, 200, 299], [0, 1, 2]] = [np.nan, np.inf, -np.inf]
    to = np.zeros_like(rows)
    assert np.flatnonzero(~keep(rows, to)).tolist() == [0, 200, 299]
    assert to.tobytes() == rows.tobytes()


def test_other_precisions_pass_through() -> None:
    rows = np.array([[1.5, -2.0]], dtype=np.float32)
    assert singles(rows).tolist() == rows.tolist()
    assert singles(np.array([[1.5]], dtype=np.float64)).dtype == np.float32
