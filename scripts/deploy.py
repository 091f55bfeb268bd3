"""Deploy one vault and everything it stands on, and put a book on the chain.

    python -m scripts.deploy --network localnet --inputs FILE [--book FILE] [--config FILE]

Values come from ``config/<network>.toml``, unless another file is named, the addresses that the deployment stands on
from the file of inputs. Running it again deploys only what is missing. The manifest
``deployments/<chain_id>.json`` appears when all stands.
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
from agent.settings.contracts import FeeSettings
from agent.units import Wei
from agent.venues.registry import venue_protocol
from scripts.book import register_book
from scripts.holdings import wrap_holdings
from scripts.project import connected, load_project, quiet_unless_failing
from scripts.record import DeploymentRecord

DeployedVenue: TypeAlias = tuple[VenueInputs, Any]
"""A venue and its adapter, as Brownie holds it."""
ZERO_ADDRESS = "0x" + "00" * 20
MAX_ANSWER = 2**255 - 1
"""Upper bound of an aggregator that has none of its own."""

NAMED_ONCE = (
    ("RebalanceGuard", "vault", "bindVault", "HedgeVault"),
    ("VenueRegistry", "vault", "bindVault", "HedgeVault"),
    ("HedgeVault", "redemptionQueue", "setRedemptionQueue", "RedemptionQueue"),
    ("HedgeVault", "shareFees", "setShareFees", "ShareFees"),
)
"""Contract, getter, setter, and the contract that it is given for good."""


def main() -> int:
    """Run the command line; bad input is one line and exit status 2."""
    arguments = _arguments()
    try:
        settings = load_settings(arguments.config or config_path(arguments.network))
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
    """Deploy what is missing, connect it, register the book, hand over, write and return the manifest."""
    _require_chain(settings)
    _require_fee_recipient(settings, inputs)
    book = load_book(book_path, brownie.chain[-1].timestamp) if book_path is not None else None
    deployer = brownie.accounts.at(inputs.deployer, force=True)
    record = DeploymentRecord(project, deployer, settings.chain.manifest_file)
    contracts = _deploy_contracts(record, settings, inputs)
    venues = _deploy_venues(record, inputs, contracts["HedgeVault"])
    contracts |= _deploy_services(record, settings, contracts)
    access, desk = contracts["VaultAccess"], contracts["RescueDesk"]
    is_handed_over = access.handedOver()
    if is_handed_over:
        _require_holders(access, inputs)
    _connect(contracts, venues, None if is_handed_over else deployer, record)
    if book is not None:
        wrap_holdings(contracts["TokenHoldings"], book)
        register_book(contracts["OptionBook"], contracts["TokenHoldings"], book, None if is_handed_over else deployer)
    if not is_handed_over:
        if settings.fees is not None:
            _set_fees(contracts["ShareFees"], settings.fees, inputs.fee_recipient, deployer)
        _fill_tank(desk, settings.rescue.to_tank(), deployer)
        keepers, relays = [inputs.keeper, desk.address], [contracts["IntentRelay"].address]
        delay = settings.governance.delay_seconds
        access.handOver(inputs.governor, delay, inputs.guardian, keepers, relays, {"from": deployer})
    manifest = _manifest(settings, inputs, contracts, venues, record.first_block)
    record.finish(manifest)
    return manifest


def _deploy_contracts(record: DeploymentRecord, settings: Settings, inputs: DeploymentInputs) -> dict[str, Any]:
    contracts: dict[str, Any] = {}

    def ensure(name: str, *constructor: object) -> Any:
        contracts[name] = record.ensure(name, *constructor)
        return contracts[name]

    access = ensure("VaultAccess", inputs.deployer)
    record.is_sealed = access.handedOver()
    source = ensure("ChainlinkSource", inputs.price_feed, 0, MAX_ANSWER)
    sources = (source.address, ZERO_ADDRESS, ZERO_ADDRESS, ZERO_ADDRESS)  # the governor adds others (`setSources`)
    oracle = ensure("PriceOracle", access, sources, settings.oracle.to_price_limits())
    ensure("OptionBook", access)
    ensure("TokenHoldings", inputs.underlying_token, inputs.underlying_holder)
    book = ensure("DeltaBook", access)
    guard = ensure("RebalanceGuard", access, astuple(settings.bounds.to_bounds()))
    token = settings.vault
    gate = ensure("MemberGate", access, inputs.members)
    registry = ensure("VenueRegistry", access)
    ensure("HedgeVault", inputs.asset, token.name, token.symbol, access, oracle, book, guard, gate, registry)
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
        key = f"{protocol.adapter} {venue.name}"
        venues.append((venue, record.ensure(protocol.adapter, vault, *addresses, key=key, is_addition=True)))
    return venues


def _deploy_services(record: DeploymentRecord, settings: Settings, contracts: dict[str, Any]) -> dict[str, Any]:
    """Deploy what members, relayers, rescuers and the recipient of fees use beside the vault."""
    access, vault, guard = (contracts[name] for name in ("VaultAccess", "HedgeVault", "RebalanceGuard"))
    services = {
        "RedemptionQueue": record.ensure("RedemptionQueue", vault, settings.queue.max_width_bps),
        "IntentRelay": record.ensure("IntentRelay", vault, ZERO_ADDRESS),  # Chainlink's prices are not brought along
        "RescueDesk": record.ensure("RescueDesk", access, vault, guard, settings.rescue.to_terms()),
    }
    if settings.fees is not None:
        services["ShareFees"] = record.ensure("ShareFees", access, vault)
    elif vault.shareFees() != ZERO_ADDRESS:
        raise DataError(
            f"the vault pays fees by ShareFees {vault.shareFees()}, named for good; put [fees] back into the "
            "configuration"
        )
    return services


def _connect(
    contracts: dict[str, Any], venues: list[DeployedVenue], deployer: Any | None, record: DeploymentRecord
) -> None:
    """Connect what is not connected yet; after the hand-over (``deployer`` None) the governor alone can."""
    registry, book = contracts["VenueRegistry"], contracts["DeltaBook"]
    known_sources, known_venues = book.sources(), registry.venues()
    missing = [
        (f"DeltaBook.addSource({contracts[name].address})", book.addSource, contracts[name])
        for name in ("OptionBook", "TokenHoldings")
        if contracts[name].address not in known_sources
    ]
    missing += _unnamed(contracts, record)
    missing += [
        (f"VenueRegistry.addVenue({adapter.address})", registry.addVenue, adapter)
        for _, adapter in venues
        if adapter.address not in known_venues
    ]
    if missing and deployer is None:
        raise DataError(f"the vault is handed over; let the governor schedule {missing[0][0]} on VaultAccess")
    for _, function, argument in missing:
        function(argument, {"from": deployer})


def _unnamed(contracts: dict[str, Any], record: DeploymentRecord) -> list[tuple[str, Any, Any]]:
    """Return what names a contract to another for good and has not been called yet: in words, function, argument."""
    missing = []
    for holder, getter, setter, name in NAMED_ONCE:
        if name not in contracts:
            continue
        named, wanted = getattr(contracts[holder], getter)(), contracts[name]
        if named == ZERO_ADDRESS:
            missing.append((f"{holder}.{setter}({wanted.address})", getattr(contracts[holder], setter), wanted))
        elif named != wanted.address:
            raise DataError(
                f"{holder} {contracts[holder].address} was given {name} {named} for good, by a run with another "
                f"configuration; remove {record.partial_path} to begin anew"
            )
    return missing


def _set_fees(share_fees: Any, fees: FeeSettings, recipient: str | None, deployer: Any) -> None:
    """Set the terms, unless an interrupted run has."""
    management_bps, performance_bps, _, holder = share_fees.terms()
    wanted = (fees.management_bps_per_year, fees.performance_bps, recipient)
    if (management_bps, performance_bps, holder) != wanted:
        share_fees.setFees(*wanted, {"from": deployer})


def _fill_tank(desk: Any, tank: Wei, deployer: Any) -> None:
    """Fill the tank, unless an interrupted run has."""
    missing = tank - desk.balance()
    if missing > 0:
        deployer.transfer(desk.address, missing, silent=True)


def _require_fee_recipient(settings: Settings, inputs: DeploymentInputs) -> None:
    if settings.fees is not None and inputs.fee_recipient is None:
        raise DataError("[fees] would pay nobody; name fee_recipient in the deployment's inputs")


def _require_holders(access: Any, inputs: DeploymentInputs) -> None:
    """Refuse inputs that name other holders than the chain does: the manifest would not be true."""
    holders = (
        ("governor", access.ADMIN_ROLE()),
        ("guardian", access.GUARDIAN_ROLE()),
        ("keeper", access.KEEPER_ROLE()),
    )
    for name, role in holders:
        account = getattr(inputs, name)
        is_member, _ = access.hasRole(role, account)
        if not is_member:
            raise DataError(
                f"the vault is handed over, and {account} is no {name} of it; name the holder that VaultAccess "
                f"{access.address} has, or let the governor appoint this one first"
            )


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
        "governor_delay_seconds": contracts["VaultAccess"].delayOf(inputs.governor),
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
    parser.add_argument("--config", type=Path, help="read this file in place of config/<network>.toml")
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
