"""One vault as its governance sees it: manifest, governor, parameters now; with a node, or from files alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment, load_deployment
from agent.domain import BlockRef
from agent.errors import DataError, RejectedError
from agent.governance.decoding import VAULT_GOVERNOR, AddressBook
from agent.governance.governors import Governor, GovernorKind, detect_governor
from agent.governance.state import GovernedState, configured, read_governed
from agent.settings import Settings
from agent.units import Address

_CONTRACTS = {
    GovernorKind.VOTES: VAULT_GOVERNOR,
    GovernorKind.GOVERNOR: "Governor",
    GovernorKind.TIMELOCK: "TimelockController",
    GovernorKind.SAFE: "Safe",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A node, and the block that all is read at."""

    client: ChainClient
    head: BlockRef


@dataclass(frozen=True, slots=True)
class GovernanceDesk:
    """What every command starts from. ``node`` is None offline."""

    settings: Settings
    deployment: Deployment
    governor: Governor
    state: GovernedState
    book: AddressBook
    node: Node | None

    def online(self) -> Node:
        """Return the node; `DataError` offline."""
        if self.node is None:
            raise DataError("this needs a node; leave out --offline, or name a file instead of a number")
        return self.node


@contextmanager
def open_desk(
    settings: Settings, governor: Address | None, offline_kind: GovernorKind | None
) -> Iterator[GovernanceDesk]:
    """Open a vault's governance; ``offline_kind`` says what the governor is, and that no node is asked.

    Raises
    ------
    DataError
        No manifest, another chain, or an account that does not govern the vault.

    """
    deployment = load_deployment(settings.chain.manifest_file, settings.chain.chain_id)
    address = governor or deployment.role("governor")
    if offline_kind is not None:
        own = Governor(address, offline_kind)
        state = configured(settings, deployment, address)
        yield GovernanceDesk(settings, deployment, own, state, address_book(deployment, own), None)
        return
    client = ChainClient(settings.chain)
    try:
        client.require_chain()
        head = client.head(time.time())
        own = detect_governor(client, deployment.contract("VaultAccess"), address, head)
        state = _read(client, deployment, address, head)
        yield GovernanceDesk(settings, deployment, own, state, address_book(deployment, own), Node(client, head))
    finally:
        client.close()


def _read(client: ChainClient, deployment: Deployment, address: Address, head: BlockRef) -> GovernedState:
    try:
        return read_governed(client, deployment, address, head)
    except RejectedError as rejection:
        if rejection.name != "NotGovernor":
            raise
        raise DataError(f"{address} does not govern the vault on VaultAccess; name who does with --governor") from None


def address_book(deployment: Deployment, *governors: Governor) -> AddressBook:
    """Return the vault's addresses, with what is known of those who govern it."""
    names = ((governor.address, _CONTRACTS.get(governor.kind)) for governor in governors)
    return AddressBook(deployment, {address: name for address, name in names if name is not None})
