"""Whether what stands on the chain is what was planned: code, wiring, parameters, roles, delays, powers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple

from eth_utils.crypto import keccak

from agent.chain.abi import load_abi
from agent.deploy.artifact import load_artifact
from agent.deploy.blueprint import SOURCES_OF_DELTA, Blueprint
from agent.deploy.comparison import Check, same
from agent.deploy.dao_checks import settings
from agent.deploy.execution import remaining
from agent.deploy.powers import calls, matrix
from agent.deploy.state import ChainState
from agent.deploy.steps import ZERO_ADDRESS, AddLegs, Create
from agent.errors import DataError
from agent.localnet.codec import create2_address
from agent.localnet.deployer import CREATE2_FACTORY
from agent.units import Address

_PUSH32 = 0x7F
_WORD = 32


def verify(blueprint: Blueprint, state: ChainState, first_block: int) -> list[Check]:
    """Compare all with the plan; one check a line, those that differ included."""
    checks = [*_code(blueprint, state)]
    if not all(check.is_as_planned for check in checks):
        return checks
    for part in (_wiring, _parameters, settings, _steps):
        checks += part(blueprint, state)
    checks += _roles(blueprint, state, first_block)
    return [*checks, *_powers(blueprint, state)]


def _code(blueprint: Blueprint, state: ChainState) -> Iterator[Check]:
    for key, creation in blueprint.creations.items():
        salt = int.from_bytes(creation.salt, "big")
        address = create2_address(CREATE2_FACTORY, salt, keccak(creation.init_code))
        code = state.code(address)
        expected = load_artifact(creation.contract).runtime_code
        found = "no code" if not code else f"{len(code)} bytes, code hash 0x{keccak(code).hex()}"
        yield Check(f"code of {key} at {address}", is_same_code(code, expected), found)


def is_same_code(code: bytes, compiled: bytes) -> bool:
    """Return whether code is the compiled one byte by byte, but for immutables: pushed words compiled as 0."""
    if len(code) != len(compiled) or not code:
        return False
    position = 0
    while position < len(compiled):
        is_immutable = compiled[position] == _PUSH32 and not any(compiled[position + 1 : position + 1 + _WORD])
        if compiled[position] != code[position]:
            return False
        position += 1 + _WORD if is_immutable else 1
    return True


def _wiring(blueprint: Blueprint, state: ChainState) -> Iterator[Check]:
    inputs, network, at = blueprint.inputs, blueprint.network, blueprint.address
    vault = at("HedgeVault")
    yield same(state, "HedgeVault", "asset", inputs.asset, blueprint)
    yield same(state, "HedgeVault", "name", network.vault.name, blueprint)
    yield same(state, "HedgeVault", "symbol", network.vault.symbol, blueprint)
    for getter, key in (
        ("oracle", "PriceOracle"),
        ("deltaBook", "DeltaBook"),
        ("guard", "RebalanceGuard"),
        ("gate", "MemberGate"),
        ("registry", "VenueRegistry"),
        ("redemptionQueue", "RedemptionQueue"),
    ):
        yield same(state, "HedgeVault", getter, at(key), blueprint)
    share_fees = at("ShareFees") if network.fees is not None else ZERO_ADDRESS
    yield same(state, "HedgeVault", "shareFees", share_fees, blueprint)
    for key in ("RebalanceGuard", "VenueRegistry", "RedemptionQueue", "IntentRelay", "RescueDesk"):
        yield same(state, key, "vault", vault, blueprint)
    for key in blueprint.venues.values():
        yield same(state, key, "vault", vault, blueprint)
        yield same(state, key, "collateral", inputs.asset, blueprint)
    yield same(state, "TokenHoldings", "token", inputs.underlying_token, blueprint)
    yield same(state, "TokenHoldings", "holder", inputs.underlying_holder, blueprint)
    yield same(state, "ChainlinkSource", "aggregator", inputs.price_feed, blueprint)
    yield same(state, "DeltaBook", "sources", tuple(at(name) for name in SOURCES_OF_DELTA), blueprint)
    yield same(state, "VenueRegistry", "venues", tuple(at(key) for key in blueprint.venues.values()), blueprint)
    for key, creation in blueprint.creations.items():
        names = {entry.get("name") for entry in load_artifact(creation.contract).abi}
        for getter in ("authority", "access"):
            if getter in names and key != "VaultAccess":
                yield same(state, key, getter, at("VaultAccess"), blueprint)


def _parameters(blueprint: Blueprint, state: ChainState) -> Iterator[Check]:
    network, at = blueprint.network, blueprint.address
    sources = blueprint.creations["PriceOracle"].arguments[1]
    yield same(state, "PriceOracle", "sources", tuple(one.lower() for one in sources), blueprint)
    yield same(state, "PriceOracle", "priceLimits", network.oracle.to_price_limits(), blueprint)
    yield same(state, "RebalanceGuard", "bounds", astuple(network.bounds.to_bounds()), blueprint)
    yield same(state, "RedemptionQueue", "maxWidthBps", network.queue.max_width_bps, blueprint)
    yield same(state, "IntentRelay", "priceUpdater", ZERO_ADDRESS, blueprint)
    yield same(state, "RescueDesk", "terms", network.rescue.to_terms(), blueprint)
    yield same(state, "HedgeVault", "shareLock", 0, blueprint)
    yield same(state, "OptionBook", "settlementWindow", network.deploy.settlement_window_seconds, blueprint)
    for member in blueprint.inputs.members:
        is_member = state.read("MemberGate", at("MemberGate"), "isMember", member)
        yield Check(f"MemberGate.isMember({member})", is_member, str(is_member))
    if network.fees is not None:
        *terms, _, recipient = state.read("ShareFees", at("ShareFees"), "terms")
        wanted = (network.fees.management_bps_per_year, network.fees.performance_bps)
        is_paid = recipient.lower() == str(blueprint.inputs.fee_recipient).lower()
        yield Check("ShareFees.terms", tuple(terms) == wanted and is_paid, f"{tuple(terms)} to {recipient}")


def _steps(blueprint: Blueprint, state: ChainState) -> Iterator[Check]:
    """Say which steps are not done; the book's legs and the tank change in use and are no part of it afterwards."""
    for step, wanted in remaining(blueprint, state):
        if not isinstance(step, Create | AddLegs) and "tank" not in step.title:
            yield Check(f"step {step.title}", wanted is None, "done" if wanted is None else "not done")


def _roles(blueprint: Blueprint, state: ChainState, first_block: int) -> Iterator[Check]:
    hand_over, access = blueprint.hand_over, blueprint.address("VaultAccess")
    planned = {
        "ADMIN_ROLE": {hand_over.governor},
        "GUARDIAN_ROLE": {hand_over.guardian},
        "KEEPER_ROLE": set(hand_over.keepers),
        "RELAY_ROLE": set(hand_over.relays),
    }
    named = _ever_granted(blueprint, state, first_block)
    for role_name, expected in planned.items():
        role = state.read("VaultAccess", access, role_name)
        asked = named | set().union(*planned.values()) | {Address(blueprint.inputs.deployer)}
        holders = {one for one in asked if state.read("VaultAccess", access, "hasRole", role, one)[0]}
        yield Check(f"holders of {role_name}", holders == expected, ", ".join(sorted(holders)) or "nobody")
    try:
        delay = state.read("VaultAccess", access, "delayOf", hand_over.governor)
    except DataError as refusal:
        yield Check("delay of the governor", False, str(refusal))
        return
    yield Check("delay of the governor", delay == hand_over.delay_seconds, f"{delay} s")


def _ever_granted(blueprint: Blueprint, state: ChainState, first_block: int) -> set[Address]:
    """Return every account that any role was ever granted to, by VaultAccess's own events."""
    event = load_abi("VaultAccess").event("RoleGranted")
    logs = state.logs(blueprint.address("VaultAccess"), event.topic, first_block, state.head().number)
    return {Address(event.decode(log)["account"]) for log in logs}


def _powers(blueprint: Blueprint, state: ChainState) -> Iterator[Check]:
    hand_over, count = blueprint.hand_over, sum(1 for _ in calls(blueprint))
    accounts = {
        "deployer": Address(blueprint.inputs.deployer),
        "governor": hand_over.governor,
        "guardian": hand_over.guardian,
        "keeper": hand_over.keepers[0],
        "relay": hand_over.relays[0],
    }
    found = matrix(blueprint, state, accounts)
    mine = ", ".join(f"{power.contract}.{power.function}" for power in found.pop("deployer"))
    yield Check(f"power of the deployer over {count} functions", not mine, mine or "none: as any stranger")
    for name, powers in found.items():
        yield Check(f"power of the {name} over {count} functions", bool(powers), f"over {len(powers)}")
