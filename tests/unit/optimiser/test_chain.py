"""The programme on the real ETH chain of 2024-01-08: a book short 200 straddles buys listed options."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from agent.optimiser.factors import book_factors
from agent.optimiser.leg_selection import Gas
from agent.optimiser.limits import VenueLimits
from agent.optimiser.options import DERIBIT, option_instruments
from agent.policy.multi_instrument import MultiInstrument
from benchmarks.optimiser import SHOWN_AVERSION, real_chain_plan
from tests.support.optimiser_builders import eth_chain, perp, short_straddles, steps

REFERENCE_YEARS = 30.0 / 365.0
VENUES = (
    *(VenueLimits(name, 1e6, max_leverage=5.0) for name in "abc"),
    VenueLimits("deribit", 1e6, free_margin_usd=1e6, failures_per_year=0.02),
)

pytestmark = pytest.mark.market_data


@pytest.fixture(scope="module")
def market(market_data):
    rows, index_usd, at_unix = eth_chain(market_data)
    options = option_instruments(rows, index_usd, DERIBIT, 1.0, REFERENCE_YEARS)
    fee, half = 5e-4 * index_usd, 2e-4 * index_usd
    quotes = steps((50.0, half), (450.0, 3.0 * half), fee=fee)
    perps = [perp(name, fair_usd=index_usd, notional_usd=index_usd, buys=quotes, sells=quotes) for name in "abc"]
    factors = book_factors(short_straddles(), index_usd, at_unix, 0.0, REFERENCE_YEARS)
    return index_usd, factors, perps, options


def plan_of(market, aversion, instruments=None):
    index_usd, factors, perps, options = market
    policy = MultiInstrument(aversion, 1.0, 0.6, 0.8, -0.2)
    chosen = [*perps, *options.instruments] if instruments is None else instruments
    return policy.plan(factors, chosen, VENUES, index_usd, gas=Gas(4.0, 1.0))


def test_option_instruments__whole_chain__keeps_every_row_with_a_quote(market):
    _, _, _, options = market
    assert len(options.instruments) + len(options.left_out) == 684
    assert len(options.instruments) > 450
    assert set(options.left_out.values()) == {"nothing is quoted", "one side alone is quoted, without a mark"}


def test_plan__short_straddles__buys_options_and_cuts_gamma_and_vega_risk(market):
    plan = plan_of(market, 1e-3)
    options = [trade for trade in plan.trades if trade.venue == "deribit"]
    assert sum(trade.size > 0.0 for trade in options) >= 5
    assert plan.stdev_after_usd < 0.1 * plan.stdev_before_usd
    assert plan.costs.total_usd < 0.25 * plan.stdev_before_usd
    for name in ("gamma_per_usd", "vega_usd_per_vol"):
        assert abs(getattr(plan.after, name)) < 0.5 * abs(getattr(plan.before, name))
    assert "buy 25 ETH-" in plan.reason
    assert plan.gap_usd <= 1e-8 * plan.objective_before_usd  # of the solver's own tolerance, 1e-9, in any order of sums


def test_plan__perps_alone__leave_most_of_the_risk(market):
    perps_only = plan_of(market, 1e-3, market[2])
    assert perps_only.stdev_after_usd > 0.9 * perps_only.stdev_before_usd


def test_plan__rising_risk_aversion__walks_down_an_efficient_curve(market):
    plans = [plan_of(market, aversion) for aversion in np.geomspace(1e-6, 1e-2, 9)]
    pairs = [(plan.costs.total_usd, plan.stdev_after_usd) for plan in plans]
    assert pairs[0][0] == 0.0
    assert all(first[0] <= second[0] and first[1] >= second[1] for first, second in itertools.pairwise(pairs))
    slopes = [
        (second[1] ** 2 - first[1] ** 2) / (second[0] - first[0])
        for first, second in itertools.pairwise(pairs)
        if second[0] > first[0] + 1e-9
    ]
    assert slopes == sorted(slopes)


def test_docs__example__is_what_its_command_prints(market_data, repository):
    text = (repository / "docs" / "optimiser.md").read_text()
    assert f"> {real_chain_plan(SHOWN_AVERSION).reason}\n" in text
