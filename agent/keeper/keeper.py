"""The keeper: start from chain and ledger, decide, carry out, and again. Start-up and recovery are one path.

A cycle reads the head, brings the ledger up to it, goes on with whatever a crash left open, cares for open orders,
settles options that have expired, gives margin to accounts that need it, and only then decides anew: on options, and,
on the chain that follows them, on the perp.
Nothing it needs lives in memory: killed at any instant and started again, it does what it would have done.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from functools import partial
from types import TracebackType

from agent.chain.ahead import Ahead
from agent.chain.deployment import venue_names
from agent.chain.head_hints import HeadHints
from agent.decision.flatten import FlattenStep
from agent.domain import Action, BlockRef, Book
from agent.errors import AgentError, DataError, FatalError, RejectedError
from agent.execution.errand import errand_of
from agent.execution.intents import MAX_DECISION_AGE_BLOCKS
from agent.execution.settlement import Settlement, Timer
from agent.execution.signer import Signer, load_signer
from agent.execution.submit import Executor
from agent.keeper.account_alerts import account_alerts
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.book_watch import BookWatch
from agent.keeper.cycle_row import cycle_record
from agent.keeper.decider import Decider
from agent.keeper.key_checks import require_able
from agent.keeper.loop import Loop
from agent.keeper.nav_watch import NavWatch
from agent.keeper.option_tending import OptionAct, OptionTending
from agent.keeper.order_keeper import OrderKeeper
from agent.keeper.order_plan import closes_only, is_fill_wanted
from agent.keeper.order_watch import OrderWatch
from agent.keeper.planner import CycleView, Planner, Sight
from agent.keeper.price_updates import HermesUpdates, PriceUpdates
from agent.keeper.rebalancer import Rebalancer
from agent.keeper.result import CycleResult, Outcome
from agent.keeper.tending import Tending
from agent.keeper.venue_errands import VenueErrands
from agent.ledger.accounting import NavCheck
from agent.ledger.database import Database, Standby
from agent.ledger.lease import Lease
from agent.ledger.records import AccountEventRecord, IntentRecord, Purpose, VaultIdentity
from agent.ledger.scan import EventScanner
from agent.ledger.store import VaultLedger
from agent.ledger.untold import UntoldEntries
from agent.products.european_kernel import greeks_rows
from agent.settings import Settings


class Keeper:
    """One process, one key, one vault. Without a signer it is a shadow: it decides, records, and sends nothing."""

    def __init__(
        self,
        planner: Planner,
        database: Database,
        signer: Signer | None,
        first_block: BlockRef,
        timer: Timer,
        watch: BookWatch | None = None,
        *,
        starts_on_mismatch: bool = False,
        prices: PriceUpdates | None = None,
    ) -> None:
        settings, deployment = planner.settings, planner.deployment
        self.planner = planner
        self._database = database
        self.address = deployment.role("keeper") if signer is None else signer.address
        self._timer = timer
        self._settings = settings
        self.ledger: VaultLedger = database.vault(
            VaultIdentity(deployment.chain_id, deployment.contract("HedgeVault"), first_block.number, first_block.hash)
        )
        scanner = EventScanner(planner.client, self.ledger, deployment, planner.head(timer.unix_seconds))
        self._scanner = scanner
        self.is_shadow = signer is None
        self._executor = (
            None
            if signer is None
            else Executor(planner.client, self.ledger, scanner, signer, settings.execution, timer, planner.rollup)
        )
        self.alerts = AlertLog()
        self._rebalancer = Rebalancer(planner, self.ledger, self._executor, self.address, self.alerts)
        scanner.on_account_events = self._tell_account_events
        self._decider = Decider(
            planner,
            self.ledger,
            self.alerts,
            watch,
            goes_by_chain=starts_on_mismatch,
        )
        self._nav = NavWatch(self.ledger, self.alerts, settings.keeper, deployment.asset.decimals)
        self._untold = UntoldEntries(planner.client, self.ledger, deployment, first_block.timestamp)
        self._orders = OrderWatch(self.ledger, self.alerts, settings.keeper, venue_names(deployment))
        url = settings.keeper.price_service_url
        sources = prices if prices is not None or url is None else HermesUpdates(url)
        own = planner, self.ledger, self._executor, self.address, self.alerts
        self._order_keeper = OrderKeeper(*own, sources)
        self._errands = VenueErrands(*own)
        self._options = OptionTending(*own)

    @classmethod
    def build(
        cls,
        settings: Settings,
        book: Book,
        environment: Mapping[str, str] = os.environ,
        timer: Timer | None = None,
        watch: BookWatch | None = None,
        *,
        starts_on_mismatch: bool = False,
        standby: Standby | None = None,
        is_shadow: bool = False,
        prices: PriceUpdates | None = None,
    ) -> Keeper:
        """Connect, check all that can be checked without sending, and take the lease on the ledger.

        Parameters
        ----------
        settings, book
            What to hedge, where and how.
        environment
            Holds the keeper's key, see `load_signer`.
        timer
            Clocks of the machine, unless a test brings its own.
        watch
            Follows the book's file; without it the book stays as it is.
        starts_on_mismatch
            Go by the chain alone from the start, where book and chain disagree, instead of refusing.
        standby
            Waits while another keeper serves the vault or uses the key; without it the start is refused then.
        is_shadow
            Needs no key and sends nothing; the budget is that of the manifest's keeper.
        prices
            Gives the updates that orders are settled with, instead of the service that the settings name.

        Raises
        ------
        DataError
            Wrong chain, missing manifest, no key, a key without role or gas money, a ledger in use: one line each.
        TransientError
            The servers do not answer.

        """
        clock = timer or Timer()
        chain_id = settings.chain.chain_id
        signer = None if is_shadow else load_signer(environment, chain_id)
        greeks_rows()  # its machine code is loaded now and not between the first head and its decision
        with ExitStack() as opened:
            planner = opened.enter_context(Planner.open(settings, book, None if signer is None else signer.address))
            if signer is not None:
                require_able(planner, signer, planner.head(clock.unix_seconds))
            first_block = planner.client.block(planner.deployment.block)
            vault = planner.deployment.contract("HedgeVault")
            names = f"{chain_id} {vault}", f"{chain_id} {'shadow' if signer is None else signer.address}"
            database = Database.open(settings.ledger.url, *names, settings.ledger, standby)
            opened.enter_context(database)
            keeper = cls(
                planner,
                database,
                signer,
                first_block,
                clock,
                watch,
                starts_on_mismatch=starts_on_mismatch,
                prices=prices,
            )
            opened.pop_all()
        return keeper

    def close(self) -> None:
        """Close connections and ledger, and release the lease."""
        self.planner.close()
        self._database.close()

    def __enter__(self) -> Keeper:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def lease(self) -> Lease:
        """What keeps other keepers away."""
        return self._database.lease

    def caught_up(self, result: CycleResult) -> CycleResult:
        """Return a cycle's result with what its orders have come to since, as chain and ledger stand now."""
        head = self.planner.head(self._timer.unix_seconds)
        self._scanner.scan(head)
        fills = () if result.intent_id is None else tuple(self.ledger.fills_of(result.intent_id))
        return replace(result, fills=fills, after=self.planner.reader.state(head))

    # --- the loop -------------------------------------------------------------------------------------------------

    def run(
        self,
        on_result: Callable[[CycleResult], None],
        on_trouble: Callable[[AgentError], None],
        cycles: int | None = None,
        interval_seconds: float | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        """Cycle until ``stop`` is set or ``cycles`` are done; a new head that a socket tells of ends a wait early.

        A cycle whose data cannot be trusted is skipped, unless it is the first: then the start itself is refused.
        Faults of the moment are tried again, each time after twice the wait, and do not count as cycles.

        Raises
        ------
        FatalError
            Nothing may be sent until a person has looked.
        DataError
            The first cycle's data cannot be trusted.
        BookMismatchError
            Book and chain have not agreed once yet.

        """
        settings, urls = self._settings.keeper, self._settings.chain.ws_urls
        interval = settings.interval_seconds if interval_seconds is None else interval_seconds
        with HeadHints(urls, settings.least_interval_seconds) if urls else nullcontext() as hints:
            Loop(settings, interval, stop or threading.Event(), hints).run(self.cycle, on_result, on_trouble, cycles)

    # --- one cycle ------------------------------------------------------------------------------------------------

    def cycle(self) -> CycleResult:
        """Do one cycle.

        Raises
        ------
        DataError, TransientError, FatalError
            See `Keeper.run`. Whatever was sent by then is in the ledger, and the next cycle goes on with it.

        """
        with self.planner.client.within(self._settings.keeper.cycle_deadline_seconds):
            return self._cycle()

    def _cycle(self) -> CycleResult:
        started = time.perf_counter()
        self._database.lease.require_held()
        done = self._tend()
        if done.waits is None:
            result = self._act(done.head, done.seen)
        else:
            result = CycleResult(done.head, Outcome.PENDING, done.waits, 0.0)
        return replace(
            result,
            resumed=None if done.resumed is None else done.resumed.state,
            orders=done.orders,
            errand=done.errand,
            options=(*done.options, *result.options),
            has_open_orders=self._order_keeper.has_open,
            cycle_seconds=time.perf_counter() - started,
        )

    def _tend(self, *, only_closes: bool = False) -> Tending:
        """Do all that comes before a decision, in its order, up to what the chain does not answer yet.

        ``only_closes`` leaves out what may open a position: orders that do not close one, and errands of venues.
        """
        self._order_keeper.wants = closes_only if only_closes else is_fill_wanted
        done = Tending(*self._see_head(), resumed=self._resume_open())
        if done.resumed is not None:
            if done.resumed.state is None:
                return replace(done, waits=done.resumed.detail)
            done = done.at(*self._see_head())
        tended = self._order_keeper.tend_all(done.head, done.seen, self._see_head)
        done = replace(done.at(tended.head, tended.seen), orders=tended.cares, waits=tended.waits)
        if done.waits is not None:
            return done
        done = replace(done, errand=None if only_closes else self._errands.run(done.head))
        if done.errand is not None:
            if done.errand.settlement.state is None:
                return replace(done, waits=str(done.errand))
            done = done.at(*self._see_head())
        settled = self._options.settle_all(done.head, done.seen, self._see_head)
        return replace(done.at(settled.head, settled.seen), options=settled.acts, waits=settled.waits)

    def flatten_step(self) -> tuple[FlattenStep, CycleResult | None]:
        """Take one step toward no position at all, by hand; None where there is none to take.

        Orders that are open are seen to first, as a cycle does; those that would open a position are cancelled.

        Raises
        ------
        DataError, TransientError, FatalError
            As for `cycle`.

        """
        self._database.lease.require_held()
        done = self._tend(only_closes=True)
        sight, rejection = self._see(done.head, done.seen)
        if rejection is not None:
            raise DataError(f"the vault cannot be read, so nothing can be traded: {rejection}; try again later")
        step = self.planner.flatten(sight)
        if done.waits is not None:
            return step, CycleResult(done.head, Outcome.PENDING, done.waits, 0.0)
        if not step.legs:
            return step, None
        return step, self._rebalancer.carry_out(sight, step, self._decider.book_digest, None)

    def _see_head(self) -> tuple[BlockRef, Ahead[Sight]]:
        """Return the head, with the ledger brought up to it, and what is there to see, read meanwhile."""
        head = self.planner.head(self._timer.unix_seconds)
        with Ahead(partial(self.planner.see, head)) as sight:
            self._scanner.scan(head)
        return head, sight

    def _tell_account_events(self, events: Sequence[AccountEventRecord]) -> None:
        for alert, words in account_alerts(events, venue_names(self.planner.deployment)):
            self.alerts.tell(alert, words)

    def _resume_open(self) -> Settlement | None:
        """Go on with open intents, oldest first; stop at one whose outcome is not known yet."""
        settlement: Settlement | None = None
        if self._executor is None:
            return None
        for record in self.ledger.open_intents():
            settlement = self._executor.resume(record, partial(self._is_wanted, record), self._rebalancer.terms(record))
            if settlement.state is None:
                break
        return settlement

    def _is_wanted(self, record: IntentRecord) -> bool:
        """Return whether an open intent is of this very book, fresh enough, and the chain would accept it now."""
        if record.is_errand:
            head = self.planner.head(self._timer.unix_seconds)
            errand = errand_of(self.ledger.transactions_of(record.intent.intent_id))
            if errand is not None and errand.purpose is Purpose.OPTION:
                return self._options.is_wanted(record, head)
            return self._order_keeper.is_wanted(record, head) or self._errands.is_wanted(record, head)
        if record.book_digest != self._decider.book_digest:
            return False
        head = self.planner.head(self._timer.unix_seconds)
        if head.number - record.intent.decided_at_block.number > MAX_DECISION_AGE_BLOCKS:
            return False
        return self.planner.simulate(record.intent, self.address, head) is None

    # --- what to do -----------------------------------------------------------------------------------------------

    def _act(self, head: BlockRef, seen: Ahead[Sight]) -> CycleResult:
        """Save what account needs margin, whatever else can be read or decided; then decide and carry out."""
        sight, rejection = self._see(head, seen)
        saved = self._margin_first(sight)
        if saved is not None and saved.outcome is Outcome.PENDING:
            return CycleResult(head, Outcome.PENDING, saved.reason, 0.0, margin_first=saved)
        if saved is not None and saved.outcome is Outcome.EXECUTED:
            head, seen = self._see_head()
            sight, rejection = self._see(head, seen)
        if rejection is not None:
            reason = f"cannot be read: {rejection}"
            return CycleResult(head, Outcome.REJECTED, reason, 0.0, rejection=rejection, margin_first=saved)
        is_same_block = saved is not None and saved.receipt is not None and saved.receipt.block_id.number >= head.number
        return replace(self._decide(sight, is_waiting=is_same_block), margin_first=saved)

    def _see(self, head: BlockRef, seen: Ahead[Sight]) -> tuple[Sight, RejectedError | None]:
        """Return what there is to see: everything, or the venue accounts and why no more."""
        try:
            sight, rejection = seen.result(), None
        except RejectedError as refusal:
            sight, rejection = self.planner.see_accounts(head), refusal
        if not sight.state.is_keeper and not self.is_shadow:
            raise FatalError(
                f"key {self.address} was dismissed: it has no KEEPER_ROLE any more; start with "
                "another keeper's key, or have the governor grant the role again"
            )
        return self._orders.restrain(sight, self._order_keeper.refusals), rejection

    def _margin_first(self, sight: Sight) -> CycleResult | None:
        """Bring accounts above their high watermark back; None when there are none."""
        wanted = self.planner.margin_first(sight)
        if wanted is None:
            self.alerts.clear(AlertEvent.MARGIN_STRAINED)
            self.alerts.clear(AlertEvent.MARGIN_TOPPED_UP)
            return None
        if wanted.legs:
            result = self._rebalancer.carry_out(sight, wanted, self._decider.book_digest, None)
        else:
            result = CycleResult(sight.block, Outcome.REJECTED, wanted.reason, 0.0)
        is_saved = wanted.is_enough and result.outcome is Outcome.EXECUTED
        event = AlertEvent.MARGIN_TOPPED_UP if is_saved else AlertEvent.MARGIN_STRAINED
        self.alerts.raise_alert(event, result.reason, sight.block.timestamp)
        return result

    def _decide(self, sight: Sight, *, is_waiting: bool) -> CycleResult:
        """Trade options, then decide on the perp and carry out.

        A vault takes a keeper's next intent only from a later block than its last.
        """
        self._untold.book(sight.state, self._tell_account_events)
        nav, sight = self._nav.look(sight)
        view = self._decider.view(sight)
        act = self._options.trade(view)
        acts, before = () if act is None else (act,), None
        if act is not None and act.is_executed:
            before = view.state
            sight, rejection = self._see(*self._see_head())
            if rejection is not None:
                reason = f"cannot be read: {rejection}"
                return CycleResult(sight.block, Outcome.REJECTED, reason, 0.0, rejection=rejection, options=acts)
            nav, sight = self._nav.look(sight)
            view = self._decider.view(sight)
        result = self._hedge(view, nav, act, is_waiting=is_waiting)
        return replace(result, options=acts, before_options=before)

    def _hedge(self, view: CycleView, nav: NavCheck, act: OptionAct | None, *, is_waiting: bool) -> CycleResult:
        """Carry out what was decided on the perp, once it is known what became of options."""
        if act is not None and act.is_pending:
            result = CycleResult(view.block, Outcome.PENDING, act.words, 0.0, view, nav)
        elif view.decision.action is Action.HOLD:
            self._rebalancer.end_rest(view.block)
            result = CycleResult(view.block, Outcome.HELD, view.decision.reason, 0.0, view, nav)
        elif is_waiting:
            reason = f"{view.decision.reason}; waits for the block after the one in which margin moved"
            result = CycleResult(view.block, Outcome.HELD, reason, 0.0, view, nav)
        else:
            result = self._rebalancer.carry_out(view, view.decision, self._decider.book_digest, nav)
        self.ledger.add_cycle(cycle_record(result, view, nav))
        return result
