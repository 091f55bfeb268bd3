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
        (999, "ETH", "write the price of HYPE"),
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


def test_gas_token_faults__price_is_a_number__none_whatever_pays(settings):
    priced = settings.model_copy(update={"costs": settings.costs.model_copy(update={"gas_token_price_usd": 3_000.0})})
    assert list(preflight.gas_token_faults(of_chain(priced, 999_999), CONFIG, "BTC")) == []


@pytest.mark.parametrize(
    "change",
    [
        {"strike_usd": 1e-8},
        {"strike_usd": 1e8},
        {"quantity": -1e10},
        {"quantity": 1e10},
        {"iv_low_annual": 0.01},
        {"iv_high_annual": 5.0},
        {"expiry_unix": NOW + 3_650 * 86_400},
    ],
)
def test_book_faults__ends_of_what_the_chain_holds__are_held(change):
    book = calls()
    assert list(preflight.book_faults(replace(book, positions=(replace(book.options[0], **change),)), "b", NOW)) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"strike_usd": 0.0}, "strike_usd 0: the chain holds 1e-8 to 100000000"),
        ({"quantity": 1e10 + 1e5}, "quantity"),
        ({"quantity": -1e10 - 1e5}, "quantity"),
        ({"strike_usd": 3_000.000000001}, "multiples of 0.00000001"),
        ({"iv_low_annual": 0.009}, "iv_low_annual"),
        ({"expiry_unix": NOW + 3_650 * 86_400 + 1}, "3,650 days"),
    ],
)
def test_book_faults__beyond_what_the_chain_holds__is_named(change, words):
    book = calls()
    (found,) = preflight.book_faults(replace(book, positions=(replace(book.options[0], **change),)), "b", NOW)
    assert words in found


@pytest.mark.parametrize(("count", "faults"), [(128, 0), (129, 1)])
def test_book_faults__number_of_legs__is_what_the_contract_holds(count, faults):
    found = list(preflight.book_faults(replace(calls(), positions=calls().positions * count), "b.toml", NOW))
    assert len(found) == faults
    assert not faults or found[0].startswith("b.toml: 129 options, and the chain holds 128")


@pytest.mark.parametrize(("price_usd", "faults"), [(100.0, 0), (99.99, 1), (100_000.0, 0), (100_000.1, 1)])
def test_price_faults__range_of_the_oracle__is_believed_with_its_ends(settings, price_usd, faults):
    assert len(list(preflight.price_faults(settings, CONFIG, price_usd, "row 7"))) == faults


def test_book_faults__holdings_that_add_up_to_nothing__are_held():
    both = replace(held(1.0), positions=(*held(1.0).positions, *held(-1.0).positions))
    assert list(preflight.book_faults(both, "b.toml", NOW)) == []


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
        (calls(10_000), 3_000.0, "max_notional_usd"),
    ):
        with pytest.raises(PreflightError, match=words):
            preflight.require_hedgeable(settings, CONFIG, book, "b.toml", NOW, price_usd, 400_000.0)


def test_require_hedgeable__hedge_that_goes_in_parts__is_no_fault(settings):
    """As `evenkeel bounds suggest` sizes a book that one trade would take too far into the venue."""
    small = settings.bounds.model_copy(update={"max_size_delta_underlying": Decimal(20)})
    parts = settings.model_copy(update={"bounds": small})
    preflight.require_hedgeable(parts, CONFIG, calls(), "b.toml", NOW, 3_000.0, 400_000.0)


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
