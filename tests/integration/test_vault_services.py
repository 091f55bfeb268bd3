"""What stands beside the vault, on the real venue: the redemption queue, signed rebalances, rescues."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.chain.abi import Call, load_abi
from agent.chain.client import ChainClient
from agent.domain import Intent
from agent.execution.intents import bound_intent
from agent.execution.keys import LocalKey
from agent.execution.signed_rebalances import relay_call, typed_rebalance
from agent.execution.signer import Signer, load_signer
from agent.keeper.planner import Planner
from agent.keeper.result import CycleResult, Outcome
from agent.localnet.evm import Transaction
from agent.settings import Settings
from agent.units import WAD, Address, AssetUnits, IntentId, Wad
from tests.support.adversary import GAS, USDC_UNIT, Adversary
from tests.support.keeper_world import START_PRICE_USD, KeeperWorld

pytestmark = pytest.mark.chain

CHAIN_ID = 31_337
MARGIN = 150_000 * USDC_UNIT
SIZE = 50 * WAD
"""Of a hedge of about 54."""


@pytest.fixture
def stranger(keeper_chain: KeeperWorld):
    """An account without any role, beside the vault of an honest keeper."""
    with keeper_chain.fresh() as fresh:
        yield Adversary(fresh)


@pytest.fixture(scope="module")
def settings(keeper_chain: KeeperWorld) -> Settings:
    return keeper_chain.settings()


def number(by: Adversary, to: Address, signature: str, *arguments: object) -> int:
    return int(by.chain.call(to, signature, *arguments, returns="(uint256)")[0])


def refusal(by: Adversary, call: Call) -> str | None:
    """Name of the error that the stranger's call meets on top of the head, None where it meets none."""
    client = ChainClient(by.world.settings().chain)
    try:
        error = client.simulate(by.account, call, GAS, client.head(by.world.now()))
    finally:
        client.close()
    return None if error is None else str(error)


def honest_cycle(by: Adversary) -> CycleResult:
    """One cycle of the honest keeper, whose books agree with the chain's NAV afterwards."""
    with by.world.keeper() as keeper:
        result = keeper.cycle()
    assert result.nav is not None
    assert result.nav.error_bps <= 1.0
    assert not result.guard_mirror_mismatch
    return result


# --- the queue ------------------------------------------------------------------------------------------------------


# HEDGE-042, HEDGE-044, HEDGE-048
def test_queue__exit_exceeds_idle__is_served_by_anyone_as_margin_comes_home(stranger):
    assert stranger.hedge() > 50
    vault, queue, usdc = stranger.world.vault, stranger.contract("RedemptionQueue"), stranger.usdc
    member = stranger.accounts["depositor"]
    shares = stranger.shares(member) * 4 // 5
    worth_usd = number(stranger, vault, "previewRedeem(uint256)", shares) / USDC_UNIT
    idle_usd = stranger.idle_usd()
    assert worth_usd > idle_usd + 10_000
    assert stranger.redeem(shares, member) == 0.0
    assert stranger.attempt(member, vault, "approve(address,uint256)", queue, shares)
    assert stranger.attempt(member, queue, "request(uint256)", shares)
    assert stranger.attempt(stranger.account, queue, "serve()")
    assert number(stranger, queue, "claimableAssets(uint256,address)", 0, member) / USDC_UNIT == pytest.approx(idle_usd)
    assert number(stranger, queue, "totalShares()") > 0
    lacking = number(stranger, vault, "reservedAssets()") - round(stranger.idle_usd() * USDC_UNIT)
    bring = "bringMarginHome(address,uint256)"
    assert not stranger.attempt(stranger.account, vault, bring, stranger.world.venue, lacking * 101 // 100)
    assert stranger.attempt(stranger.account, vault, bring, stranger.world.venue, lacking * 999 // 1_000)
    assert stranger.attempt(stranger.account, queue, "serve()")
    assert stranger.attempt(member, queue, "claim(uint256,address)", 0, member)
    assert not stranger.attempt(member, queue, "claim(uint256,address)", 0, member)
    assert stranger.balance_usd(member) == pytest.approx(worth_usd, rel=2e-3)
    assert number(stranger, usdc, "balanceOf(address)", queue) <= 1
    assert number(stranger, queue, "totalShares()") < shares // 1_000
    honest_cycle(stranger)


def test_keeper__queue_waits_for_idle__moves_none_of_it_to_the_venue(stranger):
    vault, queue = stranger.world.vault, stranger.contract("RedemptionQueue")
    member = stranger.accounts["depositor"]
    shares = stranger.shares(member) // 2
    assert stranger.attempt(member, vault, "approve(address,uint256)", queue, shares)
    assert stranger.attempt(member, queue, "request(uint256)", shares)
    result = honest_cycle(stranger)
    assert result.outcome is Outcome.EXECUTED
    assert round(stranger.idle_usd() * USDC_UNIT) >= number(stranger, vault, "reservedAssets()")
    assert stranger.attempt(stranger.account, queue, "serve()")
    assert number(stranger, queue, "totalShares()") == 0


# --- signed rebalances ------------------------------------------------------------------------------------------------


def decided(by: Adversary) -> Intent:
    """What the honest keeper would do now; a block later, so that the chain knows the hash of the block it names."""
    with Planner.open(by.world.settings(), by.world.book()) as planner:
        view = planner.look(planner.head(by.world.now))
        intent = planner.intent(view)
    by.pass_time(1)
    return intent


def signed_call(by: Adversary, intent: Intent, signer: Signer, keeper: Address | None = None) -> Call:
    relay = by.contract("IntentRelay")
    return relay_call(intent, keeper or signer.address, relay, signer.sign_rebalance(intent, relay))


# HEDGE-522
def test_digest_of__intent__is_the_relays_own(stranger):
    relay, keeper = stranger.contract("IntentRelay"), stranger.accounts["keeper"]
    intent = stranger.one_leg(-MARGIN, SIZE)
    for legs in (intent.legs, (*intent.legs, replace(intent.legs[0], limit_price=Wad(3))), ()):
        changed = replace(intent, legs=legs)
        digest_call = load_abi("IntentRelay").function("digestOf").at(relay, keeper, *bound_intent(changed))
        answer = stranger.world.rpc("eth_call", {"to": digest_call.to, "data": digest_call.data}, "latest")
        assert typed_rebalance(changed, keeper, CHAIN_ID, relay).digest == digest_call.function.decode(answer)[0]


# HEDGE-521, HEDGE-523
def test_relay__keeper_signed__a_stranger_hedges_the_book_once(stranger):
    intent = decided(stranger)
    call = signed_call(stranger, intent, load_signer({}, CHAIN_ID))
    assert stranger.send(stranger.account, call)
    assert stranger.world.size() == sum(leg.size_delta for leg in intent.legs) > SIZE
    assert not stranger.send(stranger.account, call)
    stranger.pass_time(1)
    assert "IntentOutdated" in (refusal(stranger, call) or "")
    (event,) = stranger.world.events("Rebalanced")
    assert event["keeper"] == stranger.accounts["keeper"]
    assert honest_cycle(stranger).outcome is Outcome.HELD


# HEDGE-522
def test_relay__not_what_a_keeper_signed__is_refused(stranger):
    intent, keeper = decided(stranger), load_signer({}, CHAIN_ID)
    relay, (leg, *_) = stranger.contract("IntentRelay"), intent.legs
    signature = keeper.sign_rebalance(intent, relay)
    tampered = (
        replace(intent, legs=(replace(leg, size_delta=Wad(leg.size_delta - 1)),)),
        replace(intent, legs=(replace(leg, margin_delta=AssetUnits(leg.margin_delta + 1)),)),
        replace(intent, legs=(replace(leg, limit_price=Wad(leg.limit_price + 1)),)),
        replace(intent, intent_id=IntentId("0x" + "77" * 32)),
        replace(intent, deadline=intent.deadline + 1),
    )
    for changed in tampered:
        assert "InvalidSignature" in (refusal(stranger, relay_call(changed, keeper.address, relay, signature)) or "")
    thief = Signer(LocalKey(b"\x33" * 32, "thief"), CHAIN_ID)
    assert "InvalidSignature" in (refusal(stranger, signed_call(stranger, intent, thief, keeper.address)) or "")
    assert "NotKeeper" in (refusal(stranger, signed_call(stranger, intent, thief)) or "")
    assert refusal(stranger, relay_call(intent, keeper.address, relay, signature)) is None
    assert stranger.world.size() == 0


# --- rescues ----------------------------------------------------------------------------------------------------------


def rescue_call(by: Adversary, margin: int, size_delta: int) -> Call:
    intent = by.one_leg(margin, size_delta)
    by.pass_time(1)
    return load_abi("RescueDesk").function("rescue").at(by.contract("RescueDesk"), *bound_intent(intent))


def ether(by: Adversary, account: Address) -> int:
    return int(by.world.rpc("eth_getBalance", account, "latest"), 16)


def rescued(by: Adversary, call: Call) -> tuple[int, int]:
    """Send a rescue; returns what the tank paid and what the gas burnt, wei."""
    tank = ether(by, by.contract("RescueDesk"))
    (mined,) = by.chain.mine([Transaction("rescue", by.account, call.to, call.data, GAS)])
    return tank - ether(by, by.contract("RescueDesk")), mined.gas_used * by.chain.head().base_fee_wei


# HEDGE-541, HEDGE-543
def test_rescue__keeper_silent_and_w_urgent__stranger_is_paid_less_than_he_burnt(stranger, settings):
    call = rescue_call(stranger, MARGIN, SIZE)
    assert "KeepersNotSilent" in (refusal(stranger, call) or "")
    assert not stranger.send(stranger.account, call)
    stranger.world.step(START_PRICE_USD, settings.rescue.silence_seconds)
    paid, burnt = rescued(stranger, rescue_call(stranger, MARGIN, SIZE))
    assert stranger.world.size() == SIZE
    assert burnt // 2 < paid < burnt
    guard, budget = stranger.contract("RebalanceGuard"), "((uint256,uint256,uint256,uint256))"
    for account, is_charged in ((stranger.contract("RescueDesk"), True), (stranger.accounts["keeper"], False)):
        ((turnover_used, *_),) = stranger.chain.call(guard, "keeperBudget(address)", account, returns=budget)
        assert (turnover_used > 0) == is_charged
    stranger.world.step(START_PRICE_USD)
    assert "NotUrgent" in (refusal(stranger, rescue_call(stranger, 0, WAD)) or "")
    assert honest_cycle(stranger).outcome in (Outcome.EXECUTED, Outcome.HELD)


# HEDGE-541
def test_rescue__keeper_has_traded__waits_for_its_silence(stranger, settings):
    assert stranger.hedge() > 50
    stranger.world.step(START_PRICE_USD * 1.12, settings.rescue.silence_seconds // 2)
    assert stranger.net_delta() < -float(settings.bounds.urgent_delta_underlying)
    assert "KeepersNotSilent" in (refusal(stranger, rescue_call(stranger, 0, 10 * WAD)) or "")
    stranger.world.step(START_PRICE_USD * 1.12, settings.rescue.silence_seconds // 2)
    paid, burnt = rescued(stranger, rescue_call(stranger, 0, 10 * WAD))
    assert burnt // 2 < paid < burnt
