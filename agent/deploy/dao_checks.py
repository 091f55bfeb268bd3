"""What a DAO's token must be before the first transaction, and what its Governor must be after the last."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from eth_utils.crypto import keccak

from agent.chain.abi import Function, load_abi
from agent.deploy.blueprint import Blueprint
from agent.deploy.comparison import Check, same
from agent.deploy.dao import TOKEN_DECIMALS, DaoSection, threshold_fault
from agent.deploy.state import ChainState
from agent.deploy.views import BALANCE_OF, DECIMALS, view
from agent.errors import DataError
from agent.units import Address

TOKEN, GOVERNOR = "GovernanceToken", "VaultGovernor"
_SECONDS_MODE, _BLOCKS_MODE = "mode=timestamp", "mode=blocknumber"
_OWNERS = tuple(view(name, "", ("address",)) for name in ("owner", "minter", "admin"))
_HAS_ROLE = view("hasRole", "bytes32,address", ("bool",))
_ROLES = (b"\0" * 32, keccak(text="MINTER_ROLE"))
"""Who may appoint, and who may mint, by OpenZeppelin's `AccessControl`."""


def token_faults(blueprint: Blueprint, state: ChainState) -> Iterator[str]:
    """Yield a line for everything that an existing token of votes is not; `DataError` where it is none at all."""
    dao = blueprint.network.dao
    if dao is None or dao.new_token is not None:
        return
    token, where = Address(dao.token), f"[dao] token {dao.token}"
    decimals = state.ask(DECIMALS, token)
    if decimals != dao.token_decimals:
        yield f"{where} has {decimals} decimals, not [dao] token_decimals {dao.token_decimals}; check the address"
        return
    yield from _clock_faults(dao, state, where)
    supply = _counted_supply(state, token, where)
    if supply == 0:
        yield f"{where} has no supply, so nobody could vote; name another, or wait a block after its first issue"
    elif fault := threshold_fault(dao, Decimal(supply) / 10**decimals):
        yield fault
    deployer = Address(blueprint.inputs.deployer)
    if powers := [*_powers_of(deployer, token, state)]:
        yield f"the deployer {deployer} {' and '.join(powers)} {where}, and must end without power; deploy from another"


def settings(blueprint: Blueprint, state: ChainState) -> Iterator[Check]:
    """Compare a DAO's Governor and token with the plan, and show that the deployer has no hand in either."""
    dao, token = blueprint.network.dao, token_of(blueprint)
    if dao is None or token is None:
        return
    planned = {
        "name": dao.name,
        "token": token,
        "votingDelay": dao.voting_delay,
        "votingPeriod": dao.voting_period,
        "proposalThreshold": dao.proposal_threshold,
        "quorumNumerator": dao.quorum_percent,
        "quorumDenominator": 100,
    }
    for getter, number in planned.items():
        yield same(state, GOVERNOR, getter, number, blueprint)
    if dao.new_token is not None:
        supply = dao.new_token.supply_votes * 10**TOKEN_DECIMALS
        yield same(state, TOKEN, "name", dao.new_token.name, blueprint)
        yield same(state, TOKEN, "symbol", dao.new_token.symbol, blueprint)
        yield same(state, TOKEN, "totalSupply", supply, blueprint)
    powers = [*_powers_of(Address(blueprint.inputs.deployer), token, state)]
    yield Check("power of the deployer over the votes", not powers, ", ".join(powers) or "none: no vote, no role")


def token_of(blueprint: Blueprint) -> Address | None:
    """Return the token whose votes govern; None without a DAO."""
    dao = blueprint.network.dao
    if dao is None:
        return None
    return Address(dao.token) if dao.new_token is None else blueprint.address(TOKEN)


def _clock_faults(dao: DaoSection, state: ChainState, where: str) -> Iterator[str]:
    mode = str(_ask_votes(state, Address(dao.token), where, "CLOCK_MODE"))
    if not mode.startswith((_SECONDS_MODE, _BLOCKS_MODE)):
        yield f"{where} counts time as {mode!r:.80}, neither seconds nor blocks; name another"
    elif mode.startswith(_SECONDS_MODE) != dao.counts_seconds:
        unit = "seconds" if mode.startswith(_SECONDS_MODE) else "blocks"
        yield f"{where} counts {unit} ({mode:.80}); write voting_delay_{unit} and voting_period_{unit}"


def _counted_supply(state: ChainState, token: Address, where: str) -> int:
    """Return the supply at the last moment that a snapshot could be of; a token without votes does not answer."""
    moment = int(_ask_votes(state, token, where, "clock"))
    _ask_votes(state, token, where, "getVotes", token)
    return int(_ask_votes(state, token, where, "getPastTotalSupply", moment - 1))


def _ask_votes(state: ChainState, token: Address, where: str, name: str, *arguments: object) -> Any:
    try:
        return state.ask(load_abi(TOKEN).function(name), token, *arguments)
    except DataError:
        raise DataError(f"{where} does not answer {name}, so it is no ERC20Votes; check the address") from None


def _powers_of(account: Address, token: Address, state: ChainState) -> Iterator[str]:
    """Yield what an account can do with a token, as far as the usual views tell."""
    votes = state.ask(load_abi(TOKEN).function("getVotes"), token, account)
    if votes or state.ask(BALANCE_OF, token, account):
        yield "has votes of"
    for getter in _OWNERS:
        if _answer(state, getter, token) == account:
            yield f"is {getter.name} of"
    if any(_answer(state, _HAS_ROLE, token, role, account) for role in _ROLES):
        yield "has a role of"


def _answer(state: ChainState, getter: Function, token: Address, *arguments: object) -> object:
    try:
        return state.ask(getter, token, *arguments)
    except DataError:
        return None
