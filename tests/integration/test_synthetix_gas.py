"""Gas of the Synthetix adapters' calls on the real Synthetix, against the figures kept."""

from __future__ import annotations

import pytest

from benchmarks.synthetix_gas import RENEW, SNAPSHOT, kept, measure

pytestmark = pytest.mark.chain

UPWARD_RATIO = 1.01
VENUE_GAS = 900_000
"""What `VenueRegistry` gives a venue to answer in."""


@pytest.fixture(scope="module")
def measured():
    return measure()


# HEDGE-563
def test_calls__gas_of_every_kind__as_kept(measured):
    figures = kept()
    assert set(measured) == set(figures), f"the kinds have changed: renew {SNAPSHOT.name} with `{RENEW}`"
    for case, gas in measured.items():
        before = figures[case]
        assert gas.keys() == before.keys()
        dearer = {name: found - before[name] for name, found in gas.items() if found > before[name] * UPWARD_RATIO}
        assert dearer == {}, f"{case} needs more gas"
        cheaper = {name: found - before[name] for name, found in gas.items() if found < before[name]}
        assert cheaper == {}, f"{case} needs less gas: renew {SNAPSHOT.name} with `{RENEW}`"


# HEDGE-563
def test_account__whatever_it_holds__is_told_within_half_of_what_it_is_given(measured):
    for case in ("views with an order", "views with a position"):
        assert measured[case]["account"] < VENUE_GAS // 2
