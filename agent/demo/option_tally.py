"""Adds up what options held as a hedge have cost and brought in a replay."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from agent.chain.state import ChainState
from agent.ledger.accounting import Accounts
from agent.ledger.records import OptionEventRecord
from agent.report.option_gains import OptionGains
from agent.report.option_results import OptionResult, option_results
from agent.units import Wad, from_wad


class OptionRecords(Protocol):
    """What is asked of a ledger."""

    def option_events(self) -> list[OptionEventRecord]:
        """Return what happened to options, oldest first."""
        ...


class OptionTally:
    """Sums of the ledger's events, beside what the venue would pay for what is held.

    The ledger may be ahead of the state that is asked about; a vault without a venue of options has none read.
    """

    def __init__(self, ledger: OptionRecords) -> None:
        self._ledger = ledger
        self._before_usd: float | None = None

    def gains(self, state: ChainState) -> OptionGains | None:
        """Return the sums as of a state, less what they were at the first look; None where none was ever held."""
        gains = self._sums(state)
        if self._before_usd is None:
            self._before_usd = 0.0 if gains is None else gains.total_usd
        return None if gains is None else replace(gains, before_usd=self._before_usd)

    def positions(self, state: ChainState) -> tuple[OptionResult, ...]:
        """Return each position as of a state, in the order they were first told of."""
        return tuple(option_results(self._events(state)))

    def _sums(self, state: ChainState) -> OptionGains | None:
        events = self._events(state)
        if not events:
            return None
        rows = option_results(events)
        paid, received, fees, payoff = (
            from_wad(Wad(sum(getattr(row, name) for row in rows))) for name in ("paid", "received", "fees", "payoff")
        )
        return OptionGains(paid, received, fees, payoff, from_wad(_value(state, events)))

    def _events(self, state: ChainState) -> list[OptionEventRecord]:
        if all(venue.options is None for venue in state.venues):
            return []
        return [event for event in self._ledger.option_events() if event.at.block.number <= state.block.number]


def _value(state: ChainState, events: list[OptionEventRecord]) -> Wad:
    """Return what selling the recorded sizes would bring, WAD USD, by the venue's own bids."""
    accounts = Accounts().booked((), (), (), (), events).venues
    held = [venue for venue in state.venues if venue.options is not None and venue.address in accounts]
    return Wad(sum(accounts[venue.address].options.worths(venue.options or ())[0] for venue in held))
