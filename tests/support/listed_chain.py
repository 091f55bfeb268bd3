"""A small chain as Deribit's API answers it: marks on a smooth smile, quotes around them, some of them absent."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from agent.products.inverse_option import inverse_option_greeks
from agent.vol.option_chain import OptionChain

NOW_UNIX = 1_704_712_781.423
"""2024-01-08 11:19:41.423 UTC."""
EXPIRIES = {"26JAN24": 1_706_256_000, "29MAR24": 1_711_699_200}
FORWARDS_USD = {"26JAN24": 2_240.0, "29MAR24": 2_280.0}
STRIKES_USD = (1_600, 1_900, 2_200, 2_500, 2_900)
RIGHTS = "CP"
HALF_SPREAD = 0.03
"""Of the mark."""


def mark_iv(expiry: str, strike_usd: float) -> float:
    """The venue's own vol of a mark."""
    tau = (EXPIRIES[expiry] - NOW_UNIX) / (365 * 86_400)
    k = math.log(strike_usd / FORWARDS_USD[expiry])
    return 0.5 - 0.1 * k / math.sqrt(tau) * 0.2 + 0.25 * k * k


def summaries() -> list[dict[str, Any]]:
    """Rows of ``public/get_book_summary_by_currency`` for options; the farthest strikes lack a bid."""
    rows = []
    for expiry, unix in EXPIRIES.items():
        forward = FORWARDS_USD[expiry]
        for strike in STRIKES_USD:
            for right in RIGHTS:
                iv, tau = mark_iv(expiry, strike), (unix - NOW_UNIX) / (365 * 86_400)
                mark = float(inverse_option_greeks(right == "C", forward, float(strike), tau, iv).value)
                has_bid = strike != STRIKES_USD[-1]
                rows.append(
                    {
                        "instrument_name": f"ETH-{expiry}-{strike}-{right}",
                        "base_currency": "ETH",
                        "quote_currency": "ETH",
                        "bid_price": mark * (1 - HALF_SPREAD) if has_bid else None,
                        "ask_price": mark * (1 + HALF_SPREAD),
                        "mark_price": mark,
                        "mark_iv": 100 * iv,
                        "underlying_price": forward,
                        "underlying_index": f"ETH-{expiry}",
                        "estimated_delivery_price": 2_222.19,
                        "interest_rate": 0.0,
                        "open_interest": 10.0,
                        "volume": 0.0,
                        "creation_timestamp": round(NOW_UNIX * 1_000),
                    }
                )
    return rows


def chain_at(spot_usd: float, now_unix: float, iv: float = 0.7) -> OptionChain:
    """Calls and puts of 20 days around ``spot_usd``, which is their forward too, quoted 1 % around a flat vol."""
    strikes = np.repeat(spot_usd * np.array([0.9, 1.0, 1.1]), 2)
    is_call = np.tile([True, False], 3)
    expiry = int(now_unix) + 20 * 86_400
    mark = inverse_option_greeks(is_call, spot_usd, strikes, (expiry - now_unix) / (365 * 86_400), iv).value
    absent = np.full(6, np.nan)
    return OptionChain(
        underlying="ETH",
        now_unix=now_unix,
        instrument_name=tuple(
            f"ETH-{strike:.0f}-{'C' if call else 'P'}" for strike, call in zip(strikes, is_call, strict=True)
        ),
        is_call=is_call,
        strike_usd=strikes,
        expiry_unix=np.full(6, expiry),
        forward_usd=np.full(6, spot_usd),
        bid_coin=mark * 0.99,
        ask_coin=mark * 1.01,
        mark_coin=mark,
        rate_annual=np.zeros(6),
        open_interest=absent,
        quoted_mark_vol_annual=absent,
        index_usd=spot_usd,
    )


def as_columns(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows in the columns of the reference data."""
    names = {
        "instrument_name": "instrument_name",
        "bid_price": "bid_coin",
        "ask_price": "ask_coin",
        "mark_price": "mark_coin",
        "underlying_price": "underlying_usd",
        "estimated_delivery_price": "index_usd",
        "interest_rate": "interest_rate",
        "open_interest": "open_interest",
    }
    return [
        {
            "snapshot_ts": datetime.fromtimestamp(row["creation_timestamp"] / 1_000, tz=UTC),
            **{column: row[field] for field, column in names.items()},
        }
        for row in rows
    ]


def write_json(path: Path, rows: list[dict[str, Any]]) -> Path:
    """The API's whole answer, saved."""
    path.write_text(json.dumps({"jsonrpc": "2.0", "result": rows, "usDiff": 12, "testnet": False}))
    return path
