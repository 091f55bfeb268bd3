"""A vault's decisions along a price path, judged by the guard's mirror: what its bounds do to the hedge, off the chain.

It begins at a snapshot. At each price oracle, marks and indices move in proportion, an account's equity by size times
change of price less funding, and quotes, funding and gas are those of the surroundings. The keeper decides once a price
(`decide`), what it proposes is filled at the quotes, and `evaluate` books what it uses of the budgets.

Left out: a mark that lags the index, liquidations, exits and deposits, the settlement window of options, and blocks
between two prices, in which a keeper would try again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from agent.backtest.book_mark import BookMark
from agent.backtest.price_series import PriceSeries
from agent.backtest.surroundings import AsAtStart, Gas, Surroundings
from agent.backtest.vault_market import Instant, at_instant, traded
from agent.checks import require_whole
from agent.costs.trade_costs import CostInputs
from agent.decision.decide import DecisionParameters, decide
from agent.decision.feasible_hedge import delta_interval
from agent.domain import Action, Book, Decision, HoldingLeg, Snapshot
from agent.errors import AgentError, DataError
from agent.guard import band_now, worst_net_delta
from agent.numerics.arrays import FloatArray
from agent.policy.base import Policy
from agent.units import Rounding, Seconds, Wad, from_wad, to_wad
from agent.vol.iv_move import HELD, IvMove

INTERRUPTED = "it was interrupted"


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
    breaches: int
    """Rebalances with a trade that left it there."""
    largest_worst: Wad
    """Largest W that a step left, underlying units."""
    turnover_usd: float
    fee_usd: float
    slippage_usd: float
    funding_usd: float
    gas_usd: float
    pnl_unhedged_usd: FloatArray
    pnl_hedged_usd: FloatArray
    ended_early: str | None = None
    """Why it ended before the last price; None where it did not."""

    @property
    def cost_usd(self) -> float:
        """Fee, slippage, funding and gas."""
        return self.fee_usd + self.slippage_usd + self.funding_usd + self.gas_usd

    @property
    def seconds_outside(self) -> int:
        """Time outside the band, to the length of a step."""
        return self.steps_outside * self.interval_seconds


@dataclass(frozen=True, slots=True)
class Paid:
    """What a step's own rebalance executed and cost, USD."""

    turnover_usd: float
    fee_usd: float
    slippage_usd: float
    gas: Gas


@dataclass(frozen=True, slots=True)
class Step:
    """What a watcher is shown of a step: cumulative P&L and costs are in USD, before this step's own trade."""

    number: int
    snapshot: Snapshot
    """What the keeper decided on."""
    decision: Decision
    after: Snapshot
    pnl_unhedged_usd: float
    pnl_hedged_usd: float
    fee_usd: float
    slippage_usd: float
    funding_usd: float
    gas_usd: float
    iv_move: IvMove
    paid: Paid | None
    """None where nothing was sent."""


def replay_vault(
    start: Snapshot,
    options: Book,
    keeper: KeeperModel,
    prices: PriceSeries,
    surroundings: Surroundings | None = None,
    watch: Callable[[Step], None] | None = None,
    *,
    iv_move: Callable[[int], IvMove] | None = None,
    may_end_early: bool = False,
    is_stopped: Callable[[], bool] | None = None,
) -> VaultDay:
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
    surroundings
        Quotes, funding and gas; as the start has them unless given.
    watch
        Called after each step.
    iv_move
        How far the options' volatilities have moved at an instant, for the book's mark; keeper and chain go on with the
        book's own. Held unless given.
    may_end_early
        An error after the first step ends the replay there, and is told in `VaultDay.ended_early`.
    is_stopped
        Asked after each step whether the replay ends there, as at an interrupt.

    Raises
    ------
    DataError
        The path has fewer than two prices, the vault is paused, empty or without a price, or a step cannot be lived.

    """
    _require_replayable(start, prices)
    day = _Day(start, options, keeper, prices, surroundings or AsAtStart(start), iv_move)
    for number in range(len(prices)):
        try:
            step = day.live(number)
        except AgentError as error:
            if not may_end_early or number == 0:
                raise
            return day.outcome(number, f"step {number + 1}: {error}")
        if watch is not None:
            watch(step)
        if is_stopped is not None and number + 1 < len(prices) and is_stopped():
            return day.outcome(number + 1, INTERRUPTED)
    return day.outcome(len(prices))


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

    def __init__(
        self,
        start: Snapshot,
        options: Book,
        keeper: KeeperModel,
        prices: PriceSeries,
        surroundings: Surroundings,
        iv_move: Callable[[int], IvMove] | None,
    ) -> None:
        self._iv_move = iv_move or (lambda _: HELD)
        self._start, self._last, self._keeper, self._surroundings = start, start, keeper, surroundings
        self._interval = prices.interval_seconds
        spot_usd, count = from_wad(start.measurement.price), len(prices)
        self._spots_usd = spot_usd * prices.prices_usd / float(prices.prices_usd[0])
        self._times = [Seconds(start.block.timestamp + step * self._interval) for step in range(count)]
        legs = Book(options.underlying, options.options)
        low, high = delta_interval(legs, np.asarray(self._times, dtype=np.float64), self._spots_usd)
        rest = _rest(start, float(low[0]), float(high[0]))
        self._low, self._high = low + rest[0], high + rest[1]
        held = HoldingLeg(sum(rest) / 2.0, "other sources of delta")
        self._hedged_book = Book(options.underlying, (*options.options, held))
        self._mark = BookMark(self._hedged_book)
        self._values_usd, self._navs_usd, self._gas_paid_usd = np.zeros((3, count + 1))
        self._refusals: Counter[str] = Counter()
        self._rebalances = self._outside = self._breaches = 0
        self._largest_worst = Wad(0)
        self._turnover_usd = self._fee_usd = self._slippage_usd = self._funding_usd = self._gas_usd = 0.0

    def live(self, number: int) -> Step:
        """Move to a step's price, and let the keeper decide there."""
        snapshot = self._arrive(number)
        self._observe(number, snapshot)
        decision = self._decide(snapshot)
        paid = self._paid(number, snapshot, decision) if decision.action is Action.REBALANCE else None
        step = self._step(number, snapshot, decision, paid)
        worst = worst_net_delta(step.after.measurement)
        is_outside = worst > band_now(step.after)
        if paid is not None:
            self._book(paid)
            self._breaches += is_outside and bool(decision.expected_fills)
        elif decision.guard_error is not None:
            self._refusals[decision.guard_error] += 1
        self._outside += is_outside
        self._largest_worst = max(self._largest_worst, worst)
        self._last = step.after
        return step

    def _arrive(self, number: int) -> Snapshot:
        price = to_wad(float(self._spots_usd[number]), Rounding.DOWN) if number else self._start.measurement.price
        around = self._surroundings
        interval = (
            to_wad(float(self._low[number]), Rounding.DOWN),
            to_wad(float(self._high[number]), Rounding.UP),
        )
        now = Instant(
            price=price,
            at_unix=self._times[number],
            book_delta=interval,
            funding_rates=around.funding_rates(number),
            quotes=around.quotes(number, price),
            base_fee_wei=around.base_fee(number),
        )
        snapshot, funding = at_instant(self._start, self._last, now)
        self._funding_usd += from_wad(funding)
        return snapshot

    def _decide(self, snapshot: Snapshot) -> Decision:
        costs = self._keeper.costs(snapshot.measurement.price)
        return decide(snapshot, self._hedged_book, self._keeper.policy, costs, self._keeper.settings)

    def _step(self, number: int, snapshot: Snapshot, decision: Decision, paid: Paid | None) -> Step:
        unhedged_usd, hedged_usd = self._pnl_usd(number)
        return Step(
            number=number,
            snapshot=snapshot,
            decision=decision,
            after=snapshot if paid is None else traded(snapshot, decision),
            pnl_unhedged_usd=unhedged_usd,
            pnl_hedged_usd=hedged_usd,
            fee_usd=self._fee_usd,
            slippage_usd=self._slippage_usd,
            funding_usd=self._funding_usd,
            gas_usd=self._gas_usd,
            iv_move=self._iv_move(self._times[number]),
            paid=paid,
        )

    def _pnl_usd(self, at: int) -> tuple[float, float]:
        unhedged_usd = float(self._values_usd[at] - self._values_usd[0])
        return unhedged_usd, unhedged_usd + float(self._navs_usd[at] - self._navs_usd[0] - self._gas_paid_usd[at])

    def _observe(self, at: int, snapshot: Snapshot) -> None:
        at_unix = self._times[at]
        self._values_usd[at] = self._mark.value_usd(float(self._spots_usd[at]), at_unix, self._iv_move(at_unix))
        self._book_nav(at, snapshot)

    def _close(self, steps: int) -> None:
        """Book the end: the last price again, after the last trade."""
        self._values_usd[steps] = self._values_usd[steps - 1]
        self._book_nav(steps, self._last)

    def _book_nav(self, at: int, snapshot: Snapshot) -> None:
        measured = snapshot.measurement
        self._navs_usd[at] = from_wad(measured.idle + sum(venue.equity for venue in measured.venues))
        self._gas_paid_usd[at] = self._gas_usd

    def _paid(self, number: int, snapshot: Snapshot, decision: Decision) -> Paid:
        price, fills = snapshot.measurement.price, decision.expected_fills
        gas = self._surroundings.gas(number, snapshot, decision)
        self._surroundings.traded(number, snapshot, decision)
        return Paid(
            turnover_usd=sum(abs(from_wad(fill.size_delta)) * from_wad(fill.execution_price) for fill in fills),
            fee_usd=sum(from_wad(fill.fee) for fill in fills),
            slippage_usd=sum(from_wad(fill.size_delta) * from_wad(fill.execution_price - price) for fill in fills),
            gas=gas,
        )

    def _book(self, paid: Paid) -> None:
        self._rebalances += 1
        self._turnover_usd += paid.turnover_usd
        self._fee_usd += paid.fee_usd
        self._slippage_usd += paid.slippage_usd
        self._gas_usd += paid.gas.usd

    def outcome(self, steps: int, ended_early: str | None = None) -> VaultDay:
        """Close the account after so many steps."""
        self._close(steps)
        values, navs, gas = (kept[: steps + 1] for kept in (self._values_usd, self._navs_usd, self._gas_paid_usd))
        unhedged = values - values[0]
        return VaultDay(
            steps=steps,
            interval_seconds=self._interval,
            rebalances=self._rebalances,
            refusals=dict(self._refusals),
            steps_outside=self._outside,
            breaches=self._breaches,
            largest_worst=self._largest_worst,
            turnover_usd=self._turnover_usd,
            fee_usd=self._fee_usd,
            slippage_usd=self._slippage_usd,
            funding_usd=self._funding_usd,
            gas_usd=self._gas_usd,
            pnl_unhedged_usd=unhedged,
            pnl_hedged_usd=unhedged + (navs - navs[0] - gas),
            ended_early=ended_early,
        )


def _rest(start: Snapshot, low: float, high: float) -> tuple[float, float]:
    """Return the interval of delta that the chain has beside the options', underlying units."""
    ends = from_wad(start.measurement.book_delta_low) - low, from_wad(start.measurement.book_delta_high) - high
    return min(ends), max(ends)
