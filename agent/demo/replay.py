"""Replay a price path: step the market, let the keeper do one cycle, write down what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from agent.backtest.vault_day import INTERRUPTED
from agent.chain.deployment import VenueEntry
from agent.chain.state import ChainState
from agent.demo.option_tally import OptionTally
from agent.demo.pnl import Execution, Pnl, PnlAccount
from agent.demo.provenance import inputs, market_note, provenance
from agent.demo.scenario import Scenario
from agent.demo.step_record import (
    band_in_force,
    depth_quotes,
    hedge_size,
    margin_use,
    nav_at_oracle_usd,
    step_record,
    trade_of,
)
from agent.demo.venue_tally import VenueTally
from agent.demo.world import World, open_world
from agent.errors import AgentError, DataError
from agent.guard import worst_net_delta
from agent.keeper.keeper import Keeper
from agent.keeper.result import CycleResult, Outcome
from agent.localnet.registry import DEFAULT_KINDS
from agent.report.effectiveness import hedge_effectiveness
from agent.report.replay_report import Closing, DepthQuote, ReplayReport, StepAction, StepRecord, Summary, Trade
from agent.units import Address, from_wad
from agent.venues.maintenance import Maintenance


class Observer(Protocol):
    """Whoever watches a replay."""

    def phase(self, words: str) -> AbstractContextManager[None]:
        """Return a context that is entered while a part of the set-up is under way."""

    def begin(self) -> None:
        """Report that the first step starts."""

    def step(self, record: StepRecord) -> None:
        """Report a finished step."""


def replay(
    scenario: Scenario, config: Path, observer: Observer, kinds: tuple[str, ...] = DEFAULT_KINDS
) -> ReplayReport:
    """Bring the stage up, replay every price, take the stage down and return what happened.

    What ends a replay early, an error or an interrupt, is told in the report of what was until then
    (`ReplayReport.ended_early`).

    Raises
    ------
    AgentError
        Whatever the set-up or the first step cannot go on with; the chain is stopped all the same.

    """
    started = time.perf_counter()
    with open_world(scenario, config, observer.phase, kinds) as world:
        observer.begin()
        recorder = Recorder(
            scenario,
            world.keeper,
            world.deployment.asset.decimals,
            world.settings.costs.gas_token_usd,
            world.maintenance(),
            kinds,
            world.deployment.venues,
        )
        ended_early = None
        try:
            for at_unix, price_usd in zip(scenario.prices.times_unix, scenario.prices.prices_usd, strict=True):
                world.localnet.step(float(price_usd), int(at_unix))
                observer.step(recorder.record(world.cycle()))
        except (AgentError, KeyboardInterrupt) as reason:
            if not recorder.has_steps:
                raise
            ended_early = INTERRUPTED if _is_interrupt(reason) else str(reason)
        return recorder.report(world, time.perf_counter() - started, ended_early)


def _is_interrupt(error: BaseException | None) -> bool:
    """Tell whether an interrupt is behind an error: what it breaks off may fail for its own reasons."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


class Recorder:
    """Turns cycles into the records of a report."""

    def __init__(
        self,
        scenario: Scenario,
        keeper: Keeper,
        asset_decimals: int,
        gas_token_usd: Callable[[float], float],
        maintenance: Mapping[Address, Maintenance],
        kinds: tuple[str, ...] = DEFAULT_KINDS,
        venues: Iterable[VenueEntry] = (),
    ) -> None:
        self._scenario = scenario
        self._gas_token_usd = gas_token_usd
        self._ledger = keeper.ledger
        self._asset_decimals = asset_decimals
        self._account: PnlAccount | None = None
        self._steps: list[StepRecord] = []
        self._decision_seconds: list[float] = []
        self._ledger_error_bps = 0.0
        self._breaches = 0
        self._mismatches = 0
        self._fills_booked = 0
        self._receipts_booked = 0
        self._last: ChainState | None = None
        self._unexplained_usd = 0.0
        self._maintenance = maintenance
        self._kinds = kinds
        self._depth: tuple[DepthQuote, ...] = ()
        self._tally = VenueTally(venues)
        self._options = OptionTally(keeper.ledger)

    @property
    def has_steps(self) -> bool:
        """Whether there is anything to report."""
        return bool(self._steps)

    def record(self, result: CycleResult) -> StepRecord:
        """Take in one cycle.

        Raises
        ------
        DataError
            The vault could not be read, so that the step has no price and no delta.

        """
        view = result.view
        if view is None:
            raise DataError(f"step {len(self._steps) + 1}: {result.reason}; choose prices the vault's oracle accepts")
        seen = result.before_options or view.state
        pnl = self._observe(seen)
        self._last = result.after or view.state
        self._decision_seconds.append(view.decision_seconds)
        self._ledger_error_bps = max(self._ledger_error_bps, 0.0 if result.nav is None else result.nav.error_bps)
        self._mismatches += result.guard_mirror_mismatch
        if result.after is not None:
            self._breaches += worst_net_delta(result.after.measurement) > band_in_force(result.after)
        self._depth = self._depth or depth_quotes(view.snapshot)
        has_sent = result.outcome is Outcome.EXECUTED or result.resumed is not None or result.receipt is not None
        has_sent = has_sent or bool(result.orders) or bool(result.options)
        trade = self._pay(from_wad(view.state.measurement.price)) if has_sent else None
        move, margin = self._scenario.iv_move(seen.block.timestamp), margin_use(self._last, self._maintenance)
        step = step_record(result, view, pnl, seen, self._last, trade, margin, move)
        self._steps.append(step)
        return step

    def _observe(self, state: ChainState) -> Pnl:
        """Mark book and vault at the oracle's price and the block's time, before the step's own trade.

        Funding is what the venue's events say; what the account takes for funding beyond it is unexplained.
        """
        price_usd, at_unix = from_wad(state.measurement.price), state.block.timestamp
        nav_usd = nav_at_oracle_usd(state, self._asset_decimals)
        if self._account is None:
            self._account = PnlAccount(self._scenario.book, price_usd, at_unix, nav_usd)
        move, options = self._scenario.iv_move(at_unix), self._options.gains(state)
        pnl = self._account.observe(price_usd, at_unix, nav_usd, hedge_size(state), move, options)
        funding_usd = self._funding_usd(state)
        self._unexplained_usd = funding_usd - pnl.costs.funding_usd
        return replace(pnl, costs=replace(pnl.costs, funding_usd=funding_usd))

    def _pay(self, price_usd: float) -> Trade | None:
        """Book what the ledger has and the account has not, even where a cycle ended before its receipt came."""
        fills = self._ledger.fills()[self._fills_booked :]
        receipts = self._ledger.receipts()[self._receipts_booked :]
        self._fills_booked += len(fills)
        self._receipts_booked += len(receipts)
        executions = [
            Execution(from_wad(fill.size_delta), from_wad(fill.execution_price), from_wad(fill.fee)) for fill in fills
        ]
        for fill, execution in zip(fills, executions, strict=True):
            self._tally.add(fill.venue, execution, price_usd)
        trade = trade_of(executions, receipts, price_usd, self._gas_token_usd(price_usd))
        if self._account is not None and trade is not None:
            self._account.pay(executions, trade.gas_usd)
        return trade

    def report(self, world: World, wall_seconds: float, ended_early: str | None = None) -> ReplayReport:
        """Close the account at the last state and return the report; ``ended_early``: why it is not the whole."""
        state = self._last
        if state is None or self._account is None:
            raise DataError("no step was replayed; choose a longer span")
        final = self._observe(state)
        scenario = self._scenario
        return ReplayReport(
            title=scenario.title,
            underlying=scenario.book.underlying,
            steps=tuple(self._steps),
            closing=self._closing(state),
            iv_rule=None if scenario.iv_path is None else scenario.iv_path.rule,
            interval_seconds=scenario.prices.interval_seconds,
            book=scenario.book,
            guard_band=from_wad(band_in_force(state)),
            depth=self._depth,
            market_note=market_note(scenario, self._kinds),
            turnover_usd=self._account.turnover_usd,
            unexplained_usd=self._unexplained_usd,
            ended_early=ended_early,
            inputs=inputs(scenario),
            summary=self._summary(final, nav_at_oracle_usd(state, self._asset_decimals), wall_seconds),
            provenance=provenance(scenario, world, state.bounds),
            venues=self._tally.figures(state, self._ledger.funding(), self._ledger.orders()),
            options=final.options,
            option_positions=self._options.positions(state),
        )

    def _closing(self, state: ChainState) -> Closing:
        at_unix = state.block.timestamp
        return Closing(at_unix, from_wad(state.measurement.price), self._scenario.iv_move(at_unix))

    def _funding_usd(self, state: ChainState) -> float:
        """Return funding paid: settled, as the venue's events say, and accrued since."""
        settled = sum(payment.paid for payment in self._ledger.funding())
        return from_wad(settled - sum(venue.funding_accrued for venue in state.venues))

    def _summary(self, final: Pnl, nav_usd: float, wall_seconds: float) -> Summary:
        steps = self._steps
        hedged_usd, unhedged_usd = (
            np.array(pnl_usd)
            for pnl_usd in ([step.pnl_hedged_usd for step in steps], [step.pnl_unhedged_usd for step in steps])
        )
        return Summary(
            steps=len(steps),
            rebalances=sum(step.action is StepAction.HEDGED for step in steps),
            rejected=sum(step.action is StepAction.REJECTED for step in steps),
            effectiveness=hedge_effectiveness(hedged_usd, unhedged_usd, self._scenario.prices.interval_seconds),
            pnl_unhedged_usd=final.unhedged_usd,
            pnl_hedged_usd=final.hedged_usd,
            costs=final.costs,
            max_abs_net_delta=max((abs(step.net_delta) for step in steps[1:]), default=abs(steps[0].net_delta)),
            band_breaches_after_rebalance=self._breaches,
            guard_mirror_mismatches=self._mismatches,
            vault_nav_usd=nav_usd,
            ledger_nav_error_bps=self._ledger_error_bps,
            wall_s=wall_seconds,
            p99_decision_ms=1_000 * float(np.quantile(self._decision_seconds, 0.99)),
        )
