"""A book is held against what the chain can hold, and the gas token against the underlying."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from agent.errors import PreflightError
from agent.keeper import preflight
from agent.settings import load_settings
from tests.support.decision_builders import NOW, held, short_calls

CONFIG = Path("config/localnet.toml")


@pytest.fixture
def settings(repository):
    return load_settings(repository / CONFIG, {})


def calls(quantity=100.0):
    book = short_calls(quantity)
    return replace(book, positions=(replace(book.options[0], iv_low_annual=0.68, iv_high_annual=0.72),))


def of_chain(settings, chain_id):
    return settings.model_copy(update={"chain": settings.chain.model_copy(update={"chain_id": chain_id})})


@pytest.mark.parametrize(
    ("chain_id", "underlying", "words"),
    [
        (31_337, "ETH", None),
        (1, "WETH", None),
        (31_337, "BTC", "write the price of ETH"),
        (137, "ETH", "write the price of POL"),
        (999_999, "ETH", "not known here; write its price"),
    ],
)
def test_gas_token_faults__oracle__only_where_underlying_pays(settings, chain_id, underlying, words):
    found = list(preflight.gas_token_faults(of_chain(settings, chain_id), CONFIG, underlying))
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"iv_high_annual": 6.0}, "iv_high_annual 6"),
        ({"iv_low_annual": 0.68005}, "multiples of 0.0001"),
        ({"strike_usd": 1e9}, "strike_usd"),
        ({"expiry_unix": NOW + 4_000 * 86_400}, "3,650 days"),
    ],
)
def test_book_faults__leg_the_chain_cannot_hold__named(change, words):
    book = calls()
    assert list(preflight.book_faults(book, "b.toml", NOW)) == []
    (found,) = preflight.book_faults(replace(book, positions=(replace(book.options[0], **change),)), "b.toml", NOW)
    assert found.startswith("b.toml: [[option]] calls")
    assert words in found


def test_book_faults__short_holding__refused():
    (found,) = preflight.book_faults(held(-1.0), "b.toml", NOW)
    assert "cannot be negative" in found


def test_limits__contract__the_same(repository):
    (source,) = (repository / "contracts").rglob("OptionBook.sol")
    text = source.read_text(encoding="utf-8")

    def constant(name):
        return Decimal(re.search(rf"constant {name} = ([\d.e]+)", text)[1])

    assert constant("MAX_LEGS") == preflight.MAX_LEGS
    assert constant("MAX_TENOR") * 86_400 == preflight.MAX_TENOR_SECONDS
    for name, limit in {
        "MAX_STRIKE": preflight.MAX_STRIKE_USD,
        "MAX_QUANTITY": preflight.MAX_QUANTITY,
        "MIN_IV": preflight.MIN_IV_ANNUAL,
        "MAX_IV": preflight.MAX_IV_ANNUAL,
        "STRIKE_STEP": preflight.STRIKE_STEP_USD,
        "QUANTITY_STEP": preflight.QUANTITY_STEP,
        "IV_STEP": preflight.IV_STEP_ANNUAL,
    }.items():
        assert constant(name) == limit * 10**18, name


def test_require_hedgeable__price_and_size__each_refused(settings):
    preflight.require_hedgeable(settings, CONFIG, calls(), "b.toml", NOW, 3_000.0, 400_000.0)
    for book, price_usd, words in (
        (None, 50.0, "let the vault believe"),
        (calls(1_000), 3_000.0, "max_notional_usd"),
    ):
        with pytest.raises(PreflightError, match=words):
            preflight.require_hedgeable(settings, CONFIG, book, "b.toml", NOW, price_usd, 400_000.0)


def test_require_hedgeable__price_and_book_both_bad__both_are_told(settings):
    with pytest.raises(PreflightError) as caught:
        preflight.require_hedgeable(settings, CONFIG, held(-1.0), "b.toml", NOW, 50.0, 400_000.0)
    assert "let the vault believe" in str(caught.value)
    assert "cannot be negative" in str(caught.value)


def test_require_hedgeable__book_of_another_gas_token__is_told(settings):
    with pytest.raises(PreflightError, match="BTC"):
        preflight.require_hedgeable(
            settings, CONFIG, replace(calls(), underlying="BTC"), "b.toml", NOW, 3_000.0, 400_000.0
        )
