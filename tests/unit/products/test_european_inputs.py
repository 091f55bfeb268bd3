"""European options and what they are given: types, shapes, buffers, bad rows; and the shorter record."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from agent.errors import DataError
from agent.products.european import (
    black76_greeks,
    black76_standard_greeks,
    black_scholes_greeks,
    black_scholes_standard_greeks,
)
from agent.products.greeks import GREEK_NAMES, STANDARD_GREEK_NAMES, Greeks, StandardGreeks


def _million_rows(rows: int) -> list[np.ndarray]:
    rng = np.random.default_rng(9)
    numbers = [rng.uniform(50, 150, rows), rng.uniform(50, 150, rows), rng.uniform(0, 2, rows), rng.uniform(0, 1, rows)]
    return [rng.random(rows) < 0.5, *numbers, rng.uniform(-0.1, 0.1, rows), rng.uniform(-0.1, 0.1, rows)]


def test_standard_greeks__any_rows__are_the_first_eight_of_the_twelve_to_last_bit() -> None:
    columns = _million_rows(70_001)
    for eight, twelve in (
        (black_scholes_standard_greeks(*columns), black_scholes_greeks(*columns)),
        (black76_standard_greeks(*columns[:-1]), black76_greeks(*columns[:-1])),
    ):
        assert type(eight) is StandardGreeks
        for name in STANDARD_GREEK_NAMES:
            np.testing.assert_array_equal(getattr(eight, name), getattr(twelve, name))


def test_standard_greeks__output_buffer__has_eight_rows() -> None:
    columns = _million_rows(100)
    buffer = np.empty((8, 100))
    greeks = black_scholes_standard_greeks(*columns, out=buffer)
    assert np.shares_memory(greeks.volga, buffer[7])
    with pytest.raises(DataError, match=r"out has shape \(12, 100\)"):
        black_scholes_standard_greeks(*columns, out=np.empty((12, 100)))


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.uint16, list, np.float16])
def test_black_scholes__numbers_of_other_types__are_taken_at_their_value(kind: object) -> None:
    spots = [90, 100, 128]
    given = spots if kind is list else np.array(spots, dtype=kind)
    greeks = black_scholes_greeks(True, given, 100, 1, 0.5, 0)
    np.testing.assert_array_equal(
        greeks.value, black_scholes_greeks(True, [90.0, 100.0, 128.0], 100.0, 1.0, 0.5, 0.0).value
    )
    assert greeks.value.dtype == np.float64


def test_black_scholes__shapes_up_to_four_axes__broadcast_row_by_row() -> None:
    rng = np.random.default_rng(3)
    spot, strike = rng.uniform(80, 120, (2, 1, 3, 1)), rng.uniform(80, 120, (4, 1, 5))
    greeks = black_scholes_greeks(True, spot, strike, 0.5, 0.4, 0.01)
    assert greeks.color.shape == (2, 4, 3, 5)
    one = black_scholes_greeks(True, spot[1, 0, 2, 0], strike[3, 0, 4], 0.5, 0.4, 0.01)
    assert greeks.color[1, 3, 2, 4] == one.color


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("100", r"spot_usd is not numeric \(its type is <U3\)"),
        (["100", "101"], "spot_usd is not numeric"),
        ([100.0, None], r"spot_usd is not numeric \(it holds None\)"),
        (True, r"spot_usd is not numeric \(its type is bool\)"),
        (100 + 0j, "spot_usd is not numeric"),
        ([[100.0, 101.0], [102.0]], "spot_usd is not an array"),
        (np.ma.array([100.0, 0.0], mask=[False, True]), "spot_usd has masked entries"),
    ],
)
def test_black_scholes__what_only_looks_like_numbers__is_refused_by_name(given: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        black_scholes_greeks(True, given, 100.0, 1.0, 0.2, 0.0)


def test_black_scholes__decimals_and_huge_integers__are_numbers() -> None:
    greeks = black_scholes_greeks(True, [Decimal("100.5"), 10**30], [100, 10**30], 1.0, 0.2, 0.0)
    expected = black_scholes_greeks(True, [100.5, 1e30], [100.0, 1e30], 1.0, 0.2, 0.0)
    np.testing.assert_array_equal(greeks.value, expected.value)


BAD_ROWS = [
    ("spot_usd", 0.0),
    ("spot_usd", -5.0),
    ("spot_usd", np.nan),
    ("strike_usd", 0.0),
    ("strike_usd", np.inf),
    ("tau_years", -1e-9),
    ("tau_years", np.nan),
    ("vol_annual", -0.2),
    ("vol_annual", np.inf),
    ("rate_annual", np.nan),
    ("dividend_annual", -np.inf),
]


@pytest.mark.parametrize(("field", "number"), BAD_ROWS)
def test_black_scholes__one_bad_row_among_many__is_named_by_row_field_and_value(field: str, number: float) -> None:
    rows = 100_000
    fields = {"spot_usd": 100.0, "strike_usd": 90.0, "tau_years": 0.5, "vol_annual": 0.3, "rate_annual": 0.01}
    columns = {name: np.full(rows, value) for name, value in {**fields, "dividend_annual": 0.0}.items()}
    columns[field][77_777] = number
    with pytest.raises(DataError, match=rf"^row 77777: {field} is {number}; expected"):
        black_scholes_greeks(True, **columns)


def test_black_scholes__rate_that_overflows_the_discount_factor__is_refused() -> None:
    with pytest.raises(DataError, match=r"^row 1: rate_annual \* tau_years is 1000.0; expected a product"):
        black_scholes_greeks(True, 100.0, 100.0, [1.0, 1000.0], 0.2, 1.0)


def test_black_scholes__bad_row_of_a_grid__is_named_by_both_indices() -> None:
    vols = np.full((3, 1), 0.2)
    vols[2, 0] = -1.0
    with pytest.raises(DataError, match=r"^row 2, 0: vol_annual is -1.0"):
        black_scholes_greeks(True, np.full(4, 100.0), 100.0, 1.0, vols, 0.0)


@pytest.mark.parametrize("flags", [1, [1, -1], ["C"], [0.5]])
def test_black_scholes__rights_that_are_not_booleans__are_refused(flags: object) -> None:
    with pytest.raises(DataError, match="is_call has type"):
        black_scholes_greeks(flags, 100.0, 100.0, 1.0, 0.2, 0.0)


def test_black_scholes__empty_lists__return_empty_arrays() -> None:
    assert black_scholes_greeks([], [], [], [], [], []).value.shape == (0,)


def test_black_scholes__shapes_that_do_not_broadcast__are_listed() -> None:
    with pytest.raises(DataError, match=r"spot_usd \(3,\), strike_usd \(2,\)"):
        black_scholes_greeks(True, np.ones(3), np.ones(2), 1.0, 0.2, 0.0)


def test_black_scholes__rows_spread_over_threads__equal_rows_alone() -> None:
    columns = _million_rows(200_001)
    together = black_scholes_greeks(*columns)
    for start in (0, 32_767, 65_535, 199_900):
        part = black_scholes_greeks(*(column[start : start + 101] for column in columns))
        for name in GREEK_NAMES:
            np.testing.assert_array_equal(getattr(together, name)[start : start + 101], getattr(part, name))


def test_black_scholes__output_buffer__is_filled_and_returned() -> None:
    columns = _million_rows(1000)
    buffer = np.full((12, 1000), np.nan)
    greeks = black_scholes_greeks(*columns, out=buffer)
    expected = black_scholes_greeks(*columns)
    for index, name in enumerate(GREEK_NAMES):
        assert np.shares_memory(getattr(greeks, name), buffer[index])
        np.testing.assert_array_equal(buffer[index], getattr(expected, name))


@pytest.mark.parametrize(
    "buffer",
    [np.empty((12, 4)), np.empty((8, 3)), np.empty((12, 3), dtype=np.float32), np.empty((3, 12)).T],
)
def test_black_scholes__unfit_output_buffer__is_refused(buffer: np.ndarray) -> None:
    with pytest.raises(DataError, match="out has shape"):
        black_scholes_greeks(True, [100.0, 101.0, 102.0], 100.0, 1.0, 0.2, 0.0, out=buffer)


def test_greeks__record__is_frozen_and_in_the_documented_order() -> None:
    greeks = black_scholes_greeks(True, 100.0, 100.0, 1.0, 0.2, 0.0)
    assert isinstance(greeks, Greeks)
    with pytest.raises(AttributeError):
        greeks.value = np.zeros(1)
    assert GREEK_NAMES[:8] == ("value", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga")
