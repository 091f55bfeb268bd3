"""The underlying that a book says is held, put there; only a local chain can do that."""

from __future__ import annotations

from typing import Any

import brownie

from agent.domain import Book
from scripts.book import holdings_of

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


def wrap_holdings(token_holdings: Any, book: Book) -> None:
    """Wrap as much of the holder's local ether as the book says it holds; only a local chain deploys books this way."""
    holder = token_holdings.holder()
    wrapped_ether = brownie.web3.eth.contract(token_holdings.token(), abi=WRAP_ABI)
    missing = holdings_of(book) - wrapped_ether.functions.balanceOf(holder).call()
    if missing > 0:
        transaction = wrapped_ether.functions.deposit().transact({"from": holder, "value": missing})
        brownie.web3.eth.wait_for_transaction_receipt(transaction)
