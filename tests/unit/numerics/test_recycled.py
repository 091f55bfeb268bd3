"""Large answers may reuse memory, but never memory that anybody can still see."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest

from agent.numerics.recycled import uninitialised
from agent.products.european import black_scholes_greeks, black_scholes_standard_greeks

ROWS = 100_000


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])


def test_uninitialised__array_dropped__hands_its_block_to_the_next() -> None:
    first = uninitialised(8, ROWS)
    address = _address(first)
    del first
    assert _address(uninitialised(8, ROWS)) == address


@pytest.mark.parametrize(
    "view",
    [
        lambda array: array,
        lambda array: array[3],
        lambda array: array[7, 10:20:3],
        lambda array: array.T,
        lambda array: array.reshape(2, 4, ROWS)[1, ..., None],
        lambda array: np.broadcast_to(array[0], (3, ROWS)),
        lambda array: array.view(np.int64)[2],
        lambda array: memoryview(array[5]),
        lambda array: np.asarray(memoryview(array[5]))[1:],
        lambda array: array[4].view(np.recarray),
        lambda array: np.lib.stride_tricks.sliding_window_view(array[6], 4),
    ],
)
def test_uninitialised__any_view_still_held__keeps_the_block(view: Callable[[np.ndarray], object]) -> None:
    array = uninitialised(8, ROWS)
    array[:] = np.arange(8.0)[:, None]
    held = view(array)
    before = np.array(held)
    del array
    gc.collect()
    others = [uninitialised(8, ROWS) for _ in range(3)]
    for other in others:
        other[:] = -1.0
        assert not np.shares_memory(np.asarray(held), other)
    np.testing.assert_array_equal(np.asarray(held), before)


def test_uninitialised__answers_of_other_sizes__do_not_share_a_block() -> None:
    small, large = uninitialised(6, ROWS), uninitialised(12, ROWS)
    small[:], large[:] = 1.0, 2.0
    assert np.all(small == 1.0)
    del large
    again = uninitialised(8, ROWS)
    again[:] = 3.0
    assert np.all(small == 1.0)


def test_uninitialised__small_answers__are_ordinary_arrays() -> None:
    assert uninitialised(8, 10).flags.owndata


def test_uninitialised__two_dropped__keeps_one_block_only() -> None:
    arrays = [uninitialised(8, ROWS) for _ in range(3)]
    blocks = [weakref.ref(array.base.base.obj) for array in arrays]
    del arrays
    gc.collect()
    assert sum(block() is not None for block in blocks) == 1


def test_black_scholes__one_output_kept_through_later_calls__stays_as_it_was() -> None:
    rng = np.random.default_rng(1)
    spots = rng.uniform(50, 150, (3, 200_000))
    gamma = black_scholes_greeks(True, spots[0], 100.0, 0.5, 0.4, 0.01).gamma
    kept = gamma.copy()
    for spot in spots[1:]:
        black_scholes_greeks(True, spot, 100.0, 0.5, 0.4, 0.01)
        black_scholes_standard_greeks(True, spot, 100.0, 0.5, 0.4, 0.01)
    np.testing.assert_array_equal(gamma, kept)
