"""Searches in a ring of past prices, against the loop of the contracts written out over plain slots."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.backtest.observation_ring import ObservationRing
from agent.errors import DataError


def contracts_search(capacity, written, target):
    """Return slots read and halvings as ``Oracle.binarySearch`` goes about it; slots are a list, None is empty."""
    slots = [None] * capacity
    for number, at_unix in enumerate(written):
        slots[number % capacity] = at_unix
    newest = (len(written) - 1) % capacity
    read = {newest}
    if slots[newest] <= target:
        return read, 0, 0
    oldest = (newest + 1) % capacity
    read.add(oldest)
    if slots[oldest] is None:
        oldest = 0
        read.add(0)
    if slots[oldest] > target:
        return read, 0, 0
    left, right, full, empty = (newest + 1) % capacity, (newest + 1) % capacity + capacity - 1, 0, 0
    while True:
        middle = (left + right) // 2
        before = slots[middle % capacity]
        read.add(middle % capacity)
        if before is None:
            empty, left = empty + 1, middle + 1
            continue
        full += 1
        after = slots[(middle + 1) % capacity]
        read.add((middle + 1) % capacity)
        if before <= target <= after:
            return read, full, empty
        if before <= target:
            left = middle + 1
        else:
            right = middle - 1


@given(
    capacity=st.integers(2, 40), gaps=st.lists(st.integers(1, 50), min_size=1, max_size=90), wanted=st.floats(0.0, 1.0)
)
def test_search__any_ring_and_instant__reads_what_the_contracts_read(capacity, gaps, wanted):
    written = [1_000 + sum(gaps[: number + 1]) for number in range(len(gaps))]
    target = written[0] + round(wanted * (written[-1] - written[0]))
    check_search(capacity, written, target)


@pytest.mark.parametrize("count", [1, 2, 7, 16, 17, 40])
def test_search__each_instant_of_a_ring_of_sixteen__reads_what_the_contracts_read(count):
    written = [100 * number for number in range(1, count + 1)]
    for target in range(50, 100 * count + 100, 50):
        check_search(16, written, target)


def check_search(capacity, written, target):
    found = ObservationRing(capacity, *written).search(target)
    expected = contracts_search(capacity, written, target)
    assert (found.slots, found.halvings, found.empty_halvings) == expected


def test_search__instant_of_the_newest_or_later__reads_one_slot():
    ring = ObservationRing(500, 100, 200)
    assert [ring.search(at_unix).slots for at_unix in (200, 300)] == [{1}, {1}]


def test_write__same_instant_twice__is_one_observation():
    once, twice = ObservationRing(8, 100, 200, 300), ObservationRing(8, 100, 200, 200, 300)
    assert once.search(150) == twice.search(150)


def test_with_one_more__the_ring_itself__stays_as_it_is():
    ring = ObservationRing(4, 100, 200)
    later = ring.with_one_more(300)
    assert (ring.search(250).slots, later.search(300).slots) == ({1}, {2})


def test_observation_ring__of_one_slot__is_refused():
    with pytest.raises(DataError, match="slots of the ring"):
        ObservationRing(1)
