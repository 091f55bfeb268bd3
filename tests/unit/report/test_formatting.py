"""Figures are written one way everywhere, with true minus signs and no negative zero."""

from __future__ import annotations

import pytest

from agent.report.formatting import (
    MINUS,
    NO_BREAK_SPACE,
    duration,
    money,
    money_change,
    narrow,
    percent,
    price,
    signed,
    sum_of_usd,
    utc_minute,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (money(1234.5), "$1,234"),
        (money(-1234.5), f"{MINUS}$1,234"),
        (money(12.5), "$12.50"),
        (money(-0.001), f"{MINUS}$0.001"),
        (money_change(5_000), "+$5,000"),
        (money_change(-5_000), f"{MINUS}$5,000"),
        (money_change(0), "$0.00"),
        (money(0.57), "$0.57"),
        (money(0.004), "$0.004"),
        (money(1e-9), "$1e-9".replace("-", MINUS)),
        (price(3_232.74), "$3,232.74"),
        (price(100_000), "$100,000.00"),
        (price(0.0057), "$0.0057"),
        (price(0.00001234), "$0.00001234"),
        (price(3_232.74, 0), "$3,233"),
        (price(12.345, 0), "$12.35"),
        (sum_of_usd(-0.25), f"{MINUS}0.25"),
        (narrow(-3.61e-5, 4), f"{MINUS}3.6e{MINUS}5"),
        (percent(0.00004), f"0.004{NO_BREAK_SPACE}%"),
        (percent(-1e-12), f"{MINUS}1e{MINUS}10{NO_BREAK_SPACE}%"),
        (signed(-0.004, 2), f"{MINUS}0.004"),
        (signed(-12_345.678, 2), f"{MINUS}12,345.68"),
        (percent(0.9512), f"95.1{NO_BREAK_SPACE}%"),
        (percent(-0.5, 0), f"{MINUS}50{NO_BREAK_SPACE}%"),
        (utc_minute(1_722_470_460), "2024-08-01 00:01"),
        (utc_minute(253_402_300_799), "9999-12-31 23:59"),
        (utc_minute(2**48 - 1), "9999-12-31 or later"),
        (duration(7 * 86_400 - 300), "7 days"),
        (duration(86_400), "1 day"),
        (duration(300), "5 minutes"),
        (duration(1.25), "1.2 seconds"),
    ],
)
def test_wording__figure__as_people_write_it(written, expected):
    assert written == expected
