"""Deploy one vault and everything it stands on, and put a book on the chain.

    python -m scripts.deploy --network localnet [--book FILE] [--state-directory DIR]

Values come from ``config/<network>.toml``. Running it again deploys only what is missing. The manifest
``deployments/<chain_id>.json`` appears when everything stands.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import astuple
from pathlib import Path
from typing import Any

import brownie

from agent.errors import AgentError, DataError
from agent.files.book_file import load_book
from agent.localnet.manifest import DEFAULT_STATE_DIRECTORY
from agent.settings import Settings, config_path, load_settings
from scripts.book import register_book
from scripts.externals import Externals, externals_of, wrap_holdings
from scripts.project import connected, load_project, quiet_unless_failing
from scripts.record import DeploymentRecord

ZERO_ADDRESS = "0x" + "00" * 20


def main() -> int:
    """Run the command line; bad input is one line and exit status 2."""
    arguments = _arguments()
    try:
        settings = load_settings(config_path(arguments.network))
        externals = externals_of(settings, arguments.state_directory)
        with quiet_unless_failing():
            project = load_project()
            with connected(settings.network, externals.rpc_url):
                manifest = deploy(project, settings, externals, arguments.book)
    except AgentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(manifest) + "\n")
    return 0


def deploy(project: Any, settings: Settings, externals: Externals, book_path: Path | None) -> dict[str, Any]:
    """Deploy what is missing, wire it, register the book, write and return the manifest."""
    _require_chain(settings)
    book = load_book(book_path, brownie.chain[-1].timestamp) if book_path is not None else None
    governor = brownie.accounts.at(externals.governor, force=True)
    record = DeploymentRecord(project, governor, settings.chain.manifest_file)
    block = brownie.chain.height
    contracts = _deploy_contracts(record, settings, externals)
    _wire(contracts, governor)
    if book is not None:
        wrap_holdings(contracts["TokenHoldings"], book)
        register_book(contracts["OptionBook"], contracts["TokenHoldings"], book, governor)
    manifest = _manifest(settings, externals, contracts, block)
    record.finish(manifest)
    return manifest


def _deploy_contracts(record: DeploymentRecord, settings: Settings, externals: Externals) -> dict[str, Any]:
    contracts: dict[str, Any] = {}

    def ensure(name: str, *constructor: object) -> Any:
        contracts[name] = record.ensure(name, *constructor)
        return contracts[name]

    admin = ensure("VaultAdmin", externals.governor, externals.guardian, externals.keeper)
    source = ensure("ChainlinkSource", externals.price_feed)
    limits = settings.oracle
    oracle = ensure("PriceOracle", admin, source, limits.max_age_seconds, limits.min_price, limits.max_price)
    ensure("OptionBook", admin)
    ensure("TokenHoldings", externals.underlying_token, externals.underlying_holder)
    book = ensure("DeltaBook", admin)
    guard = ensure("RebalanceGuard", admin, astuple(settings.bounds.to_bounds()))
    token = settings.vault
    vault = ensure("HedgeVault", externals.asset, token.name, token.symbol, admin, oracle, book, guard)
    ensure("CurieVenue", vault, externals.curie_clearing_house, externals.curie_base_token)
    return contracts


def _wire(contracts: dict[str, Any], governor: Any) -> None:
    """Connect what is not connected yet."""
    vault, guard, book = contracts["HedgeVault"], contracts["RebalanceGuard"], contracts["DeltaBook"]
    known_sources = book.sources()
    for name in ("OptionBook", "TokenHoldings"):
        if contracts[name].address not in known_sources:
            book.addSource(contracts[name], {"from": governor})
    if guard.vault() == ZERO_ADDRESS:
        guard.bindVault(vault, {"from": governor})
    if contracts["CurieVenue"].address not in vault.venues():
        vault.addVenue(contracts["CurieVenue"], {"from": governor})


def _manifest(settings: Settings, externals: Externals, contracts: dict[str, Any], block: int) -> dict[str, Any]:
    asset = brownie.web3.eth.contract(externals.asset, abi=contracts["HedgeVault"].abi)
    return {
        "chain_id": settings.chain.chain_id,
        "network": settings.network,
        "block": block,
        "asset": {
            "address": externals.asset,
            "decimals": asset.functions.decimals().call(),
            "symbol": asset.functions.symbol().call(),
        },
        "contracts": {name: contract.address for name, contract in contracts.items() if name != "CurieVenue"},
        "venues": [{"name": "curie", "kind": "curie", "address": contracts["CurieVenue"].address}],
        "roles": {
            "governor": externals.governor,
            "guardian": externals.guardian,
            "keeper": externals.keeper,
        },
    }


def _require_chain(settings: Settings) -> None:
    actual = brownie.web3.eth.chain_id
    if actual != settings.chain.chain_id:
        raise DataError(
            f"config/{settings.network}.toml: [chain] chain_id is {settings.chain.chain_id}, but the node answers for "
            f"chain {actual}; correct the key or connect to the right node"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.deploy", description=__doc__.splitlines()[0])
    parser.add_argument("--network", required=True, help="name of a file in config/, without .toml")
    parser.add_argument("--book", type=Path, help="book whose options are registered on the chain (.toml or .csv)")
    parser.add_argument(
        "--state-directory", type=Path, default=DEFAULT_STATE_DIRECTORY, help="where the local chain keeps its manifest"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
