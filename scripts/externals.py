"""What a deployment stands on but does not deploy: collateral, price feed, venue, role holders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import brownie

from agent.domain import Book
from agent.errors import DataError
from agent.localnet.manifest import LocalnetManifest
from agent.settings import Settings
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


@dataclass(frozen=True)
class Externals:
    """Addresses on the network, all checksummed."""

    rpc_url: str
    asset: str
    price_feed: str
    curie_clearing_house: str
    curie_base_token: str
    underlying_token: str
    underlying_holder: str
    governor: str
    guardian: str
    keeper: str


def externals_of(settings: Settings, state_directory: Path) -> Externals:
    """Return the addresses of a network.

    Raises
    ------
    DataError
        The network is not the local chain, or the local chain does not run.
    """
    if settings.network != "localnet":
        raise DataError(f"network {settings.network} cannot be deployed to yet; use --network localnet")
    manifest = LocalnetManifest.read(state_directory)
    if manifest is None:
        raise DataError(f"no local chain runs in {state_directory}; start one with 'evenkeel localnet up'")
    return Externals(
        rpc_url=manifest.rpc_url,
        asset=manifest.usdc,
        price_feed=manifest.chainlink_aggregator,
        curie_clearing_house=manifest.curie.clearing_house,
        curie_base_token=manifest.curie.base_token,
        underlying_token=manifest.weth,
        underlying_holder=manifest.accounts["depositor"],
        governor=manifest.accounts["deployer"],
        guardian=manifest.accounts["guardian"],
        keeper=manifest.accounts["keeper"],
    )


def wrap_holdings(token_holdings: Any, book: Book) -> None:
    """Wrap as much of the holder's local ether as the book says it holds; only a local chain deploys books this way."""
    holder = token_holdings.holder()
    wrapped_ether = brownie.web3.eth.contract(token_holdings.token(), abi=WRAP_ABI)
    missing = holdings_of(book) - wrapped_ether.functions.balanceOf(holder).call()
    if missing > 0:
        transaction = wrapped_ether.functions.deposit().transact({"from": holder, "value": missing})
        brownie.web3.eth.wait_for_transaction_receipt(transaction)
