"""Who holds each role, and each vote, once the vault is handed over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agent.deploy.blueprint import Blueprint
from agent.deploy.state import ChainState
from agent.governance.governors import GovernorKind, detect_governor
from agent.report.formatting import duration
from agent.units import Address

_ONE_KEY = "account: one key"
_DELEGATION = bytes.fromhex("ef0100")
"""How the code of an account begins whose key lets it act through a contract (EIP-7702)."""


@dataclass(frozen=True, slots=True)
class Holder:
    """One holder; ``what`` is a contract of the plan, what another says it is, an account, or a part of the votes."""

    role: str
    account: Address
    what: str


def holders(blueprint: Blueprint, state: ChainState) -> Iterator[Holder]:
    """Yield the holders of every role that the hand-over names, then the members, then the first holders of votes."""
    hand_over, inputs, dao = blueprint.hand_over, blueprint.inputs, blueprint.network.dao
    named = [("governor", hand_over.governor), ("guardian", hand_over.guardian)]
    named += [("keeper", account) for account in hand_over.keepers]
    named += [("relay", account) for account in hand_over.relays]
    named += [("member", Address(account)) for account in inputs.members]
    if blueprint.network.fees is not None and inputs.fee_recipient is not None:
        named.append(("fee recipient", Address(inputs.fee_recipient)))
    planned = {one.address: key for key, one in blueprint.creations.items()}
    for role, account in named:
        yield Holder(role, account, planned.get(account) or _kind(account, blueprint, state))
    if dao is not None and dao.new_token is not None:
        supply = dao.new_token.supply_votes
        for one in dao.new_token.holders:
            part_bps = one.votes * 10_000 // supply
            yield Holder("votes", Address(one.account), f"{one.votes:,}, {part_bps / 100:.2f} % of all")


def _kind(account: Address, blueprint: Blueprint, state: ChainState) -> str:
    """Say what an address is, by its code and by what it answers."""
    code = state.code(account)
    if not code:
        return _ONE_KEY
    if code.startswith(_DELEGATION):
        return f"{_ONE_KEY}, which acts through a contract"
    block = state.client.block(state.head().number)
    found = detect_governor(state.client, blueprint.address("VaultAccess"), account, block)
    return {
        GovernorKind.VOTES: "VaultGovernor: acts by votes",
        GovernorKind.GOVERNOR: "Governor: acts by votes",
        GovernorKind.TIMELOCK: f"timelock: waits {duration(found.own_delay)}",
        GovernorKind.SAFE: f"Safe: {found.signatures} must sign",
        GovernorKind.ACCOUNT: "contract of no known kind",
    }[found.kind]
