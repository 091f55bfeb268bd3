"""P&L of a book over moves of the market, and its value at risk and expected shortfall.

Full revaluation values every option in every move. Delta-gamma-vega is the Taylor sum around now,

    delta dS + gamma dS^2 / 2 + vega dvol + vanna dS dvol + volga dvol^2 / 2 + theta dt,

which costs one valuation of the book, and is only as good as the moves are small: compare the two before relying on it.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from agent.numerics.arrays import FloatArray
from agent.products.european import black76_greeks
from agent.risk.market_moves import MarketMoves
from agent.risk.positions import Positions
from agent.risk.scenarios import revalue, scenarios_of
from agent.risk.tail import RESAMPLES, TailRisk, tail_risk


class Valuation(Enum):
    """How the book is valued after a move."""

    FULL = "full revaluation"
    DELTA_GAMMA_VEGA = "delta-gamma-vega"


def book_tail_risk(
    positions: Positions,
    moves: MarketMoves,
    level: float,
    seed: int,
    *,
    valuation: Valuation = Valuation.FULL,
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
) -> TailRisk:
    """Return value at risk and expected shortfall of book and hedge over ``moves.horizon_years``.

    Parameters
    ----------
    positions
        Book and hedge, held still over the horizon.
    moves
        Historical, rescaled or filtered, see `agent.risk.market_moves`.
    level
        0.99 looks at the worst hundredth.
    seed
        Of the bootstrap behind the interval of the expected shortfall.
    valuation
        How the book is valued after a move.
    confidence, resamples
        As for `tail_risk`.

    Raises
    ------
    DataError
        As for `pnl_of_moves` and `tail_risk`.
    """
    return tail_risk(pnl_of_moves(positions, moves, valuation), level, seed, confidence, resamples)


def pnl_of_moves(positions: Positions, moves: MarketMoves, valuation: Valuation = Valuation.FULL) -> FloatArray:
    """Return the P&L of each move, USD, shape (moves,).

    Raises
    ------
    DataError
        A move leaves a price, volatility or P&L outside its domain; row, field and value are named.
    """
    with np.errstate(over="ignore"):  # an endless price is named by the check of its domain
        spots = positions.spot_usd * np.exp(moves.log_return)
    if valuation is Valuation.FULL:
        markets = scenarios_of(spots, 1.0, moves.vol_shift_annual, moves.horizon_years)
        return revalue(positions, markets).pnl_usd
    return _taylor_pnl(positions, spots - positions.spot_usd, moves)


def _taylor_pnl(positions: Positions, spot_change: FloatArray, moves: MarketMoves) -> FloatArray:
    options, years, vol_change = positions.options, moves.horizon_years, moves.vol_shift_annual
    greeks = black76_greeks(
        options.is_call, positions.spot_usd, options.strike_usd, options.tau_years, options.iv_annual
    )
    delta, gamma, vega, vanna, volga, theta = (
        float(options.quantity @ greek)
        for greek in (greeks.delta, greeks.gamma, greeks.vega, greeks.vanna, greeks.volga, greeks.theta)
    )
    carry = theta - positions.hedge_size * positions.spot_usd * positions.funding_rate_annual
    in_spot = (delta + positions.linear_quantity + 0.5 * gamma * spot_change) * spot_change
    in_vol = (vega + vanna * spot_change + 0.5 * volga * vol_change) * vol_change
    return np.asarray(in_spot + in_vol + carry * years)
