"""The replay as it happens: one table in the terminal, or one line now and then where there is no terminal."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Literal

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from agent.demo.scenario import Scenario
from agent.report.formatting import duration, money, money_change, price, signed, sum_of_usd, utc_minute
from agent.report.replay_report import StepAction, StepRecord

_SECONDS_BETWEEN_FRAMES = 0.25
"""A frame costs about 5 ms; four a second leave the replay its time."""
_TRADES_SHOWN = 10
_LINES_WITHOUT_TERMINAL = 10
_POSITIONS_SHOWN = 4
_ALONE_STYLE = "dark_orange3"
_HEDGED_STYLE = "dodger_blue2"


class LiveTable:
    """Show set-up phases, then the last trades and the present step."""

    def __init__(self, console: Console, scenario: Scenario) -> None:
        self._console = console
        self._scenario = scenario
        self._total = len(scenario.prices)
        self._trades: deque[StepRecord] = deque(maxlen=_TRADES_SHOWN)
        self._latest: StepRecord | None = None
        self._done = 0
        self._started = time.monotonic()
        self._drawn_at = 0.0
        self._live: Live | None = None

    def __enter__(self) -> LiveTable:
        prices, book = self._scenario.prices, self._scenario.book
        positions = [f"{signed(leg.quantity, 2)} {leg.label}" for leg in book.options]
        positions += [f"{signed(leg.quantity, 2)} {leg.label}" for leg in book.holdings]
        shown = ", ".join(positions[:_POSITIONS_SHOWN])
        more = f" and {len(positions) - _POSITIONS_SHOWN} more" if len(positions) > _POSITIONS_SHOWN else ""
        steps = f"{self._total:,} steps of {duration(prices.interval_seconds)} from {utc_minute(prices.start_unix)} UTC"
        self._console.print(Text(self._scenario.title, style="bold"), Text(steps), sep=": ", soft_wrap=True)
        self._console.print(Text(f"{book.underlying} book: {shown}{more}"), soft_wrap=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.update(self._frame(), refresh=True)
            self._live.stop()
            self._live = None

    @contextmanager
    def phase(self, words: str) -> Iterator[None]:
        """Show that a part of the set-up is under way, and how long it took."""
        started = time.monotonic()
        with self._console.status(words):
            yield
        self._console.print(f"  [green]✓[/] {words} [dim]{time.monotonic() - started:.1f} s[/]", soft_wrap=True)

    def begin(self) -> None:
        """Start the clock of the steps."""
        self._started = time.monotonic()
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=False)
            self._live.start()

    def step(self, record: StepRecord) -> None:
        """Show one step; frames are dropped to keep to a few a second."""
        self._latest = record
        self._done += 1
        if record.action is not StepAction.HOLD:
            self._trades.append(record)
        if self._live is None:
            self._line(record)
            return
        now = time.monotonic()
        if now - self._drawn_at >= _SECONDS_BETWEEN_FRAMES:
            self._drawn_at = now
            self._live.update(self._frame(), refresh=True)

    def _line(self, record: StepRecord) -> None:
        every = max(self._total // _LINES_WITHOUT_TERMINAL, 1)
        if self._done % every == 0 or self._done == self._total:
            self._console.print(
                f"  {self._done:,}/{self._total:,}  {utc_minute(record.unix)}  {price(record.price_usd, 0)}  "
                f"net delta {signed(record.net_delta_after, 2)}  hedge {signed(record.hedge_size, 2)}  "
                f"alone {money_change(record.pnl_unhedged_usd)}  hedged {money_change(record.pnl_hedged_usd)}  "
                f"cost {money(record.costs.total_usd)}",
                highlight=False,
                soft_wrap=True,
            )

    def _frame(self) -> Group:
        return Group(self._progress(), self._table())

    def _progress(self) -> Table:
        elapsed = max(time.monotonic() - self._started, 1e-9)
        speed = self._done / elapsed
        left = (self._total - self._done) / speed if self._done else 0.0
        words = f"{self._done:,}/{self._total:,} steps  {speed:.1f} a second"
        words += f"  {duration(left)} left" if self._done < self._total else f"  {duration(elapsed)}"
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_row(ProgressBar(total=self._total, completed=self._done, width=24), Text(words, style="dim"))
        return grid

    def _table(self) -> Table:
        underlying = self._scenario.book.underlying
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 0), show_footer=True)
        now = self._cells(self._latest) if self._latest is not None else [Text("")] * 9
        headers = (
            ("UTC", 11),
            ("Price\nUSD", 6),
            (f"Net\ndelta\n{underlying}", 6),
            (f"Band\n{underlying}", 5),
            (f"Action\n{underlying}", 9),
            (f"Hedge\n{underlying}", 6),
            ("P&L\nalone\nUSD", 9),
            ("P&L\nhedged\nUSD", 9),
            ("Cost\nUSD", 6),
        )
        for position, ((header, width), footer) in enumerate(zip(headers, now, strict=True)):
            justify: Literal["left", "right"] = "left" if position == 0 else "right"
            table.add_column(header, footer, justify=justify, vertical="bottom", no_wrap=True, min_width=width)
        for trade in self._trades:
            table.add_row(*self._cells(trade))
        return table

    def _cells(self, step: StepRecord) -> list[Text]:
        return [
            Text(utc_minute(step.unix)[5:]),
            Text(signed(step.price_usd, 0)),
            _net_delta(step),
            Text(f"±{signed(max(abs(step.band_low), abs(step.band_high)), 2)}", style="dim"),
            _action(step),
            Text(signed(step.hedge_size, 2)),
            Text(sum_of_usd(step.pnl_unhedged_usd), style=_ALONE_STYLE),
            Text(sum_of_usd(step.pnl_hedged_usd), style=_HEDGED_STYLE),
            Text(sum_of_usd(step.costs.total_usd)),
        ]


def _net_delta(step: StepRecord) -> Text:
    inside = step.band_low <= step.net_delta <= step.band_high
    return Text(signed(step.net_delta, 2), style="" if inside else "bold yellow")


def _action(step: StepRecord) -> Text:
    if step.action is StepAction.HEDGED:
        verb = "buy" if step.hedge_size_delta > 0 else "sell"
        return Text(f"{verb} {signed(abs(step.hedge_size_delta), 2)}", style="bold green")
    if step.action is StepAction.REJECTED:
        return Text("rejected", style="bold red")
    return Text("hold", style="dim")
