r"""A whole chain of coin-settled options at one instant: implied vols, a surface, and every row's Greeks.

Deribit quotes in coin. A coin price times the forward of its expiry is the USD price that Black-76 inverts, and the
Greeks are those of the USD value in the forward; the premium-adjusted delta is that of the coin value, delta - W.

A row is valued at the vol of its mark, or at the surface's where the mark has none: a mark at its intrinsic value to
the last digit quoted says nothing about volatility.
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
from agent.vol.price_quotes import PriceQuotes, chain_quotes_of_prices
from agent.vol.smile_delta import smile_deltas
from agent.vol.surface_fit import SurfaceFit, calibrate_surface

BPS_OF_A_COIN = 1e4


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

    @property
    def words(self) -> str:
        """The reason as people read it."""
        return {"ABSENT": "no quote", "UNDETERMINED": "time value too small"}.get(
            self.name, self.name.lower().replace("_", " ")
        )


@dataclass(frozen=True, slots=True)
class ChainValues:
    """A chain and what follows from it; arrays of shape (rows,), USD and derivatives in the forward, of one option."""

    chain: OptionChain
    vol_annual: dict[str, FloatArray]
    """Implied vols of ``bid``, ``ask`` and ``mark``; NaN where the status says that there is none."""
    status: dict[str, NDArray[np.uint8]]
    """`QuoteStatus` of the same."""
    model_vol_annual: FloatArray
    """The surface's."""
    is_marked: NDArray[np.bool_]
    """True where the row is valued at the vol of its mark, False where at the surface's."""
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
    prices = {"bid": chain.bid_coin, "ask": chain.ask_coin, "mark": chain.mark_coin}
    usd = {side: coin * chain.forward_usd for side, coin in prices.items()}
    tau = chain.tau_years
    terms = (chain.is_call, chain.forward_usd, chain.strike_usd, tau)
    inverted = chain_quotes_of_prices(*terms, usd["bid"], usd["ask"], usd["mark"], chain.rate_annual)
    fit = calibrate_surface(inverted.quotes)
    deltas = smile_deltas(fit.surface, *terms)
    vols = {side: getattr(inverted.quotes, f"{side}_vol_annual") for side in prices}
    is_marked = np.isfinite(vols["mark"])
    greeks = black76_greeks(*terms, np.where(is_marked, vols["mark"], deltas.vol_annual), chain.rate_annual)
    return ChainValues(
        chain=chain,
        vol_annual=vols,
        status={side: _status(inverted, side, prices[side]) for side in prices},
        model_vol_annual=deltas.vol_annual,
        is_marked=is_marked,
        greeks=greeks,
        sticky_delta=deltas.sticky_delta,
        fit=fit,
        arbitrage=check_arbitrage(fit.surface),
    )


def _status(inverted: PriceQuotes, side: str, price_coin: FloatArray) -> NDArray[np.uint8]:
    """Return why each quote of one side has a vol or none, in the terms of a chain."""
    found: NDArray[np.uint8] = getattr(inverted, f"{side}_status")
    answer = np.full(found.shape, QuoteStatus.UNDETERMINED, dtype=np.uint8)
    for status, meaning in _MEANING.items():
        answer[found == status] = meaning
    answer[~(price_coin > 0.0)] = QuoteStatus.ABSENT
    vol: FloatArray = getattr(inverted.quotes, f"{side}_vol_annual")
    answer[(answer == QuoteStatus.OK) & ~np.isfinite(vol)] = QuoteStatus.UNDETERMINED
    return answer


_MEANING = {
    ImpliedVolStatus.OK: QuoteStatus.OK,
    ImpliedVolStatus.AT_INTRINSIC: QuoteStatus.AT_INTRINSIC,
    ImpliedVolStatus.BELOW_INTRINSIC: QuoteStatus.BELOW_INTRINSIC,
    ImpliedVolStatus.ABOVE_BOUND: QuoteStatus.ABOVE_BOUND,
}
"""Statuses that a price can earn; rows that are expired or out of domain never come so far."""
