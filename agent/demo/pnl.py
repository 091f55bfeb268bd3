"""Where the money went: the book's P&L, the hedge's P&L as the chain measures it, and the four costs it contains."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agent.backtest.book_mark import BookMark
from agent.domain import Book
from agent.report.option_gains import OptionGains
from agent.report.replay_report import HedgingCosts
from agent.units import Seconds
from agent.vol.iv_move import HELD, IvMove


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution: signed size, average price without fee, fee."""

    size_delta: float
    execution_price_usd: float
    fee_usd: float


@dataclass(frozen=True, slots=True)
class Pnl:
    """P&L and costs since the first observation."""

    unhedged_usd: float
    hedged_usd: float
    costs: HedgingCosts
    options: OptionGains | None = None


class PnlAccount:
    """Follow one replay.

    Unhedged P&L is the change of the book's value. Hedged P&L adds the change of the vault's NAV, marked at the oracle
    price like the book, and takes gas off. NAV changes for five reasons alone: the price moves the hedge, options held
    as a hedge gain or lose, and fee, slippage and funding are paid; so funding is what remains when the others are
    known: ``funding = sum(size * dP) + options - fee - slippage - dNAV``. The replay checks it against the venue's own
    settlements.
    """

    def __init__(self, book: Book, price_usd: float, at_unix: Seconds, nav_usd: float) -> None:
        self._mark = BookMark(book)
        self._first_value_usd = self._mark.value_usd(price_usd, at_unix)
        self._first_nav_usd = nav_usd
        self._price_usd = price_usd
        self._hedge_size = 0.0
        self._price_pnl_usd = 0.0
        self._fee_usd = 0.0
        self._slippage_usd = 0.0
        self._gas_usd = 0.0
        self.turnover_usd = 0.0
        """Notional traded so far, USD at execution prices."""

    def observe(
        self,
        price_usd: float,
        at_unix: Seconds,
        nav_usd: float,
        hedge_size: float,
        iv_move: IvMove = HELD,
        options: OptionGains | None = None,
    ) -> Pnl:
        """Take in the state before a step's own trade.

        Parameters
        ----------
        price_usd
            Oracle price.
        at_unix
            Time of the price; must not go back.
        nav_usd
            Vault's NAV with the hedge marked at the oracle price.
        hedge_size
            Size held on the venues, underlying units.
        iv_move
            Change of the book's volatilities since the first observation.
        options
            What options held as a hedge have cost and brought; None where there were none.

        """
        self._price_pnl_usd += self._hedge_size * (price_usd - self._price_usd)
        self._price_usd, self._hedge_size = price_usd, hedge_size
        unhedged_usd = self._mark.value_usd(price_usd, at_unix, iv_move) - self._first_value_usd
        nav_change_usd = nav_usd - self._first_nav_usd
        gained_usd = self._price_pnl_usd + (0.0 if options is None else options.total_usd)
        funding_usd = gained_usd - self._fee_usd - self._slippage_usd - nav_change_usd
        return Pnl(
            unhedged_usd=unhedged_usd,
            hedged_usd=unhedged_usd + nav_change_usd - self._gas_usd,
            costs=HedgingCosts(self._fee_usd, self._slippage_usd, funding_usd, self._gas_usd),
            options=options,
        )

    def pay(self, trades: Iterable[Execution], gas_usd: float) -> None:
        """Book executions against the price last observed; slippage is positive when the execution was worse."""
        for trade in trades:
            self._fee_usd += trade.fee_usd
            self._slippage_usd += trade.size_delta * (trade.execution_price_usd - self._price_usd)
            self._hedge_size += trade.size_delta
            self.turnover_usd += abs(trade.size_delta) * trade.execution_price_usd
        self._gas_usd += gas_usd
