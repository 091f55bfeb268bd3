"""What configuration and book alone tell before a chain is started or a cycle is run: a line for each fault."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np

from agent.decision.feasible_hedge import infeasible_bounds
from agent.domain import Book
from agent.errors import PreflightError
from agent.settings import Settings
from agent.settings.gas_tokens import GAS_TOKENS
from agent.units import Seconds

_WRAPPED = {"WETH": "ETH", "WBNB": "BNB", "WXDAI": "XDAI", "WPOL": "POL", "WAVAX": "AVAX"}

MAX_LEGS = 128
"""``OptionBook.MAX_LEGS``, and so on: what the contract can hold."""
MAX_STRIKE_USD = Decimal(10**8)
MAX_QUANTITY = Decimal(10**10)
MIN_IV_ANNUAL, MAX_IV_ANNUAL = Decimal("0.01"), Decimal(5)
STRIKE_STEP_USD = QUANTITY_STEP = Decimal("1e-8")
IV_STEP_ANNUAL = Decimal("1e-4")
MAX_TENOR_SECONDS = Seconds(3_650 * 86_400)


def gas_token_faults(settings: Settings, config: Path, underlying: str) -> Iterator[str]:
    """Say where ``gas_token_price_usd = "oracle"`` is false: the oracle prices the underlying, another token pays."""
    if not isinstance(settings.costs.gas_token_price_usd, str):
        return
    chain_id = settings.chain.chain_id
    token = GAS_TOKENS.get(chain_id)
    if token is None:
        yield (
            f'{config}: [costs] gas_token_price_usd: "oracle" needs the underlying to pay for gas, and what pays on '
            f"chain {chain_id} is not known here; write its price in USD as a number"
        )
    elif _WRAPPED.get(underlying, underlying) != token:
        yield (
            f'{config}: [costs] gas_token_price_usd: "oracle" prices gas in {underlying}, but chain {chain_id} is paid '
            f"in {token}; write the price of {token} in USD as a number"
        )


def book_faults(book: Book, origin: str, now_unix: int) -> Iterator[str]:
    """Say what of a book the chain's `OptionBook` and `TokenHoldings` cannot hold.

    Parameters
    ----------
    book
        Options and holdings to be registered.
    origin
        File of the book, or what it is otherwise.
    now_unix
        When it is registered, Unix seconds.

    """
    if len(book.options) > MAX_LEGS:
        yield f"{origin}: {len(book.options)} options, and the chain holds {MAX_LEGS}; merge or leave out legs"
    held = sum(holding.quantity for holding in book.holdings)
    if held < 0.0:
        yield (
            f"{origin}: [[holding]] quantity: the holdings add up to {held:g}, and a token balance cannot be negative; "
            "leave the short holding out"
        )
    for leg in book.options:
        where = f"{origin}: [[option]] {leg.label}"
        for key, number, smallest, largest, step in (
            ("strike_usd", leg.strike_usd, STRIKE_STEP_USD, MAX_STRIKE_USD, STRIKE_STEP_USD),
            ("quantity", leg.quantity, -MAX_QUANTITY, MAX_QUANTITY, QUANTITY_STEP),
            ("iv_low_annual", leg.iv_low_annual, MIN_IV_ANNUAL, MAX_IV_ANNUAL, IV_STEP_ANNUAL),
            ("iv_high_annual", leg.iv_high_annual, MIN_IV_ANNUAL, MAX_IV_ANNUAL, IV_STEP_ANNUAL),
        ):
            exact = Decimal(str(number))
            if not smallest <= exact <= largest:
                yield f"{where}: {key} {number:g}: the chain holds {smallest:g} to {largest:g}; mend it"
            elif exact % step:
                yield f"{where}: {key} {number!r}: the chain holds multiples of {step.normalize():f}; round it"
        if leg.expiry_unix > now_unix + MAX_TENOR_SECONDS:
            yield f"{where}: expiry: more than 3,650 days away, which the chain does not hold; leave the leg out"


def price_faults(settings: Settings, config: Path, price_usd: float, where: str) -> Iterator[str]:
    """Say where a price lies outside what the vault's oracle believes; ``where`` is its file, row or option."""
    oracle = settings.oracle
    if not float(oracle.min_price_usd) <= price_usd <= float(oracle.max_price_usd):
        yield (
            f"{where}: price {price_usd:,.10g} USD is outside {oracle.min_price_usd} to {oracle.max_price_usd}, which "
            f"{config} [oracle] min_price_usd and max_price_usd let the vault believe; mend the price or the range"
        )


def require_hedgeable(
    settings: Settings,
    config: Path,
    book: Book | None,
    origin: str,
    now_unix: int,
    price_usd: float,
    deposit_usd: float,
) -> None:
    """Raise `PreflightError` when a vault about to be deployed could not hedge the book at its first price.

    ``book`` is what goes on the chain, read from ``origin``; ``now_unix``, ``price_usd`` (USD per unit) and
    ``deposit_usd`` are when and at what price the market opens and the collateral, where 0 leaves leverage out.

    """
    faults = list(price_faults(settings, config, price_usd, "the start price"))
    if book is not None:
        faults += [*gas_token_faults(settings, config, book.underlying), *book_faults(book, origin, now_unix)]
    if book is not None and not faults:
        found = infeasible_bounds(
            book,
            np.array([float(now_unix)]),
            np.array([price_usd]),
            settings.bounds.to_bounds(),
            deposit_usd,
            settings.margin.idle_reserve_bps,
        )
        faults = [
            f"{config}: {origin} at {price_usd:,.10g} USD: {fault.problem}; {fault.mend}"
            for fault in found
            if not fault.is_slow
        ]
    if faults:
        raise PreflightError(faults)
