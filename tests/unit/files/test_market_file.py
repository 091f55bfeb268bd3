"""A market file is three numbers with units, or a refusal."""

from __future__ import annotations

import pytest

from agent.errors import DataError
from agent.files.market_file import load_market
from agent.products.book_value import Market


def test_load_market__example__read(repository):
    assert load_market(repository / "examples" / "market.toml") == Market(3232.74, 1_722_470_400, 0.0)


def test_load_market__no_rate__zero_as_documented(tmp_path):
    path = tmp_path / "market.toml"
    path.write_text("spot_usd = 3000\nnow = 2024-08-01\n")
    assert load_market(path) == Market(3000.0, 1_722_470_400, 0.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('now = "2024-08-01"\n', "spot_usd is missing"),
        ('spot_eur = 1\nnow = "2024-08-01"\n', "unknown key 'spot_eur'; did you mean 'spot_usd'"),
        ('spot_usd = -1\nnow = "2024-08-01"\n', "spot_usd is -1; it must be above 0"),
        ('spot_usd = inf\nnow = "2024-08-01"\n', "finite"),
        ("spot_usd = 1\n", "now is missing"),
        ('spot_usd = 1\nnow = "noon"\n', "ISO 8601"),
    ],
)
def test_load_market__bad_field__one_line_names_it(tmp_path, text, expected):
    path = tmp_path / "market.toml"
    path.write_text(text)
    with pytest.raises(DataError) as caught:
        load_market(path)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
