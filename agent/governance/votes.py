"""Votes of a Governor's token: they count for nobody until their holder says whose they shall be."""

from __future__ import annotations

from agent.chain.abi import Call, Function, load_abi
from agent.errors import DataError
from agent.governance.calls import GovernedCall
from agent.governance.decoding import VAULT_GOVERNOR, AddressBook
from agent.governance.desk import GovernanceDesk
from agent.governance.governors import Step
from agent.units import Address

VOTES_TOKEN = "GovernanceToken"  # noqa: S105  (a contract of ours; other tokens answer the same functions)


def votes_token(desk: GovernanceDesk) -> Address:
    """Return the token whose votes govern: the manifest's, or the one that the Governor names.

    Raises
    ------
    DataError
        The governor decides by no votes, or no node is there to ask it.

    """
    if VOTES_TOKEN in desk.deployment.contracts:
        return desk.deployment.contract(VOTES_TOKEN)
    token: Function = load_abi(VAULT_GOVERNOR).function("token")
    node, governor = desk.online(), desk.governor.address
    (answer,) = node.client.read_or_none([Call(governor, token.encode(), token)], node.head)
    if answer is None:
        raise DataError(f"governor {governor} names no token of votes; name a Governor with --governor")
    return Address(answer[0])


def delegate_step(token: Address, account: Address) -> Step:
    """Return what makes the sender's votes count as those of an account."""
    data = load_abi(VOTES_TOKEN).function("delegate").encode(account)
    return Step("delegate", "a holder of the token", GovernedCall(token, bytes.fromhex(data[2:])))


def book_of_votes(desk: GovernanceDesk, token: Address) -> AddressBook:
    """Return the names of the vault's addresses with the token's own."""
    return AddressBook(desk.deployment, {desk.governor.address: VAULT_GOVERNOR, token: VOTES_TOKEN})
