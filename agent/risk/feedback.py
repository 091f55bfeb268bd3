r"""Own hedging against the market it moves: how much of the depth and volume it is, and how far it feeds on itself.

A hedge of a book with gamma G (underlying units per USD) buys -G dS of the underlying after a move dS: with the move
when the book is short gamma, against it when it is long. If a USD of flow moves the price for good by 1 / (100 D) of
itself, D the depth in USD per 1 %, hedging answers its own impact, and a move of the rest of the market comes out as

    dS = dS_0 / (1 - g),    g = permanent share x (-G S^2 / 100) / D = - lambda G,

with lambda the price impact in USD per unit. g is the demand that a move of 1 % sets off over the depth of 1 %. Short
gamma makes g > 0 and widens every move, volatility included; from g = 1 on there is no price at which hedging stops.
Long gamma damps. The flow of n rebalances a day is S^2 abs(G) vol_day sqrt(2 n / pi) on average, USD.

Source: R. Frey, A. Stremme, "Market volatility and feedback effects from dynamic hedging", Mathematical Finance 7
(1997) 351-374, for dS and the volatility; R. Almgren, C. Thum, E. Hauptmann, H. Li, "Direct estimation of equity market
impact", Risk 18 (2005) 57-62, for permanent impact linear in size and the participation rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from agent.checks import require_finite, require_positive
from agent.costs.quotes import ladder_of, size_within
from agent.domain import VenueSnapshot
from agent.errors import DataError
from agent.units import BPS, DAYS_PER_YEAR, Wad, from_wad

_SHARES_SUM_TOLERANCE = 1e-9
_ONE_PERCENT = 0.01
_AVERAGE_BPS = 50
"""On a ladder linear in size the average price moves by half of what the last one does: 0.5 % for 1 %."""


class FlowState(Enum):
    """What own flow does to the market."""

    CALM = "calm"
    CROWDED = "crowded"
    UNSTABLE = "unstable"


@dataclass(frozen=True, slots=True)
class VenueFlow:
    """One venue's liquidity and its share of the hedging.

    ``depth_usd_per_percent`` is the notional that moves its price by 1 %, ``daily_volume_usd`` what it trades a day.
    """

    venue: str
    depth_usd_per_percent: float
    daily_volume_usd: float
    hedge_share: float


@dataclass(frozen=True, slots=True)
class FeedbackLimits:
    """How much own flow is accepted: amplification of a move, share of depth for a 1 % move, share of daily volume."""

    max_amplification: float
    max_depth_share: float
    max_participation: float

    def __post_init__(self) -> None:
        if not 1.0 < self.max_amplification < math.inf:
            raise DataError(f"max_amplification is {self.max_amplification}; expected a finite number above 1")
        require_positive(self.max_depth_share, "max_depth_share")
        require_positive(self.max_participation, "max_participation")


@dataclass(frozen=True, slots=True)
class VenueFeedback:
    """Own flow on one venue."""

    venue: str
    depth_share: float
    """Demand after a move of 1 % over the depth of 1 %."""
    participation: float
    """Expected turnover a day over the venue's volume."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """Own flow over all venues, and what to think of it."""

    demand_usd_per_percent: float
    """Bought after a rise of 1 %; negative is sold."""
    turnover_usd_per_day: float
    loop_gain: float
    """g of the module; negative where the book is long gamma."""
    amplification: float | None
    """1 / (1 - g); None from g = 1 on."""
    effective_vol_annual: float | None
    venues: tuple[VenueFeedback, ...]
    headroom: float
    """How many times the gamma could be what it is before the first limit is reached; below 1 it is broken."""
    state: FlowState
    reason: str


def hedging_feedback(
    gamma_per_usd: float,
    spot_usd: float,
    vol_annual: float,
    flows: Sequence[VenueFlow],
    rebalances_per_day: float,
    permanent_share: float,
    limits: FeedbackLimits,
) -> Feedback:
    """Measure the feedback of a book's own gamma hedging.

    Parameters
    ----------
    gamma_per_usd
        Of the book, underlying units per USD; negative is short.
    spot_usd, vol_annual
        Price and its volatility, 1.00 is 100 % a year.
    flows
        Venues and their shares of the hedging, which add up to 1.
    rebalances_per_day
        How often the hedge is brought back to delta.
    permanent_share
        Share of the impact that stays, in (0, 1]; only that feeds back.
    limits
        What is accepted.

    Raises
    ------
    DataError
        A number outside its domain, a venue given twice, or shares that do not add up to 1; field and value are named.
    """
    require_finite(gamma_per_usd, "gamma_per_usd")
    if not 0.0 < permanent_share <= 1.0:
        raise DataError(f"permanent_share is {permanent_share}; expected a share above 0 and at most 1")
    require_positive(rebalances_per_day, "rebalances_per_day")
    cash_gamma = gamma_per_usd * require_positive(spot_usd, "spot_usd") ** 2
    _require_flows(flows)
    demand = -_ONE_PERCENT * cash_gamma
    daily = require_positive(vol_annual, "vol_annual") / math.sqrt(DAYS_PER_YEAR)
    turnover = abs(cash_gamma) * daily * math.sqrt(2.0 * rebalances_per_day / math.pi)
    gain = permanent_share * demand / math.fsum(flow.depth_usd_per_percent for flow in flows)
    amplification = 1.0 / (1.0 - gain) if gain < 1.0 else None
    venues = tuple(
        VenueFeedback(
            flow.venue,
            abs(demand) * flow.hedge_share / flow.depth_usd_per_percent,
            turnover * flow.hedge_share / flow.daily_volume_usd,
        )
        for flow in flows
    )
    headroom, binding = _headroom(gain, venues, limits)
    state, reason = _judge(gain, amplification, headroom, binding)
    effective_vol = None if amplification is None else amplification * vol_annual
    return Feedback(demand, turnover, gain, amplification, effective_vol, venues, headroom, state, reason)


def quoted_depth_usd(venue: VenueSnapshot) -> float:
    """Return the notional that moves a venue's quoted price by 1 %, the smaller of both sides, USD.

    Read from the ladder as the size whose average price is 0.5 % from the first rung's; where the ladder ends earlier,
    its end, so that depth is never overstated.

    Raises
    ------
    DataError
        A side without quotes, named with the venue, or a malformed ladder.
    """
    depths = []
    for is_buy in (True, False):
        ladder = ladder_of(venue, is_buy)
        if not ladder.rungs:
            side = "buys" if is_buy else "sells"
            raise DataError(f"venue {venue.name} quotes no {side}; its depth cannot be told, read a longer ladder")
        first = ladder.rungs[0].execution_price
        limit = Wad(first * (BPS + _AVERAGE_BPS if is_buy else BPS - _AVERAGE_BPS) // BPS)
        depths.append(from_wad(size_within(ladder, limit)) * from_wad(venue.mark_price))
    return min(depths)


def _headroom(gain: float, venues: Sequence[VenueFeedback], limits: FeedbackLimits) -> tuple[float, str]:
    """Return how often the gamma fits into the tightest limit, and which that is; all measures are linear in it."""
    used = [(gain / (1.0 - 1.0 / limits.max_amplification), "amplification of moves")]
    for venue in venues:
        used.append((venue.depth_share / limits.max_depth_share, f"depth of {venue.venue}"))
        used.append((venue.participation / limits.max_participation, f"volume of {venue.venue}"))
    most, binding = max(used)
    return (1.0 / most if most > 0.0 else math.inf), binding


def _judge(gain: float, amplification: float | None, headroom: float, binding: str) -> tuple[FlowState, str]:
    if amplification is None:
        words = f"hedging a move sets off {gain:.2f} times that move: there is no price at which it stops"
        return FlowState.UNSTABLE, words
    if headroom < 1.0:
        words = f"own flow is {1.0 / headroom:.2f} times what is accepted, first in {binding}"
        return FlowState.CROWDED, f"{words}; moves come out {amplification:.3f} times as large"
    return FlowState.CALM, f"moves come out {amplification:.3f} times as large; the tightest limit is {binding}"


def _require_flows(flows: Sequence[VenueFlow]) -> None:
    names = [flow.venue for flow in flows]
    if not names:
        raise DataError("flows is empty; give at least one venue")
    for row, flow in enumerate(flows):
        if flow.venue in names[:row]:
            raise DataError(f"row {row}: venue is {flow.venue!r}, already given; give each venue once")
        require_positive(flow.depth_usd_per_percent, f"depth_usd_per_percent of {flow.venue}")
        require_positive(flow.daily_volume_usd, f"daily_volume_usd of {flow.venue}")
        if not 0.0 <= flow.hedge_share <= 1.0:
            raise DataError(f"hedge_share of {flow.venue} is {flow.hedge_share}; expected a share from 0 to 1")
    total = math.fsum(flow.hedge_share for flow in flows)
    if abs(total - 1.0) > _SHARES_SUM_TOLERANCE:
        raise DataError(f"hedge_share adds up to {total} over {len(names)} venues; expected 1")
