"""The terms that a market of GMX is deployed with."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from agent.units import Address
from agent.venues.gmx import GmxTerms

ACCESS = Address("0x00000000000000000000000000000000000000A0")
NAMES = ("data_store", "router", "market", "exchange_router", "order_handler", "reader")
ADDRESSES = {name: Address(f"0x{number:040x}") for number, name in enumerate(NAMES, start=1)}
TERMS = {"index_decimals": 8, "max_execution_fee_eth": 0.002, "margin_factor": 0.1, "callback_gas": 750_000}


def test_arguments__terms__are_in_the_constructors_order_and_units():
    store, router, market, *release = ADDRESSES.values()
    assert GmxTerms.model_validate(TERMS).arguments(ACCESS, ADDRESSES) == (
        *(ACCESS, store, router, market, 8),
        tuple(release),
        (2 * 10**15, 10**17, 750_000),
    )


@pytest.mark.parametrize(
    ("key", "number"),
    [("index_decimals", 31), ("max_execution_fee_eth", 0), ("margin_factor", 1.01), ("callback_gas", 199_999)],
)
def test_terms__number_out_of_its_range__are_refused(key, number):
    with pytest.raises(ValidationError, match=key):
        GmxTerms.model_validate(TERMS | {key: number})
