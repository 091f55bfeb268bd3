"""A vault's decisions along a price path, judged by the guard's mirror: what its bounds do to the hedge, off the chain.

It begins at a snapshot. At each price the market moves in proportion: oracle, marks, indices and quotes; an account's
equity by size times change of price, less funding at the snapshot's rate. The keeper decides once a price (`decide`),
what it proposes is filled at the quotes, and `evaluate` books what it uses of the budgets.

Left out: what a trade does to the price of the next, a mark that lags the index, liquidations, exits and deposits, the
settlement window of options, and blocks between two prices, in which a keeper would try again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from agent.backtest.book_mark import BookMark
from agent.backtest.price_series import PriceSeries
from agent.backtest.vault_market import at_price, traded
from agent.checks import require_whole
from agent.costs.trade_costs import CostInputs
from agent.decision.decide import DecisionParameters, decide
from agent.decision.feasible_hedge import delta_interval
from agent.domain import Action, Book, Decision, HoldingLeg, Snapshot
from agent.errors import DataError
from agent.guard import band_now, worst_net_delta
from agent.numerics.arrays import FloatArray
from agent.policy.base import Policy
from agent.units import Rounding, Seconds, Wad, from_wad, to_wad


@dataclass(frozen=True, slots=True)
class KeeperModel:
    """How the keeper decides; ``costs`` tells from the oracle's price what the snapshot does not hold."""

    policy: Policy
    settings: DecisionParameters
    costs: Callable[[Wad], CostInputs]


@dataclass(frozen=True, slots=True, eq=False)
class VaultDay:
    """What happened. P&L in USD before each step's own trade, shape (steps + 1,): the last one after the last trade."""

    steps: int
    interval_seconds: Seconds
    rebalances: int
    refusals: Mapping[str, int]
    """Steps at which the guard would have refused what was wanted, by its error."""
    steps_outside: int
    """Steps that left the worst case W above the band in force."""
    largest_worst: Wad
    """Largest W that a step left, underlying units."""
    turnover_usd: float
    fee_usd: float
    slippage_usd: float
    funding_usd: float
    gas_usd: float
    pnl_unhedged_usd: FloatArray
    pnl_hedged_usd: FloatArray

    @property
    def cost_usd(self) -> float:
        """Fee, slippage, funding and gas."""
        return self.fee_usd + self.slippage_usd + self.funding_usd + self.gas_usd

    @property
    def seconds_outside(self) -> int:
        """Time outside the band, to the length of a step."""
        return self.steps_outside * self.interval_seconds


def replay_vault(start: Snapshot, options: Book, keeper: KeeperModel, prices: PriceSeries) -> VaultDay:
    """Let a vault live through a price path.

    Parameters
    ----------
    start
        Where it begins, under the bounds to be tried. Its price and time stand for the first of the path.
    options
        Option legs that the chain holds. What the chain's delta has beside theirs stays as it is.
    keeper
        Who decides.
    prices
        The path; only ratios to its first price count, and its interval.

    Raises
    ------
    DataError
        The path has fewer than two prices, the vault is paused, empty or without a price, or a decision refuses.

    """
    _require_replayable(start, prices)
    day = _Day(start, options, keeper, prices)
    for step in range(len(prices)):
        day.live(step)
    return day.outcome()


def _require_replayable(start: Snapshot, prices: PriceSeries) -> None:
    require_whole(len(prices), "prices of the path", 2)
    if start.paused:
        raise DataError("the vault is paused, so that no keeper trades")
    if start.measurement.nav <= 0:
        raise DataError("the vault holds no collateral to hedge with")
    if start.measurement.price <= 0:
        raise DataError("the vault's oracle has no price")


class _Day:
    """One replay under way."""

    def __init__(self, start: Snapshot, options: Book, keeper: KeeperModel, prices: PriceSeries) -> None:
        self._start, self._last, self._keeper = start, start, keeper
        self._interval = prices.interval_seconds
        spot_usd, count = from_wad(start.measurement.price), len(prices)
        self._spots_usd = spot_usd * prices.prices_usd / float(prices.prices_usd[0])
        self._times = [Seconds(start.block.timestamp + step * self._interval) for step in range(count)]
        low, high = delta_interval(options, np.asarray(self._times, dtype=np.float64), self._spots_usd)
        rest = _rest(start, float(low[0]), float(high[0]))
        self._low, self._high = low + rest[0], high + rest[1]
        held = HoldingLeg(sum(rest) / 2.0, "other sources of delta")
        self._book = Book(options.underlying, (*options.options, held))
        self._mark = BookMark(self._book)
        self._values_usd, self._navs_usd, self._gas_paid_usd = np.zeros((3, count + 1))
        self._refusals: Counter[str] = Counter()
        self._rebalances = self._outside = 0
        self._largest_worst = Wad(0)
        self._turnover_usd = self._fee_usd = self._slippage_usd = self._funding_usd = self._gas_usd = 0.0

    def live(self, step: int) -> None:
        """Move to a step's price, and let the keeper decide there."""
        price = to_wad(float(self._spots_usd[step]), Rounding.DOWN) if step else self._start.measurement.price
        interval = (
            to_wad(float(self._low[step]), Rounding.DOWN),
            to_wad(float(self._high[step]), Rounding.UP),
        )
        snapshot, funding = at_price(self._start, self._last, price, self._times[step], interval)
        self._funding_usd += from_wad(funding)
        self._observe(step, snapshot)
        costs = self._keeper.costs(price)
        decision = decide(snapshot, self._book, self._keeper.policy, costs, self._keeper.settings)
        if decision.action is Action.REBALANCE:
            self._pay(decision, price)
            snapshot = traded(snapshot, decision)
        elif decision.guard_error is not None:
            self._refusals[decision.guard_error] += 1
        worst = worst_net_delta(snapshot.measurement)
        self._outside += worst > band_now(snapshot)
        self._largest_worst = max(self._largest_worst, worst)
        self._last = snapshot

    def _observe(self, at: int, snapshot: Snapshot) -> None:
        step = min(at, len(self._times) - 1)
        self._values_usd[at] = self._mark.value_usd(float(self._spots_usd[step]), self._times[step])
        measured = snapshot.measurement
        self._navs_usd[at] = from_wad(measured.idle + sum(venue.equity for venue in measured.venues))
        self._gas_paid_usd[at] = self._gas_usd

    def _pay(self, decision: Decision, price: Wad) -> None:
        self._rebalances += 1
        self._gas_usd += decision.costs.gas_usd
        for fill in decision.expected_fills:
            size, execution_usd = from_wad(fill.size_delta), from_wad(fill.execution_price)
            self._turnover_usd += abs(size) * execution_usd
            self._fee_usd += from_wad(fill.fee)
            self._slippage_usd += size * from_wad(fill.execution_price - price)

    def outcome(self) -> VaultDay:
        """Close the account."""
        self._observe(len(self._times), self._last)
        unhedged = self._values_usd - self._values_usd[0]
        return VaultDay(
            steps=len(self._times),
            interval_seconds=self._interval,
            rebalances=self._rebalances,
            refusals=dict(self._refusals),
            steps_outside=self._outside,
            largest_worst=self._largest_worst,
            turnover_usd=self._turnover_usd,
            fee_usd=self._fee_usd,
            slippage_usd=self._slippage_usd,
            funding_usd=self._funding_usd,
            gas_usd=self._gas_usd,
            pnl_unhedged_usd=unhedged,
            pnl_hedged_usd=unhedged + self._navs_usd - self._navs_usd[0] - self._gas_paid_usd,
        )


def _rest(start: Snapshot, low: float, high: float) -> tuple[float, float]:
    """Return the interval of delta that the chain has beside the options', underlying units."""
    ends = from_wad(start.measurement.book_delta_low) - low, from_wad(start.measurement.book_delta_high) - high
    return min(ends), max(ends)
