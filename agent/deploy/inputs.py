"""The addresses of a deployment, out of a network's file, the stand-in market's file, or a file of inputs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.chain.deployment import ManifestAddress
from agent.chain.deployment_inputs import DeploymentInputs, VenueInputs, load_deployment_inputs
from agent.deploy.addresses import DAO_ADDRESS, MARKET_ADDRESS, NO_ADDRESS, TODO_ADDRESS
from agent.deploy.dao import DaoSection
from agent.deploy.drawing import dao_address
from agent.deploy.network import Network
from agent.errors import DataError, PreflightError
from agent.input_file import read_input
from agent.venues.registry import venue_protocol

_KEPT = (
    "salt",
    "inputs_path",
    "asset_decimals",
    "price_pair",
    "collateral_pair",
    "settlement_window_seconds",
    "keepers",
)
"""Keys of ``[deploy]`` that are no address of `DeploymentInputs`."""


class MarketManifest(BaseModel):
    """A market that stands in for a live venue: its test dollar, and the contracts of its protocol."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    asset: ManifestAddress
    price_feed: ManifestAddress
    addresses: dict[str, ManifestAddress]


def market_path(network: Network) -> Path:
    """Return where the stand-in market of a network says what it is."""
    return network.chain.manifest_file.with_name(f"{network.chain.chain_id}.market.json")


def resolve_inputs(network: Network, where: Path, inputs_path: Path | None = None) -> DeploymentInputs:
    """Return every address that a deployment stands on.

    ``where`` is the network's file, for complaints; ``inputs_path`` names a file in the place of ``[deploy]``.

    Raises
    ------
    DataError
        A file is missing or names something impossible.
    PreflightError
        Addresses that nobody has written yet, a line each.

    """
    written = inputs_path or (Path(network.deploy.inputs_path) if network.deploy.inputs_path else None)
    inputs = load_deployment_inputs(written) if written else _from_sections(network, where)
    for venue in inputs.venues:
        _require_complete(venue)
    if network.fees is not None and inputs.fee_recipient is None:
        raise DataError("[fees] would pay nobody; name fee_recipient in the deployment's inputs")
    if network.dao is not None:
        _require_own_dao(network, network.dao, inputs)
    return inputs


def _require_complete(venue: VenueInputs) -> None:
    """Refuse a venue without all that its protocol's contracts are made with."""
    protocol = venue_protocol(venue.kind, f"venue {venue.name}")
    own = protocol.market
    wanted = (*protocol.adapter_addresses, *(() if own is None else own.addresses))
    missing = [name for name in wanted if name not in venue.addresses]
    if missing:
        raise DataError(f"venue {venue.name}: address {missing[0]} is missing; add it to the deployment's inputs")
    if own is None and venue.terms is not None:
        raise DataError(f"venue {venue.name}: its kind {venue.kind} has no terms; remove them")
    if own is None:
        return
    try:
        own.terms.model_validate(venue.terms or {})
    except ValidationError as error:
        first = error.errors()[0]
        key, message = ".".join(str(part) for part in first["loc"]), first["msg"].removeprefix("Value error, ")
        raise DataError(f"venue {venue.name}: terms: {key}: {message}; mend that entry") from None


def _require_own_dao(network: Network, dao: DaoSection, inputs: DeploymentInputs) -> None:
    """Refuse another governor than the one that ``[dao]`` puts up, and votes of the deployer."""
    governor = dao_address(network.deploy.salt, dao, inputs.deployer)
    if inputs.governor != governor:
        raise DataError(
            f"[dao] puts up the governor {governor}, but the deployment's inputs name {inputs.governor}; name "
            "that one, or remove [dao]"
        )
    if dao.new_token is not None and inputs.deployer in {holder.account for holder in dao.new_token.holders}:
        raise DataError(
            f"[dao.new_token] names the deployer {inputs.deployer}, who may hold no votes; name another account"
        )


def _from_sections(network: Network, where: Path) -> DeploymentInputs:
    if found := [*_unwritten(network)]:
        raise PreflightError([f"{where}: {finding}" for finding in found])
    market = _market(network)
    addresses = {
        key: _known(address, key, network, market)
        for key, address in network.deploy.model_dump(exclude=set(_KEPT)).items()
        if address != NO_ADDRESS
    }
    keeper, *further = network.deploy.keepers
    try:
        return DeploymentInputs.model_validate(
            {**addresses, "keeper": keeper, "further_keepers": further, "venues": _venues(network, market)}
        )
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise DataError(f"{where}: [deploy] {key}: {message}; mend that entry".replace("] :", "]:")) from None


def _unwritten(network: Network) -> Iterator[str]:
    """Yield a line for each address that is still to be written."""
    for key, address in network.deploy.model_dump(exclude={"salt", "inputs_path", "asset_decimals"}).items():
        if TODO_ADDRESS in (address if isinstance(address, tuple) else (address,)):
            yield f"[deploy] {key} is {TODO_ADDRESS}; write the address"
    if network.dao is not None:
        yield from _unwritten_of_dao(network.dao)
    for venue in network.venue.live:
        for key, address in venue.addresses.items():
            if address == TODO_ADDRESS:
                yield f"[[venue.live]] {venue.name} {key} is {TODO_ADDRESS}; write the address"
    if network.venue.deploy is None and not network.venue.live:
        yield "[venue] names no venue; add one to [[venue.live]], or set deploy on a testnet"


def _unwritten_of_dao(dao: DaoSection) -> Iterator[str]:
    if dao.token == TODO_ADDRESS:
        yield f"[dao] token is {TODO_ADDRESS}; write the address"
    if dao.new_token is not None and TODO_ADDRESS in {holder.account for holder in dao.new_token.holders}:
        yield f"[[dao.new_token.holders]] account is {TODO_ADDRESS}; write the address"


def _market(network: Network) -> MarketManifest | None:
    if network.venue.deploy is None:
        return None
    path = market_path(network)
    absent = f"put the stand-in market up first (evenkeel deploy market --network {network.network})"
    try:
        return MarketManifest.model_validate_json(read_input(path, absent=absent))
    except ValidationError:
        raise DataError(f"{path} is damaged; put the stand-in market up anew") from None


def _known(address: Any, key: str, network: Network, market: MarketManifest | None) -> Any:
    if address == DAO_ADDRESS and network.dao is not None:
        return dao_address(network.deploy.salt, network.dao, network.deploy.deployer)
    if address != MARKET_ADDRESS:
        return address
    if market is None:
        raise DataError(f"[deploy] {key} cannot be {MARKET_ADDRESS!r}: no stand-in market says it; write the address")
    return getattr(market, key)


def _venues(network: Network, market: MarketManifest | None) -> list[dict[str, object]]:
    if market is None:
        return [venue.model_dump() for venue in network.venue.live]
    return [{"name": f"{market.kind}-stand-in", "kind": market.kind, "addresses": market.addresses}]
