"""HEDGE-638: options in the ledger, from the events of venue and protocol to NAV, checked by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.abi import load_abi
from agent.chain.deployment import Deployment
from agent.chain.state import ChainState
from agent.ledger.accounting import Accounts, Correction, check_nav, corrections
from agent.ledger.database import Database
from agent.ledger.records import CashFlowKind, OptionEventKind, VaultIdentity
from agent.ledger.scan import EventScanner
from agent.option_venue import HeldOption
from agent.units import WAD, Address, AssetUnits, BlockHash, Seconds, Wad
from agent.venues.registry import OPTION_PROTOCOLS
from tests.unit.ledger.test_accounting import chain_state, flow, measured, usd, venue_state
from tests.unit.ledger.test_scan import CLEARING_HOUSE, FIRST_BLOCK, INTENT, STRANGER, VAULT, FakeChain, emitted
from tests.unit.ledger.test_scan import VENUE as OPTIONS

POSITION, STRIKE_ID = 7, 12
PAYER = CLEARING_HOUSE
"""Whom the protocol's views lead to on the double."""
ASSETS = 10**18
HELD = HeldOption(POSITION, STRIKE_ID, True, Wad(5 * WAD), usd(1_750.0), Seconds(9), usd(1_000.0), usd(1_200.0))


def deployment() -> Deployment:
    return Deployment.model_validate(
        {
            "chain_id": 31_337,
            "network": "localnet",
            "block": FIRST_BLOCK,
            "asset": {"address": STRANGER, "decimals": 18, "symbol": "sUSD"},
            "contracts": {"HedgeVault": VAULT},
            "venues": [],
            "option_venue": {"name": "options", "kind": "lyra", "address": OPTIONS},
            "roles": {},
            "governor_delay_seconds": 86_400,
        }
    )


def traded(size_delta: int, cost: int, fee: int = 10 * WAD):
    return emitted(
        load_abi("IOptionVenue").event("OptionTraded"),
        OPTIONS,
        intentId=INTENT,
        strikeId=STRIKE_ID,
        positionId=POSITION,
        isCall=True,
        sizeDelta=size_delta,
        cost=cost,
        fee=fee,
    )


def paid_out(holder: Address, size: int, paid: int, emitter: Address = PAYER):
    return emitted(
        OPTION_PROTOCOLS["lyra"].settled.event,
        emitter,
        positionId=POSITION,
        settler=STRANGER,
        optionOwner=holder,
        strikePrice=1_750 * WAD,
        priceAtExpiry=1_900 * WAD,
        optionType=0,
        amount=size,
        settlementAmount=paid,
        insolventAmount=0,
    )


def brought_home(payoff: int):
    event = load_abi("IOptionVenue").event("OptionSettled")
    return emitted(event, OPTIONS, positionId=POSITION, payoff=payoff)


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()


@pytest.fixture
def ledger(tmp_path, chain: FakeChain):
    with Database.open(f"sqlite:///{tmp_path}/ledger.sqlite", "vault", "key") as database:
        yield database.vault(VaultIdentity(31_337, VAULT, 1, BlockHash(chain.blocks[1][0])))


def scan(chain: FakeChain, ledger) -> None:
    EventScanner(chain, ledger, deployment(), chain.head()).scan(chain.head())


# HEDGE-638
def test_scan__bought_and_sold__cash_with_the_fee_inside(chain, ledger) -> None:
    chain.grow(traded(5 * WAD, 900 * WAD), traded(-2 * WAD, 300 * WAD))
    scan(chain, ledger)
    bought, sold = ledger.option_events()
    assert (bought.kind, bought.size_delta, bought.cash, bought.fee) == (
        OptionEventKind.TRADED,
        5 * WAD,
        -900 * WAD,
        10 * WAD,
    )
    assert (sold.size_delta, sold.cash) == (-2 * WAD, 300 * WAD)
    assert (bought.strike_id, bought.is_call, bought.intent_id) == (STRIKE_ID, True, "0x" + INTENT.hex())
    account = ledger.accounts.venues[OPTIONS].options
    assert (account.cash, dict(account.sizes)) == (-600 * WAD, {POSITION: 3 * WAD})


# HEDGE-638
def test_scan__paid_out_and_brought_home__leaves_nothing_at_the_venue(chain, ledger) -> None:
    chain.grow(traded(5 * WAD, 900 * WAD))
    chain.grow(paid_out(OPTIONS, 5 * WAD, 750 * WAD), brought_home(750 * ASSETS))
    scan(chain, ledger)
    assert [event.kind for event in ledger.option_events()] == [
        OptionEventKind.TRADED,
        OptionEventKind.SETTLED,
        OptionEventKind.BROUGHT_HOME,
    ]
    [home] = ledger.cash_flows()
    assert (home.kind, home.venue, home.assets) == (CashFlowKind.MARGIN, OPTIONS, -750 * ASSETS)
    accounts = ledger.accounts
    assert (accounts.idle_assets, dict(accounts.venues[OPTIONS].options.sizes)) == (750 * ASSETS, {})
    assert accounts.venues[OPTIONS].worth(Wad(0), Wad(0), 18) == -900 * WAD


# HEDGE-638
def test_scan__worthless_at_expiry__is_let_go_without_a_flow(chain, ledger) -> None:
    chain.grow(paid_out(OPTIONS, 5 * WAD, 0), brought_home(0))
    scan(chain, ledger)
    assert ledger.cash_flows() == []
    assert [event.cash for event in ledger.option_events()] == [0, 0]


# HEDGE-638
def test_scan__payout_of_another_or_told_by_another__is_not_ours(chain, ledger) -> None:
    chain.grow(paid_out(STRANGER, 5 * WAD, 750 * WAD), paid_out(OPTIONS, 5 * WAD, 750 * WAD, emitter=STRANGER))
    scan(chain, ledger)
    assert ledger.option_events() == []


# HEDGE-638
def test_has_errand_events__transaction_of_a_trade__is_found_and_no_other(chain, ledger) -> None:
    chain.grow(traded(5 * WAD, 900 * WAD))
    scan(chain, ledger)
    [event] = ledger.option_events()
    assert ledger.has_errand_events(event.at.transaction_hash)
    assert not ledger.has_errand_events("0x" + "ee" * 32)


# --- NAV: $20,000 of margin, 5 calls bought for $1,100, worth $1,000 to $1,200 now ------------------------------------


def accounts_after(chain, ledger, *events) -> Accounts:
    chain.grow(*events)
    scan(chain, ledger)
    margin = flow(CashFlowKind.MARGIN, 20_000, OPTIONS)
    deposit = flow(CashFlowKind.DEPOSIT, 95_000)
    return ledger.accounts.booked([], [replace(one, assets=AssetUnits(one.assets)) for one in (deposit, margin)], [])


def state_of(*held: HeldOption, low: float, high: float) -> ChainState:
    state = replace(venue_state(3_000.0, 3_000.0), address=OPTIONS, size=Wad(0), options=held)
    at_ask = replace(measured(low, high), size_high=Wad(1))
    return chain_state((state, at_ask), idle=75_000, flows=95_000)


# HEDGE-638
def test_check_nav__option_held__is_cash_with_the_venues_bid_and_ask(chain, ledger) -> None:
    accounts = accounts_after(chain, ledger, traded(5 * WAD, 1_100 * WAD))
    check = check_nav(accounts, state_of(HELD, low=19_900.0, high=20_100.0), 6)
    assert (check.ledger_low, check.ledger_high) == (usd(94_900.0), usd(95_100.0))
    assert check.error_bps == 0.0


# HEDGE-638
@pytest.mark.parametrize(
    "told",
    [
        pytest.param([], id="purchase not seen"),
        pytest.param([(4 * WAD, 1_100 * WAD)], id="size is not the chain's"),
        pytest.param([(5 * WAD, 1_200 * WAD)], id="premium that was not paid"),
    ],
)
def test_check_nav__ledger_is_wrong__shows(chain, ledger, told) -> None:
    events = [traded(size, cost) for size, cost in told]
    check = check_nav(accounts_after(chain, ledger, *events), state_of(HELD, low=19_900.0, high=20_100.0), 6)
    assert check.error_bps > 5.0


# HEDGE-638
def test_corrections__cash_at_a_venue_of_options__is_what_the_bid_lacks(chain, ledger) -> None:
    accounts = accounts_after(chain, ledger, traded(5 * WAD, 1_100 * WAD))
    state = state_of(HELD, low=19_950.0, high=20_150.0)
    assert corrections(accounts, state, 6) == {OPTIONS: Correction(Wad(0), usd(50.0))}
    assert corrections(accounts, state_of(HELD, low=19_900.0, high=20_100.0), 6) == {}
