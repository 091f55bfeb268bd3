"""Decides with the book that is in force: followed from its file, told by the chain, averaged while it settles."""

from __future__ import annotations

from dataclasses import replace

from agent.domain import Book
from agent.errors import BookMismatchError, DataError, PolicyRefusedError
from agent.execution.intents import book_digest
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.book_watch import BookWatch
from agent.keeper.planner import CycleView, Planner, Sight
from agent.ledger.store import VaultLedger
from agent.risk.settlement import average_usd
from agent.units import Seconds, from_wad


class Decider:
    """One keeper's decisions and the book they rest on.

    ``goes_by_chain``: where book and chain disagree it decides by the chain alone, instead of refusing. A keeper whose
    book has agreed once does so from then on. Where the policy refuses to answer, as in a rush of gas, the chain's band
    alone decides: what the chain forces is traded whatever it costs.
    """

    def __init__(
        self,
        planner: Planner,
        ledger: VaultLedger,
        alerts: AlertLog,
        watch: BookWatch | None,
        *,
        goes_by_chain: bool = False,
    ) -> None:
        self._planner = planner
        self._ledger = ledger
        self._alerts = alerts
        self._watch = watch
        self._goes_by_chain = goes_by_chain
        self._written: Book | None = None
        self.book_digest = book_digest(planner.book)
        """Of the book in force."""

    def view(self, sight: Sight) -> CycleView:
        """Decide by the book, or by the chain alone where a keeper at work finds the two apart."""
        self._follow_book(sight)
        view = self._decide(sight)
        if not sight.restraint:
            return view
        is_own_pause = sight.snapshot.paused and not sight.state.is_paused
        reason = sight.restraint if is_own_pause else f"{view.decision.reason}; {sight.restraint}"
        return replace(view, decision=replace(view.decision, reason=reason))

    def _decide(self, sight: Sight) -> CycleView:
        averages = self._averages(sight)
        try:
            view = self._planner.decide(sight, averages)
            self._alerts.clear(AlertEvent.POLICY_REFUSES)
        except PolicyRefusedError as refusal:
            self._alerts.raise_alert(AlertEvent.POLICY_REFUSES, str(refusal), sight.block.timestamp)
            view = self._planner.decide_by_band(sight, averages, str(refusal))
        except BookMismatchError as mismatch:
            self._alerts.raise_alert(AlertEvent.BOOK_MISMATCH, str(mismatch), sight.block.timestamp)
            if not self._goes_by_chain:
                raise
            return self._planner.decide_by_chain(sight, str(mismatch))
        self._goes_by_chain = True  # it has agreed once: from here on a keeper is at work
        self._alerts.clear(AlertEvent.BOOK_MISMATCH)
        return view

    def _follow_book(self, sight: Sight) -> None:
        """Take over what was written anew, once the chain sees it so."""
        if self._watch is None:
            return
        try:
            found = self._watch.poll()
        except DataError as trouble:
            self._written, words = None, f"{trouble}; the book as it was stands"
            self._alerts.clear(AlertEvent.BOOK_RELOAD_REFUSED)
            self._alerts.raise_alert(AlertEvent.BOOK_RELOAD_REFUSED, words, sight.block.timestamp)
            return
        if found is not None:
            self._written = found
            self._alerts.clear(AlertEvent.BOOK_RELOAD_REFUSED)  # of the file as it was written before
        if self._written == self._planner.book:
            self._written = None
        if self._written is None:
            return
        mismatch = self._planner.disagreement(self._written, sight)
        if mismatch is not None:
            words = f"as written anew: {mismatch}; the book as it was stands until then"
            self._alerts.raise_alert(AlertEvent.BOOK_RELOAD_REFUSED, words, sight.block.timestamp)
            return
        self._planner.book, self._written = self._written, None
        self.book_digest = book_digest(self._planner.book)
        self._alerts.clear(AlertEvent.BOOK_RELOAD_REFUSED)
        self._alerts.tell(AlertEvent.BOOK_RELOADED, f"{len(self._planner.book.positions)} positions are in force")

    def _averages(self, sight: Sight) -> dict[Seconds, float]:
        """Return what settlement averages have been so far, by expiry, as far as the ledger's cycles saw the price."""
        expiries = self._planner.settling_expiries(sight)
        if not expiries:
            return {}
        window, at_unix = sight.state.settlement_window_seconds, sight.block.timestamp
        samples = [
            (seen_at, from_wad(price)) for seen_at, price in self._ledger.prices_since(Seconds(expiries[0] - window))
        ]
        samples.append((at_unix, from_wad(sight.snapshot.measurement.price)))
        averages = {expiry: average_usd(samples, Seconds(expiry - window), at_unix) for expiry in expiries}
        return {expiry: average for expiry, average in averages.items() if average is not None}
