"""A vault's status as one screen of a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from agent.report.formatting import duration, money, percent, price, signed, utc_minute
from agent.report.orders import order_line
from agent.status.document import as_document
from agent.status.records import VaultStatus

WIDTH = 80
_LABEL = 11


def as_lines(status: VaultStatus) -> list[str]:
    """Return the status for people."""
    told = as_document(status)
    head = (
        f"{told['shares']['name']} on {status.network}, block {status.block.number:,} at "
        f"{utc_minute(status.block.timestamp)} UTC"
    )
    lines = [*textwrap.wrap(head, WIDTH), status.vault, ""]
    for label, texts in (
        ("Vault", _vault(told)),
        ("Delta", _delta(told)),
        ("Bounds", _bounds(told)),
        ("Budgets", _budgets(told)),
        ("Oracle", _oracle(told)),
        ("Hedge", _hedge(told)),
        *((("Options", _options(told)),) if told["options"] is not None else ()),
        ("Keepers", _keepers(told)),
        ("Scheduled", _scheduled(told)),
    ):
        lines += _block(label, list(texts))
    return lines


def _block(label: str, texts: list[str]) -> list[str]:
    """Return texts beside their label, each on lines of its own; what a line cannot hold is folded and indented."""
    room = WIDTH - _LABEL
    folded = [line for text in texts for line in textwrap.wrap(text, room, subsequent_indent="  ")]
    return [f"{label if index == 0 else '':<{_LABEL}}{line}" for index, line in enumerate(folded)]


def _vault(told: dict[str, Any]) -> Iterator[str]:
    shares, modes = told["shares"], told["modes"]
    low, high = money(shares["nav_low_usd"]), money(shares["nav_high_usd"])
    yield f"NAV {low} to {high}, a share {price(shares['share_price_usd'], 4)}"
    yield f"idle {money(shares['idle_usd'])}, of it free for exits {money(shares['free_for_exits_usd'])}"
    closed = shares["deposits_closed_by"]
    yield f"mode: {_mode(modes)}; deposits {'open' if closed is None else f'closed: {closed}'}"


def _mode(modes: dict[str, Any]) -> str:
    parts = []
    if modes["paused_until_unix"] is not None:
        parts.append(f"paused until {utc_minute(modes['paused_until_unix'])}")
    if modes["is_winding_down"]:
        parts.append("winding down")
    elif modes["is_reduce_only"]:
        parts.append("reduce-only")
    return ", ".join(parts) or "trading"


def _delta(told: dict[str, Any]) -> Iterator[str]:
    delta = told["delta"]
    hedge = f"hedge {_interval(delta['hedge_low'], delta['hedge_high'])}"
    if delta["book_low"] is None:
        why = "there is no price" if delta["band"] is None else "a source does not answer"
        yield f"book not to be told, {why}; {hedge}"
        return
    is_empty = delta["book_low"] == delta["book_high"] == 0.0
    yield f"book {'empty' if is_empty else _interval(delta['book_low'], delta['book_high'])}, {hedge}"
    state = "inside the band" if delta["worst"] <= delta["band"] else "OUTSIDE THE BAND"
    if delta["worst"] >= delta["urgent"]:
        state = "URGENT"
    yield (
        f"worst case {signed(delta['worst'], 2)}, {state} (band {signed(delta['band'], 2)}, urgent from "
        f"{signed(delta['urgent'], 2)})"
    )


def _interval(low: float, high: float) -> str:
    return signed(low, 2) if low == high else f"{signed(low, 2)} to {signed(high, 2)}"


def _bounds(told: dict[str, Any]) -> Iterator[str]:
    bounds = told["bounds"]
    yield (
        f"a leg: size {signed(bounds['max_size_delta'], 2)}, notional {money(bounds['max_notional_usd'])}, slippage "
        f"{bounds['max_slippage_bps']} bps, fee {bounds['max_fee_bps']} bps"
    )
    yield f"leverage in all {signed(bounds['max_leverage_ratio'], 2)}, cooldown {duration(bounds['cooldown_seconds'])}"


def _budgets(told: dict[str, Any]) -> Iterator[str]:
    left = told["budget_left_usd"]
    yield (
        f"left of all: turnover {money(left['turnover'])} of {money(left['turnover_capacity'])}, loss "
        f"{money(left['loss'])} ({left['loss_capacity_bps']} bps of NAV when full)"
    )
    tripped = told["is_breaker_tripped"]
    words = {True: "TRIPPED: positions may only be closed", False: "not tripped", None: "not to be told"}
    yield f"breaker: {words[tripped]}"


def _oracle(told: dict[str, Any]) -> Iterator[str]:
    oracle = told["oracle"]
    shown = "no price" if oracle["price_usd"] is None else price(oracle["price_usd"])
    yield f"{shown}, {duration(oracle['age_seconds'])} old of at most {duration(oracle['max_age_seconds'])}"
    yield f"faults: {'; '.join(oracle['faults']) or 'none'}"


def _liquidation(venue: dict[str, Any]) -> str:
    distance = venue.get("liquidation_distance_ratio")
    return "" if distance is None else f", liquidated when the price moves {percent(distance, 1)} against it"


def _hedge(told: dict[str, Any]) -> Iterator[str]:
    for venue in told["venues"]:
        closing = ", closing" if venue["is_closing"] else ""
        if venue["is_silent"]:
            held = _interval(venue["size_low"], venue["size_high"])
            yield f"{venue['name']}{closing}: DOES NOT ANSWER; taken to hold {held}"
            continue
        leverage = "infinite" if venue["leverage_ratio"] is None else signed(venue["leverage_ratio"], 2)
        yield f"{venue['name']}{closing}: size {signed(venue['size_low'], 2)}, notional {money(venue['notional_usd'])}"
        yield (
            f"  equity {money(venue['equity_usd'])}, leverage {leverage} of {signed(venue['max_leverage_ratio'], 2)}"
            + _liquidation(venue)
            + (f", free margin {money(venue['free_margin_usd'])}" if "free_margin_usd" in venue else "")
        )
        if "mark_price_usd" in venue:
            yield (
                f"  mark {price(venue['mark_price_usd'])}, index {price(venue['index_price_usd'])}, funding "
                f"{percent(venue['funding_rate_per_day'], 3)} a day"
            )
        if "open_order" in venue:
            yield f"  {order_line(venue['open_order'])}"
    if not told["venues"]:
        yield "no venue"


def _options(told: dict[str, Any]) -> Iterator[str]:
    for option in told["options"]:
        expired = " EXPIRED, to be settled" if option["expiry_unix"] <= told["block"]["unix"] else ""
        yield f"{option['name']}: {signed(option['size'], 4)} until {utc_minute(option['expiry_unix'])} UTC{expired}"
        yield f"  worth {money(option['worth_low_usd'])} to {money(option['worth_high_usd'])}"
    if not told["options"]:
        yield "none held"


def _keepers(told: dict[str, Any]) -> Iterator[str]:
    for keeper in told["keepers"]:
        yield f"{keeper['address']}, {'has the role' if keeper['has_role'] else 'DISMISSED'}"
        yield f"  gas money {signed(keeper['gas_money_eth'], 4)} ETH, for {keeper['rebalances_left']:,} rebalances"
        block = keeper["last_intent_block"]
        yield "  no intent accepted yet" if block is None else f"  last intent accepted in block {block:,}"
        yield (f"  left: turnover {money(keeper['turnover_left_usd'])}, loss {money(keeper['loss_left_usd'])}")
    if not told["keepers"]:
        yield "the manifest names none"


def _scheduled(told: dict[str, Any]) -> Iterator[str]:
    for change in told["scheduled"]:
        yield f"{change['target']}.{change['call']}"
        is_ready = change["ready_at_unix"] <= told["block"]["unix"]
        yield (
            f"  {'ready since' if is_ready else 'ready'} {utc_minute(change['ready_at_unix'])}, void after "
            f"{utc_minute(change['expires_at_unix'])}"
        )
        yield from (f"  at worst: {line}" for line in change["worst_case"])
        yield from (f"  ! {warning}" for warning in change["warnings"])
    if not told["scheduled"]:
        yield "nothing"
