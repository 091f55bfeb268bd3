"""What is replayed: a price path, a book, and the collateral that carries its hedge."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from agent.backtest.price_series import PriceSeries, realised_vol_annual
from agent.backtest.seeded_day import SEEDED_MODEL, seeded_day
from agent.domain import Book, OptionLeg, OptionType
from agent.errors import DataError
from agent.files.book_file import load_book
from agent.report.formatting import counted, duration
from agent.units import SECONDS_PER_DAY, Seconds
from agent.vol.iv_move import HELD, IvMove
from agent.vol.iv_path import IvPath, realised_iv_path

SEEDED_START_UNIX = Seconds(1_722_470_400)  # 2024-08-01T00:00:00Z
SEEDED_START_PRICE_USD = 3_200.0

DEFAULT_CONTRACTS = -100.0
DEFAULT_TENOR_SECONDS = Seconds(30 * SECONDS_PER_DAY)
DEFAULT_IV_ANNUAL = 0.65
"""Used when the file has no month of prices before the start to estimate a volatility from."""
DEFAULT_IV_MARGIN_ANNUAL = 0.05
"""Half-width of the interval of volatilities for which the chain verifies the delta."""
IV_LOOKBACK = timedelta(days=30)

_DEPOSIT_RATIO = 1.25
"""Collateral over the largest notional the hedge can reach, which is every unit of the book at the starting price."""
_DEPOSIT_STEP_USD = 10_000.0
_STRIKE_STEPS_PER_DECADE = 200
"""Listed strikes are about this fine: 50 USD at 3,200, 500 USD at 65,000."""
_QUOTE_CURRENCIES = ("USDT", "USDC", "USD")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A price path and a book, with the words that say where each comes from."""

    title: str
    prices: PriceSeries
    book: Book
    book_origin: str
    seed: int
    deposit_usd: float
    iv_path: IvPath | None = None
    """What the book's mark follows; None holds every leg at its own IV."""

    def iv_move(self, at_unix: int) -> IvMove:
        """Return how far IV has moved from the start to an instant."""
        return HELD if self.iv_path is None else self.iv_path.move(self.prices.start_unix, at_unix)


def seeded_scenario(seed: int, book_path: Path | None) -> Scenario:
    """Return the scenario that needs no data: a day of a jump diffusion, and the default book unless one is given."""
    prices = seeded_day(seed, SEEDED_START_PRICE_USD, SEEDED_START_UNIX)
    vol_annual = SEEDED_MODEL.vol_annual
    return _scenario("Seeded jump-diffusion day", prices, book_path, vol_annual, "volatility of the path's model", seed)


def file_scenario(
    path: Path, symbol: str, start: datetime, end: datetime, book_path: Path | None, seed: int
) -> Scenario:
    """Return the scenario of a price file; prices and book are checked before anything starts.

    Raises
    ------
    DataError : as `load_prices` and `load_book`, or a book of another underlying than the symbol.
    """
    from agent.files.price_file import load_prices  # noqa: PLC0415 - a seeded path needs no Parquet

    prices = load_prices(path, symbol, start, end)
    vol_annual = None if book_path is not None else month_before(path, symbol, start)
    if vol_annual is None:
        vol_annual, origin = DEFAULT_IV_ANNUAL, "stated default, no month of prices before the start"
    else:
        origin = "realised volatility of the 30 days before the start"
    return _scenario(f"{symbol} replay", prices, book_path, vol_annual, origin, seed)


def month_before(path: Path, symbol: str, start: datetime) -> float | None:
    """Return the volatility that a price file realised over the 30 days before an instant, None where it has not."""
    from agent.files.price_file import load_prices  # noqa: PLC0415 - a seeded path needs no Parquet

    try:
        return realised_vol_annual(load_prices(path, symbol, start - IV_LOOKBACK, start))
    except DataError:
        return None


def realised_iv(path: Path, symbol: str, start: datetime, end: datetime, days: int) -> IvPath:
    """Return the path of IV that follows what the prices of a file realised over the trailing days.

    Raises
    ------
    DataError : as `load_prices`, also where the file does not reach so many days before the start.
    """
    from agent.files.price_file import load_prices  # noqa: PLC0415 - a seeded path needs no Parquet

    window, span = timedelta(days=days), counted(days, "day")
    try:
        prices = load_prices(path, symbol, start - window, end)
    except DataError as error:
        raise DataError(f"--iv-realised {days} needs {span} of prices before --from: {error}") from None
    step = prices.interval_seconds
    rule = f"the realised volatility of the trailing {span}, zero mean, prices {duration(step)} apart"
    returns = round(window.total_seconds() / step)
    return realised_iv_path(prices.times_unix, prices.prices_usd, step, returns, rule)


def default_book(prices: PriceSeries, vol_annual: float) -> Book:
    """Return the book of the demonstration: short 100 calls, struck at the money, 30 days left.

    The volatility is rounded to a point, as it would be quoted; the chain is told an interval of 5 points either side.
    """
    call = listed_option(
        OptionType.CALL,
        float(prices.prices_usd[0]),
        Seconds(prices.start_unix + DEFAULT_TENOR_SECONDS),
        DEFAULT_CONTRACTS,
        vol_annual,
    )
    return Book(underlying_of(prices.symbol), (call,))


def listed_option(
    option_type: OptionType, near_usd: float, expiry_unix: Seconds, quantity: float, vol_annual: float
) -> OptionLeg:
    """Return an option at the listed strike nearest to a price; the chain is told 5 points of IV either side."""
    strike_usd = at_the_money_strike(near_usd)
    iv_annual = max(round(vol_annual, 2), 2 * DEFAULT_IV_MARGIN_ANNUAL)
    return OptionLeg(
        option_type=option_type,
        strike_usd=strike_usd,
        expiry_unix=expiry_unix,
        quantity=quantity,
        iv_annual=iv_annual,
        iv_low_annual=round(iv_annual - DEFAULT_IV_MARGIN_ANNUAL, 4),
        iv_high_annual=round(iv_annual + DEFAULT_IV_MARGIN_ANNUAL, 4),
        label=f"{datetime.fromtimestamp(expiry_unix, tz=UTC):%Y-%m-%d} {strike_usd:g} {option_type.name.lower()}",
    )


def at_the_money_strike(price_usd: float) -> float:
    """Return the price rounded to the nearest strike a venue would list."""
    step_usd = 10.0 ** (math.floor(math.log10(price_usd)) + 1) / _STRIKE_STEPS_PER_DECADE
    return float(round(price_usd / step_usd) * step_usd)


def underlying_of(symbol: str) -> str:
    """Return the symbol without its quote currency: ``ETH`` of ``ETHUSDT``."""
    for currency in _QUOTE_CURRENCIES:
        if symbol.endswith(currency) and symbol != currency:
            return symbol.removesuffix(currency)
    return symbol


def _scenario(
    title: str, prices: PriceSeries, book_path: Path | None, vol_annual: float, vol_origin: str, seed: int
) -> Scenario:
    if book_path is None:
        book = default_book(prices, vol_annual)
        origin = f"short 100 calls at the money, 30 days left; IV: {vol_origin}"
    else:
        book = load_book(book_path, prices.start_unix)
        origin = str(book_path)
        if book.underlying != underlying_of(prices.symbol):
            raise DataError(
                f"{book_path}: the book is of {book.underlying}, but the prices are of {prices.symbol}; "
                "choose the matching --symbol or book"
            )
    return Scenario(title, prices, book, origin, seed, deposit_usd(book, float(prices.prices_usd[0])))


def deposit_usd(book: Book, start_price_usd: float) -> float:
    """Return the collateral for a book's hedge, USD, rounded to the nearest 10,000 and never less than that."""
    quantities = [leg.quantity for leg in book.options] + [leg.quantity for leg in book.holdings]
    largest_hedge = sum(abs(quantity) for quantity in quantities)
    deposits = round(_DEPOSIT_RATIO * largest_hedge * start_price_usd / _DEPOSIT_STEP_USD)
    return _DEPOSIT_STEP_USD * max(deposits, 1)
