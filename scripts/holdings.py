"""The underlying that a book says is held, put there; only a node that holds the holder's account can do that."""

from __future__ import annotations

import brownie

from agent.chain.deployment_inputs import DeploymentInputs
from agent.deploy.book_legs import holdings_of
from agent.domain import Book

WRAP_ABI = [
    {"type": "function", "name": "deposit", "inputs": [], "outputs": [], "stateMutability": "payable"},
    {
        "type": "function",
        "name": "balanceOf",
        "inputs": [{"name": "", "type": "address"}],
        "outputs": [{"name": "", "type": "uint256"}],
        "stateMutability": "view",
    },
]


def wrap_holdings(inputs: DeploymentInputs, book: Book) -> None:
    """Wrap as much of the holder's local ether as the book says it holds; only a local chain deploys books this way."""
    wrapped_ether = brownie.web3.eth.contract(inputs.underlying_token, abi=WRAP_ABI)
    missing = holdings_of(book) - wrapped_ether.functions.balanceOf(inputs.underlying_holder).call()
    if missing > 0 and inputs.underlying_holder in brownie.web3.eth.accounts:
        transaction = wrapped_ether.functions.deposit().transact({"from": inputs.underlying_holder, "value": missing})
        brownie.web3.eth.wait_for_transaction_receipt(transaction)
