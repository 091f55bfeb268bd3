"""The vault's state from what the chain answers, and what of it a venue that does not answer leaves."""

from __future__ import annotations

from functools import partial

import pytest

from agent.chain.deployment import Deployment
from agent.chain.state import OwnViews, StateCalls, read_state
from agent.domain import Budget, Track
from agent.errors import DataError, TransientError
from agent.result_track import PERIOD_SECONDS
from agent.units import Address
from tests.support.decision_builders import held, snapshot_of, wad

VAULT, GUARD, REGISTRY, ORACLE, KEEPER, OTHER, FIRST, SECOND, ASSET, ACCESS = (
    Address("0x" + digit * 40) for digit in "1234567890"
)
BLOCK = snapshot_of(held(1.0)).block
POSITION = ((wad(3), wad(3_000), wad(9_000), wad(50), wad(-7)),)
ANSWERS = (POSITION, (wad(3_010),), (wad(3_005),), (wad("0.01"),), (4_000_000,), (wad("0.1"),))
PRICE = wad(3_000)


def deployment() -> Deployment:
    venues = [{"name": name, "kind": "curie", "address": at} for name, at in (("first", FIRST), ("second", SECOND))]
    contracts = {
        "HedgeVault": VAULT,
        "RebalanceGuard": GUARD,
        "VenueRegistry": REGISTRY,
        "PriceOracle": ORACLE,
        "VaultAccess": ACCESS,
    }
    return Deployment(
        chain_id=31_337,
        network="localnet",
        block=1,
        asset={"address": ASSET, "decimals": 6, "symbol": "USDC"},
        contracts=contracts,
        venues=venues,
        roles={"keeper": KEEPER},
        governor_delay_seconds=86_400,
    )


def venue(size_low, size_high, *, is_silent=False):
    equity = 0 if is_silent else wad(100)
    sizes = (wad(size_low), wad(size_high))
    return (is_silent, False, PRICE, PRICE, PRICE, *sizes, wad(9_000), equity, equity, equity, wad(10**6))


def vault_answers(*venues, listed=(FIRST, SECOND)):
    measured = (PRICE, True, wad(-5), wad(-4), wad(700), wad(900), wad(800), wad(-20), venues)
    bounds = tuple(range(1, 22))
    return [
        (PRICE, 9),
        ((PRICE, PRICE, PRICE, 9, 50, 0),),
        (tuple(address.lower() for address in listed),),
        (measured,),
        ((11, 12, 13, 14),),
        ((21, 22, 23, 24),),
        ((-31, -34, 32, 33, -35, (1, 2, -3, 4)),),
        (bounds,),
        (700_000_000,),
        (-20_000_000,),
        (False,),
        (True,),
    ]


def test_decode__book_of_options__has_its_settlement_window():
    plain = deployment()
    with_options = plain.model_copy(update={"contracts": {**plain.contracts, "OptionBook": ASSET}})
    outputs = [*vault_answers(venue(3, 3), venue(3, 3)), (1_800,), *ANSWERS, *ANSWERS]
    assert StateCalls(with_options).decode(BLOCK, outputs).settlement_window_seconds == 1_800
    assert StateCalls(plain).decode(BLOCK, [*outputs[:12], *outputs[13:]]).settlement_window_seconds == 0


def test_calls__without_the_book__ask_neither_for_it_nor_for_a_healthy_price():
    asked = [call.function.name for call in StateCalls(deployment(), is_without_book=True).calls]
    assert "measureHedge" in asked
    assert not {"measure", "price"} & set(asked)


def test_decode__all_answer__every_number_in_its_place():
    state = StateCalls(deployment()).decode(BLOCK, [*vault_answers(venue(3, 3), venue(3, 3)), *ANSWERS, *ANSWERS])
    assert (state.usage.all, state.usage.own) == (Budget(11, 12, 13, 14), Budget(21, 22, 23, 24))
    assert state.usage.track == Track(-31, -34, 32, 33, -35, (1, 2, -3, 4))
    assert (state.bounds.band, state.bounds.cooldown_seconds) == (1, 21)
    assert (state.idle_assets, state.net_flows, state.deviation_bps) == (700_000_000, -20_000_000, 50)
    assert (state.is_paused, state.is_keeper) == (False, True)
    measured = state.measurement
    assert (measured.is_reduce_only, measured.idle, measured.nav) == (True, wad(700), wad(900))
    assert (measured.firm_nav, measured.net_flows) == (wad(800), wad(-20))
    assert measured.venues[1].cap == wad(10**6)
    first = state.venues[0]
    assert (first.name, first.size, first.funding_accrued) == ("first", wad(3), wad(-7))
    assert (first.mark_price, first.index_price, first.max_funding_rate_per_day) == (wad(3_010), wad(3_005), wad("0.1"))


def test_decode__funding_that_nothing_tells__is_not_accrued_beside_what_is_booked():
    outputs = [*vault_answers(venue(3, 3), venue(3, 3)), *ANSWERS, *ANSWERS]
    kinds = frozenset({deployment().venues[0].kind})
    first = StateCalls(deployment(), own_views=OwnViews(untold_funding=kinds)).decode(BLOCK, outputs).venues[0]
    assert (first.size, first.funding_accrued) == (wad(3), 0)


@pytest.mark.parametrize(("low", "high", "last"), [(0, 3, 3), (-4, 0, -4), (-4, 3, -4), (-2, 3, 3)])
def test_decode__venue_silent__keeps_the_size_last_known(low, high, last):
    outputs = [*vault_answers(venue(low, high, is_silent=True), venue(3, 3)), *(None,) * 6, *ANSWERS]
    silent, other = StateCalls(deployment()).decode(BLOCK, outputs).venues
    assert (silent.name, silent.size, silent.mark_price, silent.free_collateral) == ("first", wad(last), 0, 0)
    assert other.size == wad(3)


def test_decode__venue_answers_the_vault_but_not_us__is_read_anew():
    outputs = [*vault_answers(venue(3, 3), venue(3, 3)), *ANSWERS[:-1], None, *ANSWERS]
    with pytest.raises(TransientError, match="venue first answers the vault but not all of its views"):
        StateCalls(deployment()).decode(BLOCK, outputs)


def test_decode__other_venues_listed__are_read_the_next_time():
    calls = StateCalls(deployment())
    with pytest.raises(TransientError, match="the vault's venues have changed"):
        calls.decode(BLOCK, [*vault_answers(venue(3, 3), listed=(SECOND,)), *ANSWERS, *ANSWERS])
    assert calls.venues == (SECOND,)
    assert len(calls.calls) == calls.vault_call_count + 6


@pytest.mark.parametrize("count", [0, 1, 3])
def test_decode__other_venues_measured_than_listed__are_of_different_states(count):
    """Was a traceback: a node that is just taking in a block may answer in part from the next one."""
    with pytest.raises(TransientError, match=f"lists 2 venues and measures {count}: a server's answers do not belong"):
        StateCalls(deployment()).decode(BLOCK, [*vault_answers(*[venue(3, 3)] * count), *ANSWERS * 2])


def test_decode__track_of_a_later_time__is_of_another_state():
    """Was a traceback in the guard's mirror, around the turn of eight hours."""
    now = BLOCK.timestamp // PERIOD_SECONDS
    answers = vault_answers(venue(3, 3), venue(3, 3))
    for period, is_later in ((now, False), (now + 1, True)):
        answers[6] = ((-31, -34, 32, period, 35, (1, 2, -3, 4)),)
        decode = partial(StateCalls(deployment()).decode, BLOCK, [*answers, *ANSWERS, *ANSWERS])
        if is_later:
            with pytest.raises(TransientError, match="the guard's track is of a later time than block"):
                decode()
        else:
            assert decode().usage.track.period == period


@pytest.mark.parametrize(("own", "asked"), [(None, KEEPER), (OTHER, OTHER)])
def test_calls__keepers_budget__is_of_the_key_at_work(own, asked):
    (call,) = [call for call in StateCalls(deployment(), own).calls if call.function.name == "keeperBudget"]
    assert call.to == GUARD
    assert call.data.endswith(asked.removeprefix("0x").lower())


def test_decode__venue_that_the_manifest_does_not_name__says_where_to_add_it():
    listed = (FIRST, SECOND, OTHER)
    with pytest.raises(DataError, match=r"venue 0x6+, which the manifest of chain 31337 does not name; add it"):
        StateCalls(deployment()).decode(BLOCK, [*vault_answers(*[venue(3, 3)] * 3, listed=listed), *ANSWERS * 3])


class Client:
    """Answers in part at first: ``missing`` are the places that revert; asked again, the vault's own are whole."""

    def __init__(self, *missing: int) -> None:
        self.missing = missing
        self.again = 0

    def read_or_none(self, calls, block):
        assert block == BLOCK
        outputs = [*vault_answers(venue(3, 3), venue(3, 3)), *ANSWERS, *ANSWERS]
        assert len(calls) == len(outputs)
        return [None if place in self.missing else output for place, output in enumerate(outputs)]

    def read(self, calls, block):
        assert block == BLOCK
        self.again += 1
        return vault_answers(venue(3, 3), venue(3, 3))[: len(calls)]


@pytest.mark.parametrize(("missing", "again"), [((), 0), ((0,), 1), ((11,), 1), ((2, 7), 1)])
def test_read_state__vault_did_not_answer_in_full__is_asked_again_to_hear_why(missing, again):
    client = Client(*missing)
    state = read_state(client, StateCalls(deployment()), BLOCK)
    assert client.again == again
    assert [one.size for one in state.venues] == [wad(3), wad(3)]


def test_read_state__venue_did_not_answer__is_not_the_vaults_matter():
    client = Client(12)
    with pytest.raises(TransientError, match="venue first answers the vault but not all of its views"):
        read_state(client, StateCalls(deployment()), BLOCK)
    assert client.again == 0
