"""A snapshot whose servers answer in part at first, and whole when asked again."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from agent.chain.snapshot import SnapshotReader
from agent.domain import LADDER_RUNGS, Bounds
from agent.errors import TransientError
from agent.units import Wad
from tests.unit.chain.test_state import ANSWERS, BLOCK, FIRST, SECOND, VAULT, deployment, vault_answers, venue

_FIELDS = [field.name for field in fields(Bounds)]


class FlakyClient:
    """Shows a revert in place of one of the vault's own answers, once."""

    def __init__(self, missing: int) -> None:
        self._missing = missing
        self.asked_again = 0

    def read_or_none(self, calls: Any, _block: Any) -> list[Any]:
        outputs: list[Any] = [*vault_answers(venue(3, 3), venue(3, 3)), *ANSWERS, *ANSWERS]
        whole = len(calls) == len(outputs)
        outputs += [(0, 0)] * (len(calls) - len(outputs))
        if not whole:
            outputs[self._missing] = None
        return outputs

    def read(self, calls: Any, _block: Any) -> list[Any]:
        self.asked_again += 1
        return vault_answers(venue(3, 3), venue(3, 3))[: len(calls)]


@pytest.mark.parametrize("missing", [0, 3, 11])
def test_snapshot__revert_that_is_none_when_asked_again__is_read_whole(missing):
    """Was a ValueError that ended the keeper."""
    client = FlakyClient(missing)
    snapshot, state = SnapshotReader(client, deployment()).snapshot(BLOCK)
    assert client.asked_again == 1
    assert snapshot.measurement == state.measurement
    assert state.is_keeper


# --- the ladder of quotes ---------------------------------------------------------------------------------------------


class QuotingClient:
    """Answers the vault's views, then quotes: the price of a size is 1,000 more than it; odd sizes have no quote."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.quoted: list[list[tuple[str, int]]] = []
        self.listed = (FIRST, SECOND)
        self.plain: list[str] = []

    def read_or_none(self, calls: Any, block: Any) -> list[Any]:
        assert block == BLOCK
        quotes = [call for call in calls if call.function.name == "quote"]
        self.plain = [call.function.name for call in calls if call.function.name != "quote"]
        sizes = [int.from_bytes(bytes.fromhex(call.data[10:]), "big", signed=True) for call in quotes]
        self.quoted.append([(call.to, size) for call, size in zip(quotes, sizes, strict=True)])
        answers = vault_answers(venue(3, 3), venue(3, 3), listed=self.listed)
        bounds = list(answers[7][0])
        bounds[_FIELDS.index("max_size_delta")] = self.bound
        answers[7] = (tuple(bounds),)
        return [*answers, *ANSWERS, *ANSWERS, *(None if size % 2 else (1_000 + size, abs(size)) for size in sizes)]


def reader_at(bound: int, **how: Any) -> tuple[QuotingClient, SnapshotReader]:
    client = QuotingClient(bound)
    return client, SnapshotReader(client, deployment(), **how)


def halvings(largest: int) -> list[int]:
    """The ladder by its rule: the bound, halved down to the smallest of its rungs that is a size at all."""
    return [largest >> step for step in range(LADDER_RUNGS) if largest >> step > 0]


@pytest.mark.parametrize("bound", [5, 1_000, 3 * 10**18])
def test_snapshot__ladder__is_the_bound_halved_on_both_sides_of_each_venue(bound):
    client, reader = reader_at(bound)
    reader.snapshot(BLOCK)
    rungs = halvings(bound)
    assert sorted(client.quoted[-1]) == sorted(
        (at, side * size) for at in (FIRST, SECOND) for size in rungs for side in (1, -1)
    )
    assert client.quoted[0] == [], "the bounds themselves are read first"


def test_snapshot__sizes_not_quoted__are_left_out_and_others_keep_their_price():
    _, reader = reader_at(12)
    snapshot, state = reader.snapshot(BLOCK)
    expected = {(side * size, 1_000 + side * size, size) for size in (12, 6) for side in (1, -1)}
    for seen in snapshot.venues:
        assert {(quote.size_delta, quote.execution_price, quote.fee) for quote in seen.quotes} == expected
    assert state.bounds.max_size_delta == 12


def test_snapshot__bounds_change__the_next_ladder_follows_them():
    client, reader = reader_at(8)
    reader.snapshot(BLOCK)
    client.bound = 32
    reader.snapshot(BLOCK)
    assert max(size for _, size in client.quoted[-1]) == 8
    reader.snapshot(BLOCK)
    assert max(size for _, size in client.quoted[-1]) == 32
    assert len(client.quoted) == 4, "one read for the first bounds, and one for each snapshot"


@pytest.mark.parametrize(("least", "largest"), [(4, 8), (8, 8), (64, 64)])
def test_snapshot__least_size__is_quoted_where_the_bounds_allow_less(least, largest):
    client, reader = reader_at(8, least_largest=Wad(least))
    reader.snapshot(BLOCK)
    assert max(size for _, size in client.quoted[-1]) == largest


def test_snapshot__venues_change__the_ladder_is_of_those_there_are():
    client, reader = reader_at(8)
    reader.snapshot(BLOCK)
    client.listed = (SECOND, FIRST)
    with pytest.raises(TransientError, match="the vault's venues have changed"):
        reader.snapshot(BLOCK)
    reader.snapshot(BLOCK)
    assert [at for at, size in client.quoted[-1] if size == 8] == [SECOND, FIRST]


def test_snapshot__vault__is_named_with_its_asset_and_state():
    _, reader = reader_at(8)
    snapshot, state = reader.snapshot(BLOCK)
    assert (snapshot.chain_id, snapshot.vault, snapshot.asset_decimals) == (31_337, VAULT, 6)
    assert (snapshot.block, snapshot.idle_assets, snapshot.deviation_bps) == (BLOCK, state.idle_assets, 50)
    assert (snapshot.measurement, snapshot.bounds, snapshot.usage) == (state.measurement, state.bounds, state.usage)
    assert snapshot.paused is state.is_paused
    for seen, known in zip(snapshot.venues, state.venues, strict=True):
        for name in ("address", "name", "size", "mark_price", "index_price", "funding_rate_per_day", "free_collateral"):
            assert getattr(seen, name) == getattr(known, name)


def test_hedge__book_and_price_unreadable__has_accounts_and_no_quotes():
    client, reader = reader_at(8)
    reader.snapshot(BLOCK)
    snapshot, state = reader.hedge(BLOCK)
    assert client.quoted[-1] == []
    assert {"measureHedge"} == {name for name in client.plain if name.startswith("measure")}
    assert [seen.quotes for seen in snapshot.venues] == [(), ()]
    assert [seen.size for seen in snapshot.venues] == [known.size for known in state.venues]
