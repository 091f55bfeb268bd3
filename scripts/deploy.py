"""Deploy one vault and everything it stands on, and put a book on the chain.

    python -m scripts.deploy --network localnet --inputs FILE [--book FILE]

Values come from ``config/<network>.toml``, the addresses that the deployment stands on from the file of inputs.
Running it again deploys only what is missing. The manifest ``deployments/<chain_id>.json`` appears when all stands.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import astuple
from pathlib import Path
from typing import Any, TypeAlias

import brownie

from agent.chain.deployment_inputs import DeploymentInputs, VenueInputs, load_deployment_inputs
from agent.errors import AgentError, DataError
from agent.files.book_file import load_book
from agent.settings import Settings, config_path, load_settings
from agent.venues.registry import venue_protocol
from scripts.book import register_book
from scripts.holdings import wrap_holdings
from scripts.project import connected, load_project, quiet_unless_failing
from scripts.record import DeploymentRecord

DeployedVenue: TypeAlias = tuple[VenueInputs, Any]
"""A venue and its adapter, as Brownie holds it."""
ZERO_ADDRESS = "0x" + "00" * 20


def main() -> int:
    """Run the command line; bad input is one line and exit status 2."""
    arguments = _arguments()
    try:
        settings = load_settings(config_path(arguments.network))
        inputs = load_deployment_inputs(arguments.inputs)
        with quiet_unless_failing():
            project = load_project()
            with connected(settings.network, settings.chain.rpc_urls[0]):
                manifest = deploy(project, settings, inputs, arguments.book)
    except AgentError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(json.dumps(manifest) + "\n")
    return 0


def deploy(project: Any, settings: Settings, inputs: DeploymentInputs, book_path: Path | None) -> dict[str, Any]:
    """Deploy what is missing, wire it, register the book, write and return the manifest."""
    _require_chain(settings)
    book = load_book(book_path, brownie.chain[-1].timestamp) if book_path is not None else None
    governor = brownie.accounts.at(inputs.governor, force=True)
    record = DeploymentRecord(project, governor, settings.chain.manifest_file)
    block = brownie.chain.height
    contracts = _deploy_contracts(record, settings, inputs)
    venues = _deploy_venues(record, inputs, contracts["HedgeVault"])
    _wire(contracts, venues, governor)
    if book is not None:
        wrap_holdings(contracts["TokenHoldings"], book)
        register_book(contracts["OptionBook"], contracts["TokenHoldings"], book, governor)
    manifest = _manifest(settings, inputs, contracts, venues, block)
    record.finish(manifest)
    return manifest


def _deploy_contracts(record: DeploymentRecord, settings: Settings, inputs: DeploymentInputs) -> dict[str, Any]:
    contracts: dict[str, Any] = {}

    def ensure(name: str, *constructor: object) -> Any:
        contracts[name] = record.ensure(name, *constructor)
        return contracts[name]

    admin = ensure("VaultAdmin", inputs.governor, inputs.guardian, inputs.keeper)
    source = ensure("ChainlinkSource", inputs.price_feed)
    limits = settings.oracle
    oracle = ensure("PriceOracle", admin, source, limits.max_age_seconds, limits.min_price, limits.max_price)
    ensure("OptionBook", admin)
    ensure("TokenHoldings", inputs.underlying_token, inputs.underlying_holder)
    book = ensure("DeltaBook", admin)
    guard = ensure("RebalanceGuard", admin, astuple(settings.bounds.to_bounds()))
    token = settings.vault
    gate = ensure("MemberGate", admin, inputs.members)
    registry = ensure("VenueRegistry", admin)
    ensure("HedgeVault", inputs.asset, token.name, token.symbol, admin, oracle, book, guard, gate, registry)
    return contracts


def _deploy_venues(record: DeploymentRecord, inputs: DeploymentInputs, vault: Any) -> list[DeployedVenue]:
    """Deploy one adapter a venue; its protocol says which contract it is and which addresses it takes."""
    venues = []
    for venue in inputs.venues:
        protocol = venue_protocol(venue.kind, f"venue {venue.name}")
        missing = [name for name in protocol.adapter_addresses if name not in venue.addresses]
        if missing:
            raise DataError(f"venue {venue.name}: address {missing[0]} is missing; add it to the deployment's inputs")
        addresses = [venue.addresses[name] for name in protocol.adapter_addresses]
        venues.append(
            (venue, record.ensure(protocol.adapter, vault, *addresses, key=f"{protocol.adapter} {venue.name}"))
        )
    return venues


def _wire(contracts: dict[str, Any], venues: list[DeployedVenue], governor: Any) -> None:
    """Connect what is not connected yet."""
    vault, book, registry = contracts["HedgeVault"], contracts["DeltaBook"], contracts["VenueRegistry"]
    known_sources = book.sources()
    for name in ("OptionBook", "TokenHoldings"):
        if contracts[name].address not in known_sources:
            book.addSource(contracts[name], {"from": governor})
    for bound in (contracts["RebalanceGuard"], registry):
        if bound.vault() == ZERO_ADDRESS:
            bound.bindVault(vault, {"from": governor})
    known_venues = registry.venues()
    for _, adapter in venues:
        if adapter.address not in known_venues:
            registry.addVenue(adapter, {"from": governor})


def _manifest(
    settings: Settings, inputs: DeploymentInputs, contracts: dict[str, Any], venues: list[DeployedVenue], block: int
) -> dict[str, Any]:
    asset = brownie.web3.eth.contract(inputs.asset, abi=contracts["HedgeVault"].abi)
    return {
        "chain_id": settings.chain.chain_id,
        "network": settings.network,
        "block": block,
        "asset": {
            "address": inputs.asset,
            "decimals": asset.functions.decimals().call(),
            "symbol": asset.functions.symbol().call(),
        },
        "contracts": {name: contract.address for name, contract in contracts.items()},
        "venues": [{"name": venue.name, "kind": venue.kind, "address": adapter.address} for venue, adapter in venues],
        "roles": {
            "governor": inputs.governor,
            "guardian": inputs.guardian,
            "keeper": inputs.keeper,
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
        "--inputs",
        type=Path,
        required=True,
        help="addresses it stands on (.json, as the local chain writes it)",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
