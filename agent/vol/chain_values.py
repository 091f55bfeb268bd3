r"""A whole chain of coin-settled options at one instant: implied vols, a surface, and every row's Greeks.

Deribit quotes in coin. A coin price times the forward of its expiry is the USD price that Black-76 inverts, and the
Greeks are those of the USD value in the forward; the premium-adjusted delta is that of the coin value, delta - W.

A price says no more than its tick lets it: the vol of a mark is an interval, from the price less half a tick to the
price and half a tick, cut to bid and ask. A row is valued at the vol of its mark where that interval is narrow, and at
the surface's elsewhere: within half a tick of intrinsic value a mark bounds the vol from above and says no more.

In the money the price is mostly intrinsic value, and an old forward in it is many points of vol. There a row whose own
mark does not tell a vol, or is stale, is valued at the vol of its twin: the option out of the money at the same strike
and expiry. A mark is stale where its interval is more than `STALE_VOL` from the vol of its twin's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from agent.numerics.arrays import FloatArray
from agent.products.european import black76_greeks
from agent.products.greeks import Greeks
from agent.vol.arbitrage import ArbitrageReport, check_arbitrage
from agent.vol.implied import ImpliedVolStatus
from agent.vol.option_chain import OptionChain
from agent.vol.price_quotes import PriceQuotes, PriceVols, chain_quotes_of_prices
from agent.vol.price_ticks import ChainTicks, chain_ticks
from agent.vol.smile_delta import smile_deltas
from agent.vol.surface_fit import SurfaceFit, calibrate_surface

BPS_OF_A_COIN = 1e4
STALE_VOL = 0.01
"""A point: put and call of one strike disagree by less where both were marked on one forward."""


class QuoteStatus(IntEnum):
    """Why a quote has an implied volatility, or has none."""

    OK = 0
    ABSENT = 1
    """Nobody quotes."""
    AT_INTRINSIC = 2
    """The price is the intrinsic value: the volatility is 0 or undetermined."""
    BELOW_INTRINSIC = 3
    """No volatility gives so low a price."""
    ABOVE_BOUND = 4
    """No volatility gives so high a price."""
    UNDETERMINED = 5
    """The time value is too small a part of the price to tell a volatility."""
    WITHIN_TICK = 6
    """Half a tick reaches a bound of the price, mostly intrinsic value: one side of the vol alone is bounded."""
    COARSE = 7
    """Half a tick is worth more of the volatility than `agent.vol.price_quotes.WIDEST_TELLING_INTERVAL`."""

    @property
    def words(self) -> str:
        """The reason as people read it."""
        return _WORDS.get(self.name, self.name.lower().replace("_", " "))


_WORDS = {
    "ABSENT": "no quote",
    "UNDETERMINED": "time value too small",
    "WITHIN_TICK": "within half a tick of intrinsic value",
    "COARSE": "tick too coarse",
}


@dataclass(frozen=True, slots=True)
class ChainValues:
    """A chain and what follows from it; arrays of shape (rows,), USD and derivatives in the forward, of one option."""

    chain: OptionChain
    vol_annual: dict[str, FloatArray]
    """Implied vols of ``bid``, ``ask`` and ``mark``; NaN where the status says that there is none."""
    vol_low_annual: dict[str, FloatArray]
    """Lowest vols that the prices allow; 0 where they bound nothing from below, NaN where no vol will do."""
    vol_high_annual: dict[str, FloatArray]
    """Highest vols that the prices allow; infinite where they bound nothing from above."""
    tick_coin: dict[str, FloatArray]
    """What the prices were rounded to, see `agent.vol.price_ticks`; 0 for exact ones."""
    status: dict[str, NDArray[np.uint8]]
    """`QuoteStatus` of the same."""
    model_vol_annual: FloatArray
    """The surface's."""
    is_marked: NDArray[np.bool_]
    """True where the row is valued at the vol of its own mark."""
    is_twinned: NDArray[np.bool_]
    """True where it is valued at that of its twin out of the money; neither: at the surface's."""
    is_stale: NDArray[np.bool_]
    """True where the row's own mark is more than `STALE_VOL` from the vol of its twin."""
    greeks: Greeks
    sticky_delta: FloatArray
    """Delta when the smile rides along with the price, at the surface's vol."""
    fit: SurfaceFit
    arbitrage: ArbitrageReport

    @property
    def value_coin(self) -> FloatArray:
        """Value of a row in coin."""
        return np.asarray(self.greeks.value / self.chain.forward_usd)

    @property
    def premium_adjusted_delta(self) -> FloatArray:
        """Coins to short to hold the coin value."""
        return np.asarray(self.greeks.delta - self.value_coin)

    @property
    def mark_error_bps(self) -> FloatArray:
        """Reproduced less quoted mark, 1e-4 of a coin; NaN where the row is not valued at its mark."""
        error = (self.value_coin - self.chain.mark_coin) * BPS_OF_A_COIN
        return np.where(self.is_marked, error, np.nan)


def value_chain(chain: OptionChain) -> ChainValues:
    """Invert every quote, fit a surface free of arbitrage, and value every row.

    Raises
    ------
    DataError
        A number out of its domain, a crossed quote, an expired row, or no quote with a volatility at all.
    """
    ticks = chain_ticks(chain.bid_coin, chain.ask_coin, chain.mark_coin, chain.forward_usd)
    inverted = _inverted(chain, ticks)
    sides = {"bid": inverted.bid, "ask": inverted.ask, "mark": inverted.mark}
    fit = calibrate_surface(inverted.quotes)
    terms = (chain.is_call, chain.forward_usd, chain.strike_usd, chain.tau_years)
    deltas = smile_deltas(fit.surface, *terms)
    prices = {"bid": chain.bid_coin, "ask": chain.ask_coin, "mark": chain.mark_coin}
    status = {side: _status(found, prices[side]) for side, found in sides.items()}
    vols = {side: np.where(status[side] == QuoteStatus.OK, found.vol_annual, np.nan) for side, found in sides.items()}
    twins = _twin_vols(chain, vols["mark"])
    mark = sides["mark"]
    has_interval = np.isfinite(twins) & np.isfinite(mark.low_annual)
    is_stale = has_interval & ((twins < mark.low_annual - STALE_VOL) | (twins > mark.high_annual + STALE_VOL))
    is_twinned = np.isfinite(twins) & (is_stale | ~np.isfinite(vols["mark"]))
    is_marked = np.isfinite(vols["mark"]) & ~is_twinned
    valued_at = np.where(is_twinned, twins, np.where(is_marked, vols["mark"], deltas.vol_annual))
    greeks = black76_greeks(*terms, valued_at, chain.rate_annual)
    return ChainValues(
        chain=chain,
        vol_annual=vols,
        vol_low_annual={side: found.low_annual for side, found in sides.items()},
        vol_high_annual={side: found.high_annual for side, found in sides.items()},
        tick_coin=ticks._asdict(),
        status=status,
        model_vol_annual=deltas.vol_annual,
        is_marked=is_marked,
        is_twinned=is_twinned,
        is_stale=is_stale,
        greeks=greeks,
        sticky_delta=deltas.sticky_delta,
        fit=fit,
        arbitrage=check_arbitrage(fit.surface),
    )


def _twin_vols(chain: OptionChain, mark_vol_annual: FloatArray) -> FloatArray:
    """Return of each row in the money the vol of its twin's mark, NaN where there is none, shape (rows,)."""
    strike, forward = chain.strike_usd, chain.forward_usd
    is_inside = np.where(chain.is_call, strike < forward, strike > forward)
    outside = {
        (int(chain.expiry_unix[row]), float(strike[row])): float(mark_vol_annual[row])
        for row in np.flatnonzero(~is_inside & np.isfinite(mark_vol_annual))
    }
    twins = np.full(strike.shape, np.nan)
    for row in np.flatnonzero(is_inside):
        twins[row] = outside.get((int(chain.expiry_unix[row]), float(strike[row])), np.nan)
    return twins


def _inverted(chain: OptionChain, ticks: ChainTicks) -> PriceQuotes:
    """Return the intervals of vol that the coin prices and their ticks leave, inverted in USD."""
    forward = chain.forward_usd
    return chain_quotes_of_prices(
        chain.is_call,
        forward,
        chain.strike_usd,
        chain.tau_years,
        chain.bid_coin * forward,
        chain.ask_coin * forward,
        chain.mark_coin * forward,
        chain.rate_annual,
        bid_tick_usd=ticks.bid * forward,
        ask_tick_usd=ticks.ask * forward,
        mark_tick_usd=ticks.mark * forward,
    )


def _status(vols: PriceVols, price_coin: FloatArray) -> NDArray[np.uint8]:
    """Return why each quote of one side has a vol or none, in the terms of a chain."""
    answer = np.full(vols.status.shape, QuoteStatus.UNDETERMINED, dtype=np.uint8)
    for status, meaning in _MEANING.items():
        answer[vols.status == status] = meaning
    answer[(answer == QuoteStatus.OK) & ~np.isfinite(vols.vol_annual)] = QuoteStatus.UNDETERMINED
    has_interval = np.isfinite(vols.low_annual)
    answer[has_interval & ~np.isfinite(vols.vol_annual)] = QuoteStatus.WITHIN_TICK
    answer[has_interval & np.isfinite(vols.vol_annual) & ~vols.tells_vol] = QuoteStatus.COARSE
    answer[~(price_coin > 0.0)] = QuoteStatus.ABSENT
    return answer


_MEANING = {
    ImpliedVolStatus.OK: QuoteStatus.OK,
    ImpliedVolStatus.AT_INTRINSIC: QuoteStatus.AT_INTRINSIC,
    ImpliedVolStatus.BELOW_INTRINSIC: QuoteStatus.BELOW_INTRINSIC,
    ImpliedVolStatus.ABOVE_BOUND: QuoteStatus.ABOVE_BOUND,
}
"""Statuses that a price can earn; rows that are expired or out of domain never come so far."""
