"""Several vaults at once: every network that is configured and deployed here, each read by itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

from agent.chain.client import ChainClient
from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE
from agent.chain.deployment import load_deployment
from agent.errors import AgentError, DataError
from agent.settings import Settings, config_path, load_settings
from agent.settings.file import configured_networks
from agent.status.reading import StatusReader
from agent.status.records import VaultStatus

MAX_AT_ONCE = 8
_VARIABLES = (RPC_URLS_VARIABLE, MANIFEST_PATH_VARIABLE)


@dataclass(frozen=True, slots=True)
class NetworkStatus:
    """One network: its vault's status, or why there is none; both None where nothing is deployed."""

    network: str
    status: VaultStatus | None
    failure: str | None

    @property
    def is_deployed(self) -> bool:
        """Whether a vault stands there, as far as this machine knows."""
        return self.status is not None or self.failure is not None


def read_status(settings: Settings, now_unix: float) -> VaultStatus:
    """Return the status of a network's vault at its newest block; raises as `StatusReader.read`, `ChainClient.head`."""
    with closing(ChainClient(settings.chain)) as client:
        client.require_chain()
        deployment = load_deployment(settings.chain.manifest_file, settings.chain.chain_id)
        return StatusReader(settings, client, deployment).read(client.head(now_unix))


def read_all(clock: Callable[[], float], environment: Mapping[str, str] = os.environ) -> list[NetworkStatus]:
    """Return every configured network, by name; one that hangs delays no other, one that fails says so.

    Raises
    ------
    DataError
        A variable that is of one network is set without its name.

    """
    for variable in _VARIABLES:
        if environment.get(variable):
            raise DataError(
                f"{variable} is of one network; for several write {variable}_SEPOLIA and so on, the name in capitals "
                "with _ for -"
            )
    networks = configured_networks()
    with ThreadPoolExecutor(max_workers=MAX_AT_ONCE) as pool:
        return [*pool.map(lambda network: _read_one(network, clock, environment), networks)]


def _read_one(network: str, clock: Callable[[], float], environment: Mapping[str, str]) -> NetworkStatus:
    suffix = network.upper().replace("-", "_")
    own = {name: environment[f"{name}_{suffix}"] for name in _VARIABLES if environment.get(f"{name}_{suffix}")}
    try:
        settings = load_settings(config_path(network), own)
        if not settings.chain.manifest_file.is_file():
            return NetworkStatus(network, None, None)
        return NetworkStatus(network, read_status(settings, clock()), None)
    except AgentError as failure:
        return NetworkStatus(network, None, " ".join(str(failure).split()))
