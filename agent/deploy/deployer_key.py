"""The deployer's key: from the environment, and of the account that the plan names."""

from __future__ import annotations

from collections.abc import Mapping

from eth_account import Account

from agent.deploy.state import ChainState
from agent.errors import AgentError, DataError
from agent.units import Address

DEPLOYER_KEY_VARIABLE = "EVENKEEL_DEPLOYER_KEY"
"""Private key of the deployer; the node signs where it holds the account itself."""


def deployer_key(environment: Mapping[str, str], deployer: Address, state: ChainState) -> str | None:
    """Return the key, None where the node holds the account.

    Raises
    ------
    DataError
        No key, the key of another account, or nothing that is one.

    """
    key = environment.get(DEPLOYER_KEY_VARIABLE)
    if key is None:
        if not _holds(state, deployer):
            raise DataError(
                f"the node does not hold the deployer {deployer}; put its private key into {DEPLOYER_KEY_VARIABLE}"
            )
        return None
    try:
        address = Account.from_key(key).address
    except (ValueError, TypeError):
        raise DataError(f"{DEPLOYER_KEY_VARIABLE} is no private key; write 32 bytes as hexadecimal") from None
    if address != deployer:
        raise DataError(
            f"{DEPLOYER_KEY_VARIABLE} is the key of {address}, but the deployer is {deployer}; use the other key, or "
            "correct [deploy] deployer"
        )
    return key


def _holds(state: ChainState, account: Address) -> bool:
    """Return whether the node signs for an account; public servers do not even tell for whom they do."""
    try:
        held = state.client.request("eth_accounts")
    except AgentError:
        return False
    return isinstance(held, list) and account.lower() in {str(one).lower() for one in held}
