"""NAV by the ledger beside NAV by the chain: while they differ, something happened that nobody has understood.

Until then positions only shrink. Once an operator has answered for a difference (`evenkeel ledger acknowledge nav`),
the ledger's accounts are brought to the chain's by an entry of their own, one for each venue that differs, and later
differences count in full again.
"""

from __future__ import annotations

from dataclasses import replace

from agent.chain.block_id import BlockId
from agent.keeper.alerts import AlertEvent, AlertLog
from agent.keeper.planner import Sight
from agent.ledger.accounting import NavCheck, check_nav, corrections
from agent.ledger.acknowledging import is_correction_due
from agent.ledger.records import AccountEventRecord, LogId, Scan
from agent.ledger.store import VaultLedger
from agent.settings.keeper import KeeperSettings
from agent.units import from_wad
from agent.venues.protocol import AccountEventKind


class NavWatch:
    """Compares the books of one vault, once a cycle."""

    def __init__(self, ledger: VaultLedger, alerts: AlertLog, settings: KeeperSettings, asset_decimals: int) -> None:
        self._ledger = ledger
        self._alerts = alerts
        self._max_error_bps = settings.max_nav_error_bps
        self._asset_decimals = asset_decimals

    def look(self, sight: Sight) -> tuple[NavCheck, Sight]:
        """Return the comparison, and the sight; in it positions may only shrink where the two differ."""
        nav = self._check(sight)
        if nav.error_bps > self._max_error_bps:
            self._ledger.require_lease()  # or another keeper has booked what this sight is too old to know
            if is_correction_due(self._ledger):
                self._correct(sight)
                nav = self._check(sight)
        if nav.error_bps <= self._max_error_bps:
            self._alerts.clear(AlertEvent.NAV_BREAK)
            return nav, sight
        ledger, chain = from_wad(nav.ledger_low), from_wad(nav.chain_low)
        words = f"the ledger has {ledger:,.2f} USD, the chain {chain:,.2f}: {nav.error_bps:.1f} bps, above "
        words += f"{self._max_error_bps:g}"
        self._alerts.raise_alert(AlertEvent.NAV_BREAK, words, sight.block.timestamp)
        return nav, _reductions_alone(sight, nav)

    def _check(self, sight: Sight) -> NavCheck:
        return check_nav(self._ledger.accounts, sight.state, self._asset_decimals)

    def _correct(self, sight: Sight) -> None:
        block_id = BlockId.of(sight.block)
        found = corrections(self._ledger.accounts, sight.state, self._asset_decimals)
        events = tuple(
            AccountEventRecord(
                LogId.of_ours(block_id, index),
                venue,
                AccountEventKind.CORRECTION,
                one.size_delta,
                one.cash,
            )
            for index, (venue, one) in enumerate(found.items())
        )
        self._ledger.add_scan(Scan(block_id.number, block_id, account_events=events))
        shown = "; ".join(
            f"venue account {event.venue}: position by {from_wad(event.size_delta):+.6g}, cash by "
            f"{from_wad(event.cash):+,.2f} USD"
            for event in events
        )
        self._alerts.tell(
            AlertEvent.NAV_CORRECTED, f"the ledger is the chain's again in block {block_id.number}: {shown}"
        )


def _reductions_alone(sight: Sight, nav: NavCheck) -> Sight:
    """Return a sight as of a vault in which no position may grow."""
    measurement = replace(sight.snapshot.measurement, is_reduce_only=True)
    words = f"NAV is {nav.error_bps:.1f} bps apart, so positions may only shrink"
    restraint = f"{sight.restraint}; {words}" if sight.restraint else words
    return replace(sight, snapshot=replace(sight.snapshot, measurement=measurement), restraint=restraint)
