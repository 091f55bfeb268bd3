r"""Listed options as instruments: bought at the ask, sold at the bid, worth the middle.

**Coin-settled options** (Deribit) are quoted in coin: with W(F) the value in coin at the forward F of the expiry, and
F = k S moving along with the index price S, an option is worth S W(k S) USD. In S,

    delta = W + F W'  (Deribit's delta),    gamma = k (2 W' + F W''),    vega = S dW/dvol,    vanna = d delta / dvol.

Its premium is paid in coin. Where the coins are bought for the purpose, the delta above is what the book gains. Where
they come out of coins that the book already counts, those coins are gone: the book gains F W' = delta - W, the
premium-adjusted delta.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from agent.checks import require_finite
from agent.errors import DataError
from agent.numerics.arrays import FloatArray
from agent.numerics.rows import NON_NEGATIVE, as_floats, require_domain
from agent.numerics.series import FINITE
from agent.optimiser.factors import Factors, vol_weights
from agent.optimiser.instruments import CostStep, Instrument
from agent.products.european import black76_greeks
from agent.products.inverse_option import inverse_option_greeks
from agent.units import SECONDS_PER_DAY, SECONDS_PER_YEAR
from agent.vol.price_quotes import PriceQuotes, chain_quotes_of_prices
from agent.vol.price_ticks import chain_ticks


@dataclass(frozen=True, slots=True)
class ListingTerms:
    """How a venue lists options: units of one underlying unit a contract.

    A contract's fee is ``fee_index_ratio`` of the index price, at most ``fee_price_ratio`` of the option's price. A
    short one ties up max(``margin_ratio`` - its distance out of the money over the index, ``least_margin_ratio``) of
    the index price, and its value; a long one its price.
    """

    venue: str
    is_coin_settled: bool
    fee_index_ratio: float
    fee_price_ratio: float
    margin_ratio: float
    least_margin_ratio: float
    lot: float = 0.0
    pays_from_held_coins: bool = False
    """Premiums come out of coins that the book counts; see the module's note."""
    is_counted_on_chain: bool = False
    """The chain's book of deltas will count what is bought."""


DERIBIT = ListingTerms("deribit", True, 0.0003, 0.125, 0.15, 0.10)
"""Taker fees and initial margin of ETH and BTC options. Source: deribit.com/kb/fees, /kb/options-margin (2024)."""


@dataclass(frozen=True, slots=True)
class OptionRows:
    """A chain as read, one option a row; prices in the venue's currency, NaN or 0 where there is no such quote."""

    names: Sequence[str]
    is_call: ArrayLike
    forward_usd: ArrayLike
    strike_usd: ArrayLike
    tau_years: ArrayLike
    bid: ArrayLike
    ask: ArrayLike
    mark: ArrayLike
    bid_size: ArrayLike
    """Contracts."""
    ask_size: ArrayLike
    position: ArrayLike = 0.0
    """Contracts held, long positive."""


class OptionInstruments(NamedTuple):
    """What can be traded, and why the other rows cannot, by name."""

    instruments: tuple[Instrument, ...]
    left_out: dict[str, str]


class _Columns(NamedTuple):
    """Per row: prices in USD and what an instrument is made of."""

    bid_usd: FloatArray
    ask_usd: FloatArray
    fair_usd: FloatArray
    bid_size: FloatArray
    ask_size: FloatArray
    position: FloatArray
    short_margin_usd: FloatArray
    factors: FloatArray
    """Shape (rows, 5)."""
    theta_usd_per_year: FloatArray


def option_instruments(
    rows: OptionRows,
    index_usd: float,
    terms: ListingTerms,
    horizon_days: float,
    reference_years: float | None = None,
) -> OptionInstruments:
    """Build instruments out of a chain.

    Parameters
    ----------
    rows
        The chain.
    index_usd
        Price of the underlying, USD; a coin-settled price times this is its price in USD.
    terms
        Of the venue.
    horizon_days
        Until the next rebalance, for the expected gain (theta).
    reference_years
        Expiry whose vol is the factor's, see `factors`.

    Returns
    -------
    OptionInstruments
        Fair value is the middle of bid and ask; of a one-sided quote, the mark within it. A row is left out where
        nothing is quoted with a size, where no fair value or no implied vol can be told: a mark rounded to intrinsic
        value tells none.

    Raises
    ------
    DataError
        Naming row, field and value: a number out of its domain, an expired row, a bid above its ask; or no quote.

    """
    if not require_finite(index_usd, "index_usd") > 0.0:
        raise DataError(f"index_usd is {index_usd}; expected a positive price")
    count = len(rows.names)
    if count == 0:
        raise DataError("the chain has no rows; give at least one option")
    forward, strike, tau = (_column(rows, name, count) for name in ("forward_usd", "strike_usd", "tau_years"))
    unit = forward if terms.is_coin_settled else np.ones(count)
    bid, ask, mark = (_column(rows, name, count) for name in ("bid", "ask", "mark"))
    priced = _priced(rows, (forward, strike, tau), (bid, ask, mark), unit, terms)
    is_call = np.broadcast_to(np.asarray(rows.is_call), (count,))
    vol = _vols(priced)
    columns = _columns(rows, index_usd, terms, (is_call, forward, strike, tau, vol), (bid, ask, mark), reference_years)
    left_out: dict[str, str] = {}
    instruments = []
    for row, name in enumerate(rows.names):
        reason = _obstacle(columns, vol, row)
        if reason is None:
            instruments.append(_instrument(name, row, columns, index_usd, terms, horizon_days))
        else:
            left_out[name] = reason
    return OptionInstruments(tuple(instruments), left_out)


def _column(rows: OptionRows, name: str, count: int) -> FloatArray:
    numbers = as_floats(name, getattr(rows, name))
    if numbers.ndim > 1 or (numbers.ndim == 1 and numbers.size not in {1, count}):
        raise DataError(f"{name} has shape {numbers.shape} beside {count} names; give one number a row")
    return np.array(np.broadcast_to(numbers, (count,)))


def _priced(
    rows: OptionRows,
    option: tuple[FloatArray, FloatArray, FloatArray],
    quoted: tuple[FloatArray, FloatArray, FloatArray],
    unit: FloatArray,
    terms: ListingTerms,
) -> PriceQuotes:
    """Return the vols of prices, which say no more than their ticks let them."""
    ticks = chain_ticks(*quoted, unit, is_coin=terms.is_coin_settled)
    bid, ask, mark = (price * unit for price in quoted)
    return chain_quotes_of_prices(
        rows.is_call,
        *option,
        bid,
        ask,
        mark,
        bid_tick_usd=ticks.bid * unit,
        ask_tick_usd=ticks.ask * unit,
        mark_tick_usd=ticks.mark * unit,
    )


def _vols(priced: PriceQuotes) -> FloatArray:
    """Return the vol of a mark that tells one, else the middle of bid and ask, else the one there is; NaN for none.

    Beside a mark within half a tick of intrinsic value a lone bid or ask is far from the vol, and none is told.
    """
    quotes, mark = priced.quotes, priced.mark
    bid, ask = quotes.bid_vol_annual, quotes.ask_vol_annual
    one = np.where(np.isfinite(ask), ask, bid)
    is_bound_alone = np.isfinite(mark.low_annual) & np.isnan(mark.vol_annual)
    alone = np.where(is_bound_alone, np.nan, np.where(np.isfinite(mark.vol_annual), mark.vol_annual, one))
    middle = np.where(np.isfinite(bid) & np.isfinite(ask), 0.5 * (bid + ask), alone)
    return np.where(mark.tells_vol, mark.vol_annual, middle)


def _columns(
    rows: OptionRows,
    index_usd: float,
    terms: ListingTerms,
    option: tuple[NDArray[np.bool_], FloatArray, FloatArray, FloatArray, FloatArray],
    quoted: tuple[FloatArray, FloatArray, FloatArray],
    reference_years: float | None,
) -> _Columns:
    is_call, _, strike, tau, vol = option
    count = len(rows.names)
    unit = index_usd if terms.is_coin_settled else 1.0
    bid, ask, mark = (np.where(price > 0.0, price * unit, np.nan) for price in quoted)
    sizes = []
    for side, price in (("bid_size", bid), ("ask_size", ask)):
        size = _column(rows, side, count)
        require_domain(side, np.where(np.isnan(price), 0.0, size), NON_NEGATIVE, (count,))
        sizes.append(np.where(np.isnan(price), 0.0, size))
    position = _column(rows, "position", count)
    require_domain("position", position, FINITE, (count,))
    fair = np.where(np.isnan(bid) | np.isnan(ask), np.fmax(np.fmin(mark, ask), bid), 0.5 * (bid + ask))
    fair = np.where(np.isnan(bid) & np.isnan(ask) | np.isnan(bid + ask) & np.isnan(mark), np.nan, fair)
    usable = np.where(np.isfinite(vol), vol, 1.0)
    factors, theta = _sensitivities((*option[:4], usable), index_usd, terms, vol_weights(tau, reference_years))
    out_of_the_money = np.maximum(np.where(is_call, strike - index_usd, index_usd - strike), 0.0) / index_usd
    margin = np.maximum(terms.margin_ratio - out_of_the_money, terms.least_margin_ratio) * index_usd + fair
    return _Columns(bid, ask, fair, sizes[0], sizes[1], position, margin, factors, theta)


def _sensitivities(
    option: tuple[NDArray[np.bool_], FloatArray, FloatArray, FloatArray, FloatArray],
    index_usd: float,
    terms: ListingTerms,
    weights: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return the factors of one long contract, shape (rows, 5), and its theta in USD a year."""
    if not terms.is_coin_settled:
        usd = black76_greeks(*option)
        greeks = (usd.delta, usd.gamma, usd.vega * weights, usd.vanna * weights, usd.volga * weights**2)
        return np.stack(greeks, axis=1), usd.theta
    forward = option[1]
    coin = inverse_option_greeks(*option)
    delta = forward * coin.delta + (0.0 if terms.pays_from_held_coins else coin.value)
    gamma = forward / index_usd * (2.0 * coin.delta + forward * coin.gamma)
    vanna = coin.vega + forward * coin.vanna
    greeks = (delta, gamma, index_usd * coin.vega * weights, vanna * weights, index_usd * coin.volga * weights**2)
    return np.stack(greeks, axis=1), np.asarray(index_usd * coin.theta)


def _obstacle(columns: _Columns, vol: FloatArray, row: int) -> str | None:
    """Return why a row cannot be traded, None where it can."""
    if columns.bid_size[row] + columns.ask_size[row] == 0.0:
        return "nothing is quoted"
    if np.isnan(columns.fair_usd[row]):
        return "one side alone is quoted, without a mark"
    return "no quote has an implied vol" if np.isnan(vol[row]) else None


def _instrument(
    name: str, row: int, columns: _Columns, index_usd: float, terms: ListingTerms, horizon_days: float
) -> Instrument:
    fair = float(columns.fair_usd[row])
    factors = Factors(*columns.factors[row].tolist())
    sides = []
    for price, size, sign in (
        (columns.ask_usd[row], columns.ask_size[row], 1.0),
        (columns.bid_usd[row], columns.bid_size[row], -1.0),
    ):
        fee = min(terms.fee_index_ratio * index_usd, terms.fee_price_ratio * float(price))
        sides.append((CostStep(float(size), fee, sign * (float(price) - fair)),) if size > 0.0 else ())
    return Instrument(
        name=name,
        venue=terms.venue,
        factors=factors,
        fair_usd=fair,
        notional_usd=index_usd,
        buys=sides[0],
        sells=sides[1],
        position=float(columns.position[row]),
        expected_gain_usd_per_unit=float(columns.theta_usd_per_year[row])
        * horizon_days
        * SECONDS_PER_DAY
        / SECONDS_PER_YEAR,
        margin_long_usd=fair,
        margin_short_usd=float(columns.short_margin_usd[row]),
        counted_delta=factors.delta if terms.is_counted_on_chain else 0.0,
        lot=terms.lot,
        quote_currency_usd=index_usd if terms.is_coin_settled else 1.0,
    )
