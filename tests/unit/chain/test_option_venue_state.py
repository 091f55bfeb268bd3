"""A venue of options in the vault's state and snapshot: what it holds is read, and no perp is quoted there."""

from __future__ import annotations

from typing import Any

from agent.chain.deployment import Deployment, VenueEntry
from agent.chain.snapshot import SnapshotReader
from agent.chain.state import StateCalls, read_state
from agent.option_venue import HeldOption
from agent.units import Address, Seconds, Wad
from tests.support.decision_builders import held, snapshot_of, wad
from tests.unit.chain.test_state import ANSWERS, FIRST, SECOND, deployment, vault_answers, venue

BLOCK = snapshot_of(held(1.0)).block
OPTIONS = Address("0x" + "12" * 20)
CALL = (7, 12, True, wad(5), wad(1_750), 1_725_000_000, wad(300), wad(360))
HELD = HeldOption(7, 12, True, wad(5), wad(1_750), Seconds(1_725_000_000), wad(300), wad(360))
ALL = (FIRST, SECOND, OPTIONS)


def with_options() -> Deployment:
    entry = VenueEntry(name="options", kind="lyra", address=OPTIONS)
    return deployment().model_copy(update={"option_venue": entry})


class OptionClient:
    """Answers every view of a vault with two perps and a venue of options."""

    def __init__(self, *, is_silent: bool = False, listed: tuple[Address, ...] = ALL) -> None:
        self.is_silent = is_silent
        self.listed = listed
        self.quoted: set[str] = set()

    def read_or_none(self, calls: Any, _block: Any) -> list[Any]:
        quotes = [call for call in calls if call.function.name == "quote"]
        self.quoted |= {call.to for call in quotes}
        at_venue = venue(0, 1, is_silent=self.is_silent)
        measured = [at_venue if address == OPTIONS else venue(3, 3) for address in self.listed]
        answers = vault_answers(*measured, listed=self.listed)
        options = [None] * 7 if self.is_silent else [*ANSWERS, ((CALL,),)]
        asked = dict.fromkeys(call.to for call in calls if call.to in ALL)
        of_venues = [answer for at in asked for answer in (options if at == OPTIONS else ANSWERS)]
        return [*answers, *of_venues, *((1_000, 1) for _ in quotes)]


def test_decode__venue_of_options__tells_what_it_holds() -> None:
    calls = StateCalls(with_options())
    state = calls.decode(BLOCK, OptionClient().read_or_none(calls.calls, BLOCK))
    assert [own.options for own in state.venues] == [None, None, (HELD,)]
    assert state.venues[2].name == "options"
    assert HELD.name == "1750-C-12"


def test_decode__venue_of_options_silent__holds_nothing_that_is_known() -> None:
    calls = StateCalls(with_options())
    state = calls.decode(BLOCK, OptionClient(is_silent=True).read_or_none(calls.calls, BLOCK))
    assert state.venues[2].options == ()


def test_snapshot__venue_of_options__is_asked_for_no_quote() -> None:
    client = OptionClient()
    snapshot, _ = SnapshotReader(client, with_options()).snapshot(BLOCK)
    assert client.quoted == {FIRST, SECOND}
    assert [own.trades_options for own in snapshot.venues] == [False, False, True]
    assert [bool(own.quotes) for own in snapshot.venues] == [True, True, False]
    assert {quote.execution_price for own in snapshot.perp_venues for quote in own.quotes} == {Wad(1_000)}


def test_read_state__registry_lists_the_venue_of_options_first__is_read_at_once() -> None:
    first = (OPTIONS, FIRST, SECOND)
    state = read_state(OptionClient(listed=first), StateCalls(with_options()), BLOCK)
    assert [own.address for own in state.venues] == list(first)
    assert [own.options for own in state.venues] == [(HELD,), None, None]


def test_all_venues__option_venue__comes_last() -> None:
    assert [entry.address for entry in with_options().all_venues] == list(ALL)
    assert deployment().all_venues == deployment().venues
