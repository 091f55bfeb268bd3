"""Instruments, venues and bounds for tests of the hedging programme, and objectives worked out in their own way."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import polars as pl

from agent.domain import Book, OptionLeg, OptionType
from agent.optimiser.covariance import gaussian_covariance
from agent.optimiser.factors import ONE_UNDERLYING, Factors
from agent.optimiser.instruments import CostStep, Instrument
from agent.optimiser.limits import GuardLimits, VenueLimits
from agent.optimiser.options import OptionRows
from agent.optimiser.plan import make_plan
from agent.units import SECONDS_PER_YEAR, Seconds

SPOT_USD = 3_000.0
MOVES = gaussian_covariance(SPOT_USD, 0.6, 0.8, -0.3, 1.0)
SHORT_GAMMA = Factors(-40.0, -0.3, -90_000.0, -30.0, 2_000.0)
NO_GUARD = GuardLimits(0.0, 0.0, np.inf, 0.0, np.inf, np.inf, np.inf, np.inf, np.inf, np.inf)


def steps(*sizes_and_costs, fee=1.0):
    return tuple(CostStep(size, fee, impact) for size, impact in sizes_and_costs)


def perp(venue="a", quotes=((20.0, 0.5), (60.0, 2.0), (200.0, 6.0)), fee=1.0, **changes):
    ladder = steps(*quotes, fee=fee)
    plain = Instrument(
        name=f"perp {venue}",
        venue=venue,
        factors=ONE_UNDERLYING,
        fair_usd=SPOT_USD,
        notional_usd=SPOT_USD,
        buys=ladder,
        sells=ladder,
        margin_long_usd=SPOT_USD / 2.0,
        margin_short_usd=SPOT_USD / 2.0,
        counted_delta=1.0,
        is_on_chain=True,
    )
    return replace(plain, **changes)


def option(name="call", factors=None, half_spread=4.0, size=100.0, **changes):
    plain = Instrument(
        name=name,
        venue="options",
        factors=factors or Factors(0.52, 0.0016, 340.0, 0.02, 20.0),
        fair_usd=180.0,
        notional_usd=SPOT_USD,
        buys=steps((size, half_spread), fee=0.9),
        sells=steps((size, half_spread), fee=0.9),
        margin_long_usd=180.0,
        margin_short_usd=480.0,
    )
    return replace(plain, **changes)


def venue(name="a", equity_usd=1e6, **changes):
    return VenueLimits(name, equity_usd, **changes)


def limits(factors=SHORT_GAMMA, half_width=0.0, **changes):
    plain = GuardLimits(
        net_delta_low=factors.delta - half_width,
        net_delta_high=factors.delta + half_width,
        band=1_000.0,
        min_improvement=0.5,
        max_size=100.0,
        max_notional_usd=1e6,
        turnover_usd=1e6,
        max_leverage=5.0,
        nav_usd=1e6,
        max_nav_loss_usd=1e5,
    )
    return replace(plain, **changes)


def cost_usd(instrument, size, horizon_years=1.0 / 365.0, premium_ratio=0.0):
    """Cost of one trade, by walking up the ladder; gas aside."""
    left, cost = abs(size), 0.0
    for step in instrument.buys if size > 0.0 else instrument.sells:
        taken = min(left, step.size)
        cost += taken * (step.fee_usd_per_unit + step.impact_usd_per_unit)
        left -= taken
    if left > 1e-9 * max(abs(size), 1.0):
        return np.inf

    def margin(position):
        return instrument.margin_long_usd * max(position, 0.0) + instrument.margin_short_usd * max(-position, 0.0)

    tied_up = margin(instrument.position + size) - margin(instrument.position)
    quadratic = 0.5 * instrument.impact_usd_per_unit2 * size**2
    return cost + quadratic + instrument.carry_usd_per_unit * size + premium_ratio * tied_up


def objective_usd(factors, instruments, sizes, moves=MOVES, aversion=1e-4, gas=None, premium_ratios=()):
    """Objective of a set of trades straight from its definition."""
    residual = np.array(factors) + sum(
        size * np.array(instrument.factors) for instrument, size in zip(instruments, sizes, strict=True)
    )
    ratios = premium_ratios or (0.0,) * len(instruments)
    cost = sum(
        cost_usd(instrument, size, premium_ratio=ratio)
        for instrument, size, ratio in zip(instruments, sizes, ratios, strict=True)
    )
    legs = sum(size != 0.0 and instrument.is_on_chain for instrument, size in zip(instruments, sizes, strict=True))
    return 0.5 * aversion * residual @ moves.matrix @ residual + cost + (gas.of(legs) if gas else 0.0)


def sizes_of(plan, instruments):
    traded = {trade.instrument: trade.size for trade in plan.trades}
    return [traded.get(instrument.name, 0.0) for instrument in instruments]


def grid_best(factors, instruments, grids, **parts):
    """Least objective over a grid of sizes, by trying all."""
    return min(objective_usd(factors, instruments, sizes, **parts) for sizes in itertools.product(*grids))


# --- the real chain -----------------------------------------------------------------------------------------------

CHAIN_FILE = "deribit_eth_chain_20240108.parquet"


def eth_chain(market_data, size=25.0):
    """The whole ETH chain of 2024-01-08 as rows, its index price and its time; ``size`` contracts at every quote."""
    frame = pl.read_parquet(market_data / CHAIN_FILE)
    tau = (frame["expiry"] - frame["snapshot_ts"]).dt.total_milliseconds().to_numpy() / 1e3 / SECONDS_PER_YEAR
    bid, ask, mark = (frame[f"{side}_coin"].fill_null(np.nan).to_numpy() for side in ("bid", "ask", "mark"))
    rows = OptionRows(
        names=frame["instrument_name"].to_list(),
        is_call=(frame["option_type"] == "C").to_numpy(),
        forward_usd=frame["underlying_usd"].to_numpy(),
        strike_usd=frame["strike_usd"].to_numpy(),
        tau_years=tau,
        bid=bid,
        ask=ask,
        mark=mark,
        bid_size=size,
        ask_size=size,
    )
    return rows, float(frame["index_usd"].median()), Seconds(int(frame["snapshot_ts"].min().timestamp()))


def short_straddles(quantity=200.0, strike_usd=2_250.0, expiry_unix=Seconds(1_708_675_200), iv_annual=0.55):
    """A book short straddles that expire on 2024-02-23 at 08:00 UTC."""
    legs = tuple(
        OptionLeg(right, strike_usd, expiry_unix, -quantity, iv_annual, iv_annual - 0.05, iv_annual + 0.05, right.value)
        for right in (OptionType.CALL, OptionType.PUT)
    )
    return Book("ETH", legs)


AVERSION = 1e-4
OPTIONS = venue("options")
VENUES = [venue(name) for name in "abcdefghijklmno"] + [OPTIONS]


def plan_of(instruments, factors=SHORT_GAMMA, venues=None, aversion=AVERSION, **parts):
    return make_plan(factors, instruments, venues or VENUES, MOVES, aversion, **parts)
