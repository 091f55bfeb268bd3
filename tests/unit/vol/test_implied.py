"""Implied volatility: to the last digit, over the whole domain, with a reason for every row that has none."""

from __future__ import annotations

import inspect
import json
import re
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from agent.errors import DataError
from agent.products.european import black76_greeks, black_scholes_greeks
from agent.products.inverse_option import inverse_option_greeks
from agent.vol.implied import (
    ImpliedVolStatus,
    black76_implied_vol,
    black_scholes_implied_vol,
    inverse_option_implied_vol,
)
from agent.vol.implied_kernel import _low_guess, implied_rows
from benchmarks.derive_bachelier_guess import derive, worst_error
from tests.support.exact_normal import normal_cdf

ULP = 2.0**-52
SMALLEST_NORMAL = 1e-300
"""Prices below are denormal numbers with fewer digits."""


def test_black76_implied_vol__decimal_vectors__agree_to_the_last_digits(repository: Path) -> None:
    path = repository / "tests" / "vectors" / "products" / "implied_vol.json"
    rows = json.loads(path.read_text())["rows"]
    forward, price = (np.array([row[name] for row in rows]) for name in ("forward_usd", "price_usd"))
    exact = np.array([float(row["vol_annual"]) for row in rows])
    implied = black76_implied_vol(True, price, forward, 1.0, 1.0)
    assert np.all(implied.is_ok)
    error = np.abs(implied.vol_annual / exact - 1.0)
    assert error.max() <= 8 * ULP, error.max() / ULP


def _domain(seed: int, rows: int) -> tuple[np.ndarray, ...]:
    """Rights, log moneyness to +-230 and total deviations, mostly where prices are neither 0 nor at their bound."""
    rng = np.random.default_rng(seed)
    x = np.exp(rng.uniform(np.log(1e-16), np.log(230.0), rows)) * rng.choice([-1.0, 1.0], rows)
    x[: rows // 20] = 0.0
    stdev = np.exp(rng.uniform(np.log(1e-8), np.log(60.0), rows))
    in_wing, in_high = rng.random(rows) < 0.5, rng.random(rows) < 0.2
    stdev = np.where(in_wing & (x != 0.0), np.abs(x) / rng.uniform(0.01, 37.0, rows), stdev)
    d1 = rng.uniform(-1.0, 9.0, rows)
    stdev = np.clip(np.where(in_high, d1 + np.sqrt(d1 * d1 + 2.0 * np.abs(x)), stdev), 1e-18, 60.0)
    is_call = np.where(rng.random(rows) < 0.1, x > 0.0, x <= 0.0)
    return is_call, np.exp(x), stdev


@pytest.mark.parametrize("seed", range(3))
def test_black76_implied_vol__whole_domain__errs_by_four_units_in_last_place(
    seed: int,
) -> None:
    is_call, forward, stdev = _domain(seed, 300_000)
    greeks = black76_greeks(is_call, forward, 1.0, 1.0, stdev)
    implied = black76_implied_vol(is_call, greeks.value, forward, 1.0, 1.0)
    solved = implied.is_ok & (greeks.value > SMALLEST_NORMAL)
    assert solved.mean() > 0.7
    condition = 1.0 + greeks.value[solved] / (stdev[solved] * greeks.vega[solved])
    ulps = np.abs(implied.vol_annual[solved] / stdev[solved] - 1.0) / (ULP * condition)
    assert ulps.max() <= 4.5
    assert np.median(ulps) <= 1.0


@pytest.mark.parametrize("seed", range(3))
def test_black76_implied_vol__whole_domain__status_for_every_row_nan_only_with_one(seed: int) -> None:
    is_call, forward, stdev = _domain(seed, 300_000)
    prices = black76_greeks(is_call, forward, 1.0, 1.0, stdev).value
    implied = black76_implied_vol(is_call, prices, forward, 1.0, 1.0)
    valued = implied.status <= ImpliedVolStatus.AT_INTRINSIC
    assert np.array_equal(np.isfinite(implied.vol_annual), valued)
    intrinsic = np.maximum(np.where(is_call, forward - 1.0, 1.0 - forward), 0.0)
    bound = np.where(is_call, forward, 1.0)
    status = implied.status
    settled = status == ImpliedVolStatus.AT_INTRINSIC
    np.testing.assert_allclose(prices[settled], intrinsic[settled], rtol=8 * ULP, atol=0.0)
    assert np.all(prices[status == ImpliedVolStatus.ABOVE_BOUND] == bound[status == ImpliedVolStatus.ABOVE_BOUND])
    odd = status >= ImpliedVolStatus.EXPIRED
    assert np.all(status[odd] == ImpliedVolStatus.OUT_OF_DOMAIN)
    assert np.all((prices - intrinsic)[odd] < 1e-299 * bound[odd])


def test_black76_implied_vol__whole_domain__converges_in_five_steps() -> None:
    is_call, forward, stdev = _domain(11, 300_000)
    prices, zero, one = black76_greeks(is_call, forward, 1.0, 1.0, stdev).value, np.zeros(1), np.ones(1)
    vols, statuses = np.empty(prices.size), np.empty(prices.size, dtype=np.uint8)
    implied_rows()(is_call, prices, forward, one, one, zero, zero, 5, vols, statuses, 0, prices.size)
    assert not np.any(statuses == ImpliedVolStatus.NOT_CONVERGED)


def test_implied_rows__stopped_too_early__says_so_and_gives_no_number() -> None:
    is_call, forward, stdev = _domain(12, 1000)
    prices, zero, one = black76_greeks(is_call, forward, 1.0, 1.0, stdev).value, np.zeros(1), np.ones(1)
    vols, statuses = np.empty(1000), np.empty(1000, dtype=np.uint8)
    implied_rows()(is_call, prices, forward, one, one, zero, zero, 1, vols, statuses, 0, 1000)
    stopped = statuses == ImpliedVolStatus.NOT_CONVERGED
    assert stopped.any()
    assert np.all(np.isnan(vols[stopped]))


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("rate", [0.0, 0.03, -0.4])
@pytest.mark.parametrize("step", [-0.4, -1e-3, -7.7e-7, 7.7e-7, 1e-3, 0.4])
def test_black76__strike_near_the_forward__price_and_vol_keep_their_digits(
    is_call: bool, rate: float, step: float
) -> None:
    """In the money too, where both discounted legs are alike and each is rounded."""
    forward = 813_374.85
    strike = forward * (1.0 + step)
    for stdev in (1e-6, 1e-5, 1e-4, 1e-2, 0.3):
        if abs(step) > 30 * stdev:
            continue
        exact = _exact_price(is_call, forward, strike, stdev, rate)
        greeks = black76_greeks(is_call, forward, strike, 1.0, stdev, rate)
        condition = 1.0 + exact / (stdev * float(greeks.vega))
        implied = black76_implied_vol(is_call, exact, forward, strike, 1.0, rate)
        # x is known to two ulps, which moves a price by as much of its intrinsic part, and a density by x / stdev more.
        assert greeks.value == pytest.approx(exact, rel=16 * ULP * (1.0 + (step / stdev) ** 2))
        assert implied.vol_annual == pytest.approx(stdev, rel=4.5 * ULP * condition)


def _exact_price(is_call: bool, forward: float, strike: float, stdev: float, rate: float) -> float:
    with localcontext() as context:
        context.prec = 60
        f, k, s = (Decimal(number) for number in (forward, strike, stdev))
        d1 = (f / k).ln() / s + s / 2
        sign = 1 if is_call else -1
        undiscounted = sign * (f * normal_cdf(sign * d1) - k * normal_cdf(sign * (d1 - s)))
        return float((-Decimal(rate)).exp() * undiscounted)


def test_black_scholes_implied_vol__market_like_rows__returns_the_volatility_put_in() -> None:
    rng = np.random.default_rng(5)
    rows = 100_000
    call, spot, tau, vol = (
        rng.random(rows) < 0.5,
        rng.uniform(100, 5000, rows),
        rng.uniform(0.01, 2.0, rows),
        rng.uniform(0.1, 2.0, rows),
    )
    strike = spot * np.exp(vol * np.sqrt(tau) * rng.uniform(-2, 2, rows))
    rate, dividend = rng.uniform(-0.05, 0.1, rows), rng.uniform(-0.05, 0.1, rows)
    prices = black_scholes_greeks(call, spot, strike, tau, vol, rate, dividend).value
    implied = black_scholes_implied_vol(call, prices, spot, strike, tau, rate, dividend)
    assert np.all(implied.is_ok)
    np.testing.assert_allclose(implied.require(), vol, rtol=1e-12)


def test_low_guess__tiny_log_moneyness__is_within_1e_4_of_the_answer() -> None:
    stdev = 1e-6 * 10.0 ** np.random.default_rng(6).uniform(-0.7, 3.0, 300)
    shares = black76_greeks(True, np.exp(-1e-6), 1.0, 1.0, stdev).value / np.exp(-1e-6)
    guesses = np.array([_low_guess(1e-6, share) for share in shares])
    np.testing.assert_allclose(guesses, stdev, rtol=1e-4)


def test_low_guess__written_in_the_kernel__is_the_derived_one() -> None:
    p1, p2, p3, q1, q2, q3 = derive()
    numbers = [float(number) for number in re.findall(r"[\d.]+(?:e-\d+)?", _fit_lines())]
    assert numbers[1:4] + numbers[5:] == [p1, p2, p3, q1, q2, q3, 0.5 * p3]
    assert worst_error(derive()) < 1e-4


def _fit_lines() -> str:
    lines = inspect.getsource(_low_guess.py_func).splitlines()
    return "\n".join(line for line in lines if line.strip().startswith(("above =", "below =")))


STATUSES = [
    # price, forward, strike, tau, expected
    (7.9655674554058, 100.0, 100.0, 1.0, ImpliedVolStatus.OK),
    (0.0, 90.0, 100.0, 1.0, ImpliedVolStatus.AT_INTRINSIC),
    (10.0, 110.0, 100.0, 1.0, ImpliedVolStatus.AT_INTRINSIC),
    (9.999999999999998, 110.0, 100.0, 1.0, ImpliedVolStatus.AT_INTRINSIC),
    (9.99, 110.0, 100.0, 1.0, ImpliedVolStatus.BELOW_INTRINSIC),
    (10.0 - 1e-12, 110.0, 100.0, 1.0, ImpliedVolStatus.BELOW_INTRINSIC),
    (-1.0, 90.0, 100.0, 1.0, ImpliedVolStatus.BELOW_INTRINSIC),
    (110.0, 110.0, 100.0, 1.0, ImpliedVolStatus.ABOVE_BOUND),
    (120.0, 110.0, 100.0, 1.0, ImpliedVolStatus.ABOVE_BOUND),
    (5.0, 100.0, 100.0, 0.0, ImpliedVolStatus.EXPIRED),
    (5.0, 100.0, 100.0, -1.0, ImpliedVolStatus.EXPIRED),
    (np.nan, 100.0, 100.0, 1.0, ImpliedVolStatus.NOT_FINITE),
    (5.0, np.inf, 100.0, 1.0, ImpliedVolStatus.NOT_FINITE),
    (5.0, 100.0, np.nan, 0.0, ImpliedVolStatus.NOT_FINITE),
    (5.0, 100.0, -100.0, 1.0, ImpliedVolStatus.OUT_OF_DOMAIN),
    (5.0, 0.0, 100.0, 1.0, ImpliedVolStatus.OUT_OF_DOMAIN),
    (5.0, 100.0, 1e-101, 1.0, ImpliedVolStatus.OUT_OF_DOMAIN),
    (1e-305, 1e-2, 100.0, 1.0, ImpliedVolStatus.OUT_OF_DOMAIN),
]


@pytest.mark.parametrize(("price", "forward", "strike", "tau", "expected"), STATUSES)
def test_black76_implied_vol__every_kind_of_row__has_its_status(
    price: float, forward: float, strike: float, tau: float, expected: ImpliedVolStatus
) -> None:
    implied = black76_implied_vol(True, price, forward, strike, tau)
    assert ImpliedVolStatus(int(implied.status)) is expected
    if expected is ImpliedVolStatus.OK:
        assert implied.vol_annual == pytest.approx(0.2, rel=1e-13)
    elif expected is ImpliedVolStatus.AT_INTRINSIC:
        assert implied.vol_annual == 0.0
    else:
        assert np.isnan(implied.vol_annual)


@pytest.mark.parametrize(("price", "forward", "strike", "tau", "expected"), STATUSES)
def test_black76_implied_vol__puts__mirror_calls(
    price: float, forward: float, strike: float, tau: float, expected: ImpliedVolStatus
) -> None:
    assert int(black76_implied_vol(False, price, strike, forward, tau).status) == expected


def test_implied_vols__require__names_the_first_row_without_a_volatility() -> None:
    implied = black76_implied_vol(True, [[8.0, 0.0], [-3.5, 200.0]], 100.0, 100.0, 1.0)
    with pytest.raises(DataError, match=r"^row 1, 0: price_usd -3.5 has no implied volatility: below intrinsic"):
        implied.require()
    assert black76_implied_vol(True, [8.0, 0.0], 100.0, 100.0, 1.0).require()[1] == 0.0


def test_black76_implied_vol__inputs_of_different_shapes__broadcast() -> None:
    strikes, taus = np.array([[90.0], [100.0], [110.0]]), np.array([0.1, 1.0])
    prices = black76_greeks(False, 100.0, strikes, taus, 0.7).value
    implied = black76_implied_vol(False, prices, 100.0, strikes, taus)
    assert implied.vol_annual.shape == implied.status.shape == implied.price_usd.shape == (3, 2)
    np.testing.assert_allclose(implied.vol_annual, 0.7, rtol=1e-13)


def test_black76_implied_vol__no_rows__returns_empty_arrays() -> None:
    assert black76_implied_vol(np.zeros(0, dtype=bool), np.zeros(0), 1.0, 1.0, 1.0).vol_annual.shape == (0,)


def test_black76_implied_vol__text_for_a_price__is_refused_by_name() -> None:
    with pytest.raises(DataError, match="price_usd is not numeric"):
        black76_implied_vol(True, "five", 100.0, 100.0, 1.0)


@pytest.mark.market_data
def test_black76_implied_vol__deribit_eth_chain__reproduces_every_mark(market_data: Path) -> None:
    chain = pl.read_parquet(market_data / "deribit_eth_chain_20240108.parquet")
    years = (chain["expiry"] - chain["snapshot_ts"]).dt.total_microseconds().to_numpy() / (365 * 86_400e6)
    is_call, forward = (chain["option_type"] == "C").to_numpy(), chain["underlying_usd"].to_numpy()
    strike, mark_coin = chain["strike_usd"].to_numpy().astype(float), chain["mark_coin"].to_numpy()
    implied = black76_implied_vol(is_call, mark_coin * forward, forward, strike, years)
    assert chain.height == 684
    # Marks are printed to four decimals of a coin: far in the money they can lie below intrinsic by rounding alone.
    below = implied.status == ImpliedVolStatus.BELOW_INTRINSIC
    intrinsic = np.maximum(np.where(is_call, forward - strike, strike - forward), 0.0)
    assert np.all((intrinsic / forward - mark_coin)[below] <= 1e-4)
    again = black76_greeks(is_call, forward, strike, years, np.where(implied.is_ok, implied.vol_annual, 0.0)).value
    np.testing.assert_allclose(again[implied.is_ok] / forward[implied.is_ok], mark_coin[implied.is_ok], rtol=1e-13)
    assert implied.is_ok.mean() > 0.95
    near = implied.is_ok & (np.abs(np.log(forward / strike)) < 0.2) & (years > 0.02)
    assert np.all((implied.vol_annual[near] > 0.3) & (implied.vol_annual[near] < 1.2))


def _tough_rows(rows: int) -> tuple[np.ndarray, ...]:
    """A second to ten years, volatilities of 0.01 to 2000 %, eight deviations to both sides, rates of any sign."""
    rng = np.random.default_rng(23)

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(rng.uniform(np.log(low), np.log(high), rows))

    spot, tau, vol = spread(1e-2, 1e6), spread(3.2e-8, 10.0), spread(1e-4, 20.0)
    rate, dividend = rng.uniform(-0.1, 0.2, rows), rng.uniform(-0.1, 0.2, rows)
    strike = spot * np.exp(vol * np.sqrt(tau) * rng.uniform(-8, 8, rows) + (rate - dividend) * tau)
    return rng.random(rows) < 0.5, spot, np.clip(strike, 1e-90, 1e90), tau, vol, rate, dividend


def test_black_scholes_implied_vol__tough_rows__err_by_what_price_and_legs_determine() -> None:
    call, spot, strike, tau, vol, rate, dividend = columns = _tough_rows(300_000)
    greeks = black_scholes_greeks(*columns)
    implied = black_scholes_implied_vol(call, greeks.value, spot, strike, tau, rate, dividend)
    assert set(np.unique(implied.status)) <= {0, 1, 3}, "nothing stops, falls below intrinsic or leaves the domain"
    legs = np.exp(-dividend * tau) * spot, np.exp(-rate * tau) * strike
    in_the_money = np.where(call, legs[0] > legs[1], legs[0] < legs[1])
    told = greeks.value + np.where(in_the_money, legs[0] + legs[1], 0.0)
    solved = implied.is_ok & (greeks.value > SMALLEST_NORMAL)
    condition = 1.0 + told[solved] / (vol[solved] * greeks.vega[solved])
    ulps = np.abs(implied.vol_annual[solved] / vol[solved] - 1.0) / (ULP * condition)
    assert solved.mean() > 0.9
    assert ulps.max() <= 8.0
    assert np.array_equal(np.isnan(implied.vol_annual), implied.status > ImpliedVolStatus.AT_INTRINSIC)


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize("steps", [-3, -1, 0, 1, 2, 100])
def test_black76_implied_vol__price_near_intrinsic__has_a_vol_or_says_at_intrinsic(is_call: bool, steps: int) -> None:
    forward, strike = (110.0, 100.0) if is_call else (100.0, 110.0)
    price = 10.0 + steps * np.spacing(10.0)
    implied = black76_implied_vol(is_call, price, forward, strike, 1.0)
    if steps <= 0:
        assert (implied.status, implied.vol_annual) == (ImpliedVolStatus.AT_INTRINSIC, 0.0)
    else:
        assert implied.is_ok
        assert black76_greeks(is_call, forward, strike, 1.0, implied.vol_annual).value == pytest.approx(price, rel=ULP)


@pytest.mark.parametrize("is_call", [True, False])
def test_inverse_option_implied_vol__coin_prices__return_the_volatility_put_in(is_call: bool) -> None:
    strikes, vols = np.geomspace(500.0, 8000.0, 40), np.array([[0.3], [0.9], [2.5]])
    coin = inverse_option_greeks(is_call, 2000.0, strikes, 0.4, vols, 0.03).value
    implied = inverse_option_implied_vol(is_call, coin, 2000.0, strikes, 0.4, 0.03)
    well_told = inverse_option_greeks(is_call, 2000.0, strikes, 0.4, vols, 0.03).vega > 1e-4
    assert np.all(implied.is_ok[well_told])
    np.testing.assert_allclose(implied.vol_annual[well_told], (vols + 0.0 * strikes)[well_told], rtol=1e-10)


@pytest.mark.parametrize(
    ("price_coin", "expected"),
    [
        (0.04, ImpliedVolStatus.BELOW_INTRINSIC),
        (1.0, ImpliedVolStatus.ABOVE_BOUND),
        (np.nan, ImpliedVolStatus.NOT_FINITE),
        (0.1, ImpliedVolStatus.OK),
    ],
)
def test_inverse_option_implied_vol__coin_price__has_its_status(price_coin: float, expected: ImpliedVolStatus) -> None:
    implied = inverse_option_implied_vol(True, price_coin, 2000.0, 1900.0, 0.4)
    assert implied.status == expected


def test_inverse_option_implied_vol__shapes_that_do_not_broadcast__are_listed() -> None:
    with pytest.raises(DataError, match=r"price_coin \(2,\), forward_usd \(3,\)"):
        inverse_option_implied_vol(True, [0.1, 0.2], [1.0, 2.0, 3.0], 1.0, 1.0)
