"""European options against published numbers, decimals, QuantLib and their own limits."""

from __future__ import annotations

import csv
import json
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import pytest
import QuantLib
from scipy.special import ndtr

from agent.products.european import black76_delta, black76_greeks, black_scholes_greeks
from agent.products.greeks import GREEK_NAMES
from benchmarks.derive_mills import CONTEXT
from benchmarks.derive_price_vectors import option as option_in_decimals

HAUG_TOLERANCE = 1e-4

HAUG = [
    # quantity, is_call, strike, spot, dividend, rate, tau, vol, expected
    ("value", True, 65, 60, 0.0, 0.08, 0.25, 0.30, 2.1334),
    ("value", False, 95, 100, 0.05, 0.10, 0.5, 0.20, 2.4648),
    ("value", False, 70, 75, 0.05, 0.10, 0.5, 0.35, 4.0870),
    ("delta", True, 100, 105, 0.10, 0.10, 0.5, 0.36, 0.5946),
    ("delta", False, 100, 105, 0.10, 0.10, 0.5, 0.36, -0.3566),
    ("gamma", True, 60, 55, 0.0, 0.10, 0.75, 0.30, 0.0278),
    ("vega", True, 60, 55, 0.0, 0.10, 0.75, 0.30, 18.9358),
    ("theta", False, 405, 430, 0.05, 0.07, 1 / 12, 0.20, -31.1924),
    ("rho", True, 75, 72, 0.0, 0.09, 1.0, 0.19, 38.7325),
]


@pytest.mark.parametrize(("quantity", "is_call", "strike", "spot", "dividend", "rate", "tau", "vol", "expected"), HAUG)
def test_black_scholes__haug_table__agrees(
    quantity: str,
    is_call: bool,
    strike: float,
    spot: float,
    dividend: float,
    rate: float,
    tau: float,
    vol: float,
    expected: float,
) -> None:
    greeks = black_scholes_greeks(is_call, spot, strike, tau, vol, rate, dividend)
    assert getattr(greeks, quantity) == pytest.approx(expected, abs=HAUG_TOLERANCE)


@pytest.mark.parametrize(
    ("row", "vanna", "volga"),
    [
        ((True, 105.0, 100.0, 0.5, 0.36, 0.10, 0.10), -0.064505854, 1.5275286),
        ((True, 90.0, 80.0, 0.25, 0.20, 0.05, 0.0), -1.00083, 60.927895),
    ],
)
def test_black_scholes__published_cross_derivatives__agree(row: tuple, vanna: float, volga: float) -> None:
    greeks = black_scholes_greeks(*row)
    assert greeks.vanna == pytest.approx(vanna, rel=1e-6)
    assert greeks.volga == pytest.approx(volga, rel=1e-7)


@pytest.mark.market_data
def test_black_scholes__haug_file__agrees_in_every_row(market_data: Path) -> None:
    with (market_data / "ref_black_scholes_haug_quantlib.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        greeks = black_scholes_greeks(
            row["type"].lower().startswith("c"),
            *(float(row[key]) for key in ("spot", "strike", "t_years", "vol", "rate", "dividend_yield")),
        )
        spot, value, delta = float(row["spot"]), float(greeks.value), float(greeks.delta)
        quantities = {name: float(getattr(greeks, name)) for name in GREEK_NAMES}
        quantities["elasticity"] = delta * spot / value
        quantities["theta per day"] = quantities["theta"] / 365
        quantities["dividendRho"] = -float(row["t_years"]) * spot * delta
        assert quantities[row["quantity"]] == pytest.approx(float(row["expected"]), abs=HAUG_TOLERANCE), row
    assert len(rows) == 54


@pytest.mark.market_data
def test_black_scholes__py_vollib_file__agrees_to_its_six_digits(market_data: Path) -> None:
    with (market_data / "ref_black_scholes_py_vollib.csv").open() as file:
        rows = [{key: float(number) for key, number in row.items()} for row in csv.DictReader(file)]
    fields = [np.array([row[key] for row in rows]) for key in ("spot", "strike", "t_years", "vol", "rate")]
    for side, is_call in (("call", True), ("put", False)):
        greeks = black_scholes_greeks(is_call, *fields)
        columns = {"price": "value", "delta": "delta", "gamma": "gamma"}
        columns |= {"theta_per_year": "theta", "vega_per_1.00_vol": "vega", "rho_per_1.00": "rho"}
        for column, name in columns.items():
            printed = [row[f"{side}_{column}"] for row in rows]
            # Small numbers are printed with fewer digits, down to ten decimals.
            np.testing.assert_allclose(getattr(greeks, name), printed, rtol=5e-5, atol=1e-10, err_msg=column)
    assert len(rows) == 101


def _vectors(repository: Path) -> list[dict]:
    return json.loads((repository / "tests" / "vectors" / "products" / "european.json").read_text())["rows"]


INPUTS = ("is_call", "spot_usd", "strike_usd", "tau_years", "vol_annual", "rate_annual", "dividend_annual")


def _columns(rows: list[dict]) -> list[np.ndarray]:
    return [np.array([row[name] for row in rows]) for name in INPUTS]


def _terms(columns: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Sum of the absolute terms that make up each Greek: what its rounding errors are in proportion to."""
    call, S, K, tau, vol, r, q = columns
    s = vol * np.sqrt(tau)
    d1 = (np.log(S / K) + (r - q) * tau) / s + s / 2
    d = np.abs(d1) + s
    carry, discount = np.exp(-q * tau), np.exp(-r * tau)
    phi = carry * np.exp(-d1 * d1 / 2) / np.sqrt(2 * np.pi)
    is_in_the_money = call == (S * carry > K * discount)
    asset, cash = (np.where(is_in_the_money, leg, 0.0) for leg in (S * carry, K * discount))
    gamma = phi / (S * s)
    decay = np.abs(r - q) / s + d / (2 * tau)
    return {
        "value": asset + cash,
        "delta": asset / S,
        "gamma": gamma,
        "vega": S * phi * np.sqrt(tau),
        "theta": S * phi * vol / np.sqrt(tau) + (np.abs(q) + np.abs(r)) * (asset + cash),
        "rho": tau * cash,
        "vanna": phi * d / vol,
        "volga": S * phi * np.sqrt(tau) * d * d / vol,
        "charm": phi * decay + np.abs(q) * asset / S,
        "speed": gamma / S * (d / s + 1.0),
        "zomma": gamma * (d * d + 1.0) / vol,
        "color": gamma * (np.abs(q) + 1.0 / tau + d * decay),
    }


def test_black_scholes__decimal_vectors__agree_as_far_as_the_inputs_determine_d1(repository: Path) -> None:
    rows = _vectors(repository)
    _, S, K, tau, vol, r, q = columns = _columns(rows)
    greeks, terms = black_scholes_greeks(*columns), _terms(columns)
    s = vol * np.sqrt(tau)
    d1 = (np.log(S / K) + (r - q) * tau) / s + s / 2
    one_rounding_of_d1 = 1.0 + d1 * d1
    for name in GREEK_NAMES:
        exact = np.array([float(row[name]) for row in rows])
        scale = np.maximum(np.abs(exact), terms[name])
        error = np.abs(getattr(greeks, name) - exact) / scale / one_rounding_of_d1
        assert error.max() <= 2e-15, (name, error.max())


def test_black_scholes__out_of_money_without_drift__is_exact_to_2e_15_of_its_value(repository: Path) -> None:
    rows = [row for row in _vectors(repository) if row["rate_annual"] == row["dividend_annual"] == 0.0]
    rows = [row for row in rows if row["is_call"] == (row["spot_usd"] <= row["strike_usd"])]
    near = [
        row
        for row in rows
        if abs(np.log(row["spot_usd"] / row["strike_usd"])) < 3 * row["vol_annual"] * row["tau_years"] ** 0.5
    ]
    exact = np.array([float(row["value"]) for row in near])
    assert len(near) >= 6
    np.testing.assert_allclose(black_scholes_greeks(*_columns(near)).value, exact, rtol=2e-15)


def _quantlib(is_call: bool, spot: float, strike: float, tau: float, vol: float, rate: float, dividend: float) -> dict:
    """QuantLib's Black formula on the forward; its volatility Greeks by its own chain rule."""
    kind = QuantLib.Option.Call if is_call else QuantLib.Option.Put
    discount = np.exp(-rate * tau)
    forward = spot * np.exp((rate - dividend) * tau)
    calculator = QuantLib.BlackCalculator(
        QuantLib.PlainVanillaPayoff(kind, strike), forward, vol * np.sqrt(tau), discount
    )
    return {
        "value": calculator.value(),
        "delta": calculator.delta(spot),
        "gamma": calculator.gamma(spot),
        "vega": calculator.vega(tau),
        "theta": calculator.theta(spot, tau),
        "rho": calculator.rho(tau),
    }


def test_black_scholes__quantlib__agrees_to_1e_10_relative() -> None:
    rng = np.random.default_rng(7)
    rows = 400
    call, spot, tau = rng.random(rows) < 0.5, rng.uniform(50, 5000, rows), rng.uniform(0.02, 3.0, rows)
    vol, rate, dividend = rng.uniform(0.05, 2.0, rows), rng.uniform(-0.05, 0.1, rows), rng.uniform(-0.05, 0.1, rows)
    strike = spot * np.exp(vol * np.sqrt(tau) * rng.uniform(-3, 3, rows))
    columns = (call, spot, strike, tau, vol, rate, dividend)
    greeks = black_scholes_greeks(*columns)
    for row in range(rows):
        expected = _quantlib(*(column[row].item() for column in columns))
        # QuantLib's value is the difference of two legs, so it keeps no more digits than they have.
        rounding = 4e-16 * (spot[row] + strike[row])
        for name, number in expected.items():
            slack = rounding if name in {"value", "theta"} else 0.0
            assert getattr(greeks, name)[row] == pytest.approx(number, rel=1e-10, abs=slack), (name, row)


def _wide_rows(rows: int) -> tuple[np.ndarray, ...]:
    """A second to ten years, volatilities of 1 to 500 %, six deviations to both sides, rates and yields of any sign."""
    rng = np.random.default_rng(17)

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(rng.uniform(np.log(low), np.log(high), rows))

    spot, tau, vol = spread(1e-3, 1e6), spread(3.2e-8, 10.0), spread(0.01, 5.0)
    strike = spot * np.exp(vol * np.sqrt(tau) * rng.uniform(-6, 6, rows))
    return rng.random(rows) < 0.5, spot, strike, tau, vol, rng.uniform(-0.1, 0.2, rows), rng.uniform(-0.1, 0.2, rows)


def test_black_scholes__quantlib_over_a_wide_domain__1e_10_near_or_less_exact() -> None:
    """QuantLib takes in-the-money legs apart and its N(d) errs by 7e-16: small values keep few digits there."""
    columns = _wide_rows(1500)
    greeks = black_scholes_greeks(*columns)
    apart = []
    for row in range(columns[0].size):
        theirs = _quantlib(*(column[row].item() for column in columns))
        ours = {name: float(getattr(greeks, name)[row]) for name in theirs}
        names = [name for name in theirs if abs(ours[name] - theirs[name]) > 1e-10 * abs(theirs[name])]
        apart += [(row, name, ours[name], theirs[name]) for name in names]
    assert 0 < len(apart) < 0.12 * 6 * columns[0].size
    with localcontext(CONTEXT):
        for row, name, ours_value, theirs_value in apart[::12]:
            exact = option_in_decimals(*(column[row].item() for column in columns))[name]
            if abs(exact) < Decimal("1e-290"):
                continue  # at the end of the doubles
            our_error, their_error = (abs(Decimal(number) - exact) for number in (ours_value, theirs_value))
            assert our_error <= their_error, (row, name, ours_value, theirs_value, exact)
            assert our_error <= Decimal("5e-10") * abs(exact), (row, name, ours_value, exact)


@pytest.mark.parametrize("stdev", [2.0, 5.0, 11.0, 30.0])
@pytest.mark.parametrize("moneyness", [1.5, 6e4])
def test_black_scholes__in_the_money_at_a_high_deviation__keeps_digits_of_its_tails(
    stdev: float, moneyness: float
) -> None:
    d1 = -np.log(moneyness) / stdev + stdev / 2
    put = black_scholes_greeks(False, 100.0, 100.0 * moneyness, 1.0, stdev, 0.0)
    assert put.delta == pytest.approx(-ndtr(-d1), rel=1e-13, abs=0.0)
    call = black_scholes_greeks(True, 100.0, 100.0 / moneyness, 1.0, stdev, 0.0)
    assert call.rho == pytest.approx(100.0 / moneyness * ndtr(-d1), rel=1e-13, abs=0.0)


@pytest.mark.parametrize(("is_call", "value", "delta"), [(True, 100.0, 1.0), (False, 0.0, 0.0)])
def test_black_scholes__strike_goes_to_zero__call_becomes_the_asset(is_call: bool, value: float, delta: float) -> None:
    carry = np.exp(-0.02 * 0.5)
    greeks = black_scholes_greeks(is_call, 100.0, 1e-100, 0.5, 0.8, 0.05, 0.02)
    assert greeks.value == pytest.approx(value * carry, rel=1e-15)
    assert greeks.delta == pytest.approx(delta * carry, rel=1e-15)
    assert greeks.theta == pytest.approx(0.02 * value * carry, rel=1e-15)


def test_black76__quantlib__agrees_to_1e_10_relative() -> None:
    rng = np.random.default_rng(8)
    for _ in range(100):
        is_call, forward, tau = bool(rng.random() < 0.5), rng.uniform(50, 5000), rng.uniform(0.02, 3.0)
        vol, rate = rng.uniform(0.05, 2.0), rng.uniform(-0.05, 0.1)
        strike = forward * np.exp(vol * np.sqrt(tau) * rng.uniform(-3, 3))
        kind = QuantLib.Option.Call if is_call else QuantLib.Option.Put
        payoff, discount = QuantLib.PlainVanillaPayoff(kind, strike), np.exp(-rate * tau)
        calculator = QuantLib.BlackCalculator(payoff, forward, vol * np.sqrt(tau), discount)
        greeks = black76_greeks(is_call, forward, strike, tau, vol, rate)
        assert greeks.value == pytest.approx(calculator.value(), rel=1e-10, abs=4e-16 * (forward + strike))
        assert greeks.delta == pytest.approx(calculator.deltaForward(), rel=1e-10, abs=0.0)
        assert greeks.gamma == pytest.approx(calculator.gammaForward(), rel=1e-10, abs=0.0)
        assert greeks.vega == pytest.approx(calculator.vega(tau), rel=1e-10, abs=0.0)
        assert greeks.rho == pytest.approx(-tau * greeks.value, rel=1e-15)


def test_black76_delta__any_rate__is_the_undiscounted_delta() -> None:
    forwards = np.array([900.0, 1000.0, 1100.0])
    delta = black76_delta(np.array([True, False, True]), forwards, 1000.0, 0.5, 0.6)
    np.testing.assert_array_equal(delta, black76_greeks([True, False, True], forwards, 1000.0, 0.5, 0.6, 0.0).delta)
    discounted = black76_greeks([True, False, True], forwards, 1000.0, 0.5, 0.6, 0.1).delta
    np.testing.assert_allclose(discounted, np.exp(-0.05) * delta, rtol=1e-15)


@pytest.mark.parametrize(("tau", "vol"), [(0.0, 0.8), (1.0, 0.0), (0.0, 0.0)])
def test_black76__no_time_or_no_vol__is_the_discounted_intrinsic_value(tau: float, vol: float) -> None:
    forwards = np.array([80.0, 100.0, 125.0])
    discount = np.exp(-0.05 * tau)
    call, put = (black76_greeks(side, forwards, 100.0, tau, vol, 0.05) for side in (True, False))
    np.testing.assert_allclose(call.value, discount * np.array([0.0, 0.0, 25.0]), rtol=1e-15)
    np.testing.assert_allclose(put.value, discount * np.array([20.0, 0.0, 0.0]), rtol=1e-15)
    np.testing.assert_allclose(call.delta, discount * np.array([0.0, 0.5, 1.0]), rtol=1e-15)
    np.testing.assert_allclose(put.delta, discount * np.array([-1.0, -0.5, 0.0]), rtol=1e-15)
    for greeks in (call, put):
        for name in GREEK_NAMES:
            assert np.all(np.isfinite(getattr(greeks, name))), name
        assert np.all(greeks.gamma == 0.0)
        np.testing.assert_allclose(greeks.theta, 0.05 * greeks.value, rtol=1e-15)


def test_black76__vol_goes_to_zero_at_the_strike__vega_keeps_its_limit() -> None:
    limit = black76_greeks(True, 100.0, 100.0, 0.25, 0.0)
    near = black76_greeks(True, 100.0, 100.0, 0.25, 1e-9)
    assert limit.vega == pytest.approx(near.vega, rel=1e-12)
    assert limit.vega == pytest.approx(100.0 * 0.5 / np.sqrt(2 * np.pi), rel=1e-15)


@pytest.mark.parametrize("vol", [1e-16, 1e-8, 1e3, 1e6])
@pytest.mark.parametrize("moneyness", [1e-50, 0.01, 1.0, 100.0, 1e50])
def test_black_scholes__extreme_rows__stay_finite_and_within_bounds(vol: float, moneyness: float) -> None:
    for is_call in (True, False):
        for tau in (1e-12, 1.0, 1e4):
            greeks = black_scholes_greeks(is_call, 100.0 * moneyness, 100.0, tau, vol, 0.01, 0.0)
            for name in GREEK_NAMES:
                assert np.isfinite(getattr(greeks, name)), (name, is_call, tau)
            highest = 100.0 * moneyness if is_call else 100.0 * np.exp(-0.01 * tau)
            assert 0.0 <= greeks.value <= highest
            assert 0.0 <= abs(greeks.delta) <= 1.0
