"""Whether a token takes a part of what is sent, tried on top of the head with a balance that nobody has."""

from __future__ import annotations

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agent.deploy.simulation import Outcome, simulate
from agent.deploy.state import ChainState
from agent.deploy.steps import Transaction
from agent.localnet.codec import encode_call
from agent.units import Address

_SENDER = Address("0x00000000000000000000000000000000005E4dE4")
_RECEIVER = Address("0x0000000000000000000000000000000000eCe1fE")
_SLOTS = 64
"""Storage slots tried for the mapping of balances."""
_NAMESPACED_SLOT = 0x52C63247E1F47DB19D5CE0460030C497F067CA4CEBF71BA98EEADABE20BACE00
"""Balances of OpenZeppelin's upgradeable ERC-20 (ERC-7201, ``openzeppelin.storage.ERC20``)."""


def transfer_fee(state: ChainState, token: Address, sent: int) -> int | None:
    """Return what is missing of ``sent`` when it arrives; None where it cannot be tried.

    Then the vault's own check, which refuses a deposit of which less arrives, is the one that stands.
    """
    for slot in (*range(_SLOTS), _NAMESPACED_SLOT):
        key = "0x" + keccak(encode(["address", "uint256"], [_SENDER, slot])).hex()
        filled: dict[str, dict[str, object]] = {token: {"stateDiff": {key: "0x" + sent.to_bytes(32, "big").hex()}}}
        outcomes = simulate(
            state,
            _SENDER,
            [
                Transaction(token, encode_call("balanceOf(address)", _SENDER)),
                Transaction(token, encode_call("transfer(address,uint256)", _RECEIVER, sent)),
                Transaction(token, encode_call("balanceOf(address)", _RECEIVER)),
            ],
            filled,
        )
        if outcomes is None:
            return None
        holds, moved, arrived = outcomes
        if _told(holds) == sent and moved.succeeded and (came := _told(arrived)) is not None:
            return sent - came
    return None


def _told(outcome: Outcome) -> int | None:
    """Return the balance that a call answers with, None where it answers with none."""
    return int(outcome.output, 16) if outcome.succeeded and len(outcome.output) > len("0x") else None
