"""Coin-settled options: Deribit's delta beside the premium-adjusted one."""

from __future__ import annotations

from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from agent.products.european import black76_greeks
from agent.products.inverse_option import inverse_option_deltas, inverse_option_greeks
from tests.support.exact_normal import PI, normal_cdf


def test_inverse_option__payoff_at_expiry__is_in_coin() -> None:
    call = inverse_option_greeks(True, [1500.0, 2500.0], 2000.0, 0.0, 0.8)
    np.testing.assert_allclose(call.value, [0.0, 0.2], rtol=1e-15)
    put = inverse_option_greeks(False, [1600.0, 2500.0], 2000.0, 0.0, 0.8)
    np.testing.assert_allclose(put.value, [0.25, 0.0], rtol=1e-15)


def test_inverse_option_deltas__far_in_the_money_call__no_coin_but_all_usd_risk() -> None:
    deltas = inverse_option_deltas(True, 2000.0, 20.0, 0.1, 0.5)
    assert deltas.deribit == pytest.approx(1.0, abs=1e-12)
    assert deltas.premium_adjusted == pytest.approx(0.01, rel=1e-12)


def test_inverse_option_deltas__premium_adjusted_hedge__holds_the_coin_value() -> None:
    forward, bump = 2000.0, 0.01
    coin, usd = inverse_option_deltas(True, forward, 2100.0, 0.25, 0.7), 1.0
    values = inverse_option_greeks(True, forward + np.array([-bump, bump]), 2100.0, 0.25, 0.7).value
    moved = (values[1] - values[0]) / (2 * bump) * forward * usd
    assert moved == pytest.approx(float(coin.premium_adjusted), rel=1e-7)


def test_inverse_option_deltas__put_call_parity__is_one_coin_and_strike_over_forward() -> None:
    call, put = (inverse_option_deltas(side, 2000.0, 1700.0, 0.3, 0.9) for side in (True, False))
    assert call.deribit - put.deribit == pytest.approx(1.0, rel=1e-14)
    assert call.premium_adjusted - put.premium_adjusted == pytest.approx(0.85, rel=1e-13)


@pytest.mark.market_data
def test_inverse_option__deribit_marks__obey_coin_parity_with_our_values(market_data: Path) -> None:
    chain = pl.read_parquet(market_data / "deribit_eth_chain_20240108.parquet").filter(pl.col("strike_usd") == 2200)
    forward, mark = chain["underlying_usd"].to_numpy(), chain["mark_coin"].to_numpy()
    is_call = (chain["option_type"] == "C").to_numpy()
    years = (chain["expiry"] - chain["snapshot_ts"]).dt.total_microseconds().to_numpy() / (365 * 86_400e6)
    ours = inverse_option_greeks(is_call, forward, 2200.0, years, 0.6).value
    order = np.lexsort((is_call, years))
    ours_gap, market_gap = (np.diff(side[order])[::2] for side in (ours, mark))
    assert ours_gap.size >= 8
    np.testing.assert_allclose(ours_gap, market_gap, atol=1.5e-4)  # marks are printed to 1e-4 coin


def test_inverse_option__usd_value__is_black_76() -> None:
    coin, usd = (price(False, 2000.0, 2300.0, 0.2, 0.65) for price in (inverse_option_greeks, black76_greeks))
    assert coin.value * 2000.0 == pytest.approx(float(usd.value), rel=1e-15)


def _exact(is_call: bool, forward: float, strike: float, tau: float, vol: float, rate: float) -> dict[str, float]:
    """Delta and charm in coin from 60 digits: Phi by its series and continued fraction."""
    with localcontext() as context:
        context.prec = 60
        f, k, t, v, r = (Decimal(number) for number in (forward, strike, tau, vol, rate))
        stdev = v * t.sqrt()
        d1 = (f / k).ln() / stdev + stdev / 2
        sign = 1 if is_call else -1
        discount = (-r * t).exp()
        delta = sign * discount * k * normal_cdf(sign * (d1 - stdev)) / f**2
        density = (-d1 * d1 / 2).exp() / (2 * PI).sqrt()
        return {"delta": float(delta), "charm": float(r * delta + discount * density * d1 / (2 * t * f))}


@pytest.mark.parametrize("is_call", [True, False])
@pytest.mark.parametrize(
    ("forward", "strike", "tau", "vol", "rate"),
    [
        (1.6, 6e-17, 1.9, 5.6, 0.0),
        (1.6, 6e-17, 1.9, 5.6, 0.04),
        (2000.0, 2.0, 0.1, 0.5, 0.03),
        (2000.0, 1999.9999, 0.01, 0.3, 0.02),
        (2000.0, 2400.0, 0.3, 0.8, 0.05),
        (2000.0, 9000.0, 0.05, 0.7, 0.05),
        (813374.85, 813375.48, 0.001, 0.4, 0.01),
    ],
)
def test_inverse_option__at_any_moneyness__delta_and_charm_keep_their_digits(
    is_call: bool, forward: float, strike: float, tau: float, vol: float, rate: float
) -> None:
    greeks = inverse_option_greeks(is_call, forward, strike, tau, vol, rate)
    expected = _exact(is_call, forward, strike, tau, vol, rate)
    # d2 is known to an ulp, and N(d2) changes by |d2| times as much of itself.
    assert greeks.delta == pytest.approx(expected["delta"], rel=1e-11, abs=0.0)
    assert greeks.charm == pytest.approx(expected["charm"], rel=1e-10, abs=0.0)
