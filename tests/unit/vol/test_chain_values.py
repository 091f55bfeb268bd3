"""A chain's rows: marks reproduced, every missing vol with its reason, deltas that hold what they say they hold."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from agent.errors import DataError
from agent.files.deribit_chain import load_chain
from agent.products.european import black76_greeks
from agent.vol.chain_values import QuoteStatus, value_chain
from tests.support.listed_chain import HALF_SPREAD, summaries, write_json


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    return load_chain(write_json(tmp_path_factory.mktemp("chain") / "chain.json", summaries()))


@pytest.fixture(scope="module")
def values(chain):
    return value_chain(chain)


@pytest.fixture(scope="module")
def real(market_data):
    return value_chain(load_chain(market_data / "deribit_eth_chain_20240108.parquet"))


def test_value_chain__marks__give_the_vols_they_were_made_with(chain, values):
    np.testing.assert_allclose(values.vol_annual["mark"], chain.quoted_mark_vol_annual, rtol=1e-9)
    assert values.is_marked.all()
    assert np.abs(values.mark_error_bps).max() < 1e-9


def test_value_chain__bid_and_ask__reproduce_their_prices_where_they_have_a_vol(chain, values):
    for side, price in (("bid", chain.bid_coin), ("ask", chain.ask_coin)):
        has_vol = np.isfinite(values.vol_annual[side])
        assert has_vol.any()
        terms = (chain.is_call, chain.forward_usd, chain.strike_usd, chain.tau_years)
        again = black76_greeks(*(term[has_vol] for term in terms), values.vol_annual[side][has_vol])
        np.testing.assert_allclose(again.value / chain.forward_usd[has_vol], price[has_vol], rtol=1e-9)


def test_value_chain__deltas__hold_the_usd_and_the_coin_value(chain, values):
    step = 0.01
    shifted = [
        value_chain(replace(chain, forward_usd=chain.forward_usd + side * step)) for side in (1, -1)
    ]  # same marks, other forward: only terms are taken from here
    terms = (chain.strike_usd, chain.tau_years, values.vol_annual["mark"])
    up, down = (black76_greeks(chain.is_call, found.chain.forward_usd, *terms).value for found in shifted)
    np.testing.assert_allclose(values.greeks.delta, (up - down) / (2 * step), atol=1e-7)
    coin = up / (chain.forward_usd + step) - down / (chain.forward_usd - step)
    np.testing.assert_allclose(values.premium_adjusted_delta, chain.forward_usd * coin / (2 * step), atol=1e-6)


def test_value_chain__no_quote__absent_and_nothing_else(values):
    absent = values.status["bid"] == QuoteStatus.ABSENT
    assert absent.sum() == 4
    assert np.isnan(values.vol_annual["bid"][absent]).all()
    assert QuoteStatus.ABSENT not in values.status["ask"]


@pytest.mark.parametrize(
    ("coin", "status"),
    [
        (0.5, QuoteStatus.OK),
        ((2_240.0 - 1_600.0) / 2_240.0, QuoteStatus.AT_INTRINSIC),
        (0.1, QuoteStatus.BELOW_INTRINSIC),
        (1.5, QuoteStatus.ABOVE_BOUND),
        (np.nan, QuoteStatus.ABSENT),
        (0.0, QuoteStatus.ABSENT),
    ],
)
def test_value_chain__mark_without_a_vol__says_why_and_is_valued_at_the_surface(chain, coin, status):
    marks, alone = chain.mark_coin.copy(), chain.strike_usd != chain.strike_usd[0]
    marks[0], alone[0] = coin, True  # without its twin out of the money
    found = value_chain(rows_of_chain(replace(chain, mark_coin=marks), alone, bare=True))
    assert found.status["mark"][0] == status
    assert found.is_marked[0] == (status is QuoteStatus.OK)
    assert np.isfinite(found.mark_error_bps[0]) == (status is QuoteStatus.OK)
    assert not found.is_twinned[0]
    assert np.isfinite([found.greeks.value[0], found.sticky_delta[0], found.model_vol_annual[0]]).all()
    if status is not QuoteStatus.OK:
        at_surface = black76_greeks(True, 2_240.0, 1_600.0, chain.tau_years[0], found.model_vol_annual[0])
        assert found.greeks.value[0] == pytest.approx(float(at_surface.value), rel=1e-12)


@pytest.mark.parametrize(
    ("coin", "is_twinned", "is_stale"),
    [(0.2900, True, True), (0.1, True, False), (np.nan, True, False), (None, False, False)],
    ids=["many points off", "below intrinsic", "absent", "as its twin"],
)
def test_value_chain__mark_in_the_money__agrees_with_its_twin_or_takes_its_vol(chain, coin, is_twinned, is_stale):
    """A call struck at 1,600 with the forward at 2,240: .0043 of a coin more than intrinsic is many points of vol."""
    marks = chain.mark_coin.copy()
    marks[0] = marks[0] if coin is None else coin
    found = value_chain(rows_of_chain(replace(chain, mark_coin=marks), np.ones(marks.size, dtype=bool), bare=True))
    (twin,) = np.flatnonzero(
        ~chain.is_call & (chain.strike_usd == chain.strike_usd[0]) & (chain.expiry_unix == chain.expiry_unix[0])
    )
    assert (bool(found.is_twinned[0]), bool(found.is_stale[0])) == (is_twinned, is_stale)
    parity = found.greeks.value[0] - found.greeks.value[twin]
    assert parity == pytest.approx(chain.forward_usd[0] - chain.strike_usd[0], abs=1e-6)
    assert not found.is_twinned[twin]


def rows_of_chain(chain, chosen, *, bare):
    """The chosen rows of a chain; ``bare``: with their marks alone."""
    changes = {"bid_coin": np.full_like(chain.bid_coin, np.nan), "ask_coin": np.full_like(chain.ask_coin, np.nan)}
    chain = replace(chain, **changes) if bare else chain
    names = [own.name for own in fields(chain) if isinstance(getattr(chain, own.name), np.ndarray)]
    kept = tuple(name for name, is_chosen in zip(chain.instrument_name, chosen, strict=True) if is_chosen)
    return replace(chain, instrument_name=kept, **{name: getattr(chain, name)[chosen] for name in names})


def test_value_chain__rate__discounts_prices_and_still_reproduces_marks(chain):
    found = value_chain(replace(chain, rate_annual=np.full_like(chain.rate_annual, 0.05)))
    assert np.nanmax(np.abs(found.mark_error_bps)) < 1e-9
    assert (found.vol_annual["mark"][2:8] > chain.quoted_mark_vol_annual[2:8]).all()


def test_value_chain__every_vol_has_a_status_and_every_status_its_words(values):
    for side, vols in values.vol_annual.items():
        np.testing.assert_array_equal(np.isfinite(vols), values.status[side] == QuoteStatus.OK)
    assert len({status.words for status in QuoteStatus}) == len(QuoteStatus)


def test_value_chain__surface__free_of_arbitrage_and_between_the_quotes(values):
    assert values.arbitrage.is_free
    assert values.fit.inside_share >= 0.95
    assert HALF_SPREAD < 0.1


def test_value_chain__real_chain__marks_reproduced_and_surface_inside(real):
    assert np.nanmax(np.abs(real.mark_error_bps)) < 1e-6
    assert real.is_marked.sum() >= 670
    assert real.is_twinned.sum() <= 12
    assert real.is_stale.sum() >= 5
    assert real.fit.inside_share >= 0.95
    assert real.arbitrage.is_free
    for greek in (real.greeks.delta, real.greeks.gamma, real.premium_adjusted_delta, real.sticky_delta):
        assert np.isfinite(greek).all()


def test_value_chain__expired_row__refused(chain):
    with pytest.raises(DataError, match="tau_years"):
        value_chain(replace(chain, now_unix=float(chain.expiry_unix[0])))


def test_value_chain__no_price_at_all__refused(chain):
    nothing = np.full_like(chain.mark_coin, np.nan)
    with pytest.raises(DataError, match="give quotes"):
        value_chain(replace(chain, bid_coin=nothing, ask_coin=nothing, mark_coin=nothing))
