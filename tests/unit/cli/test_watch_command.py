"""What ``evenkeel watch`` is told to ask is a URL, or the process does not begin: a slip must not look like a fault."""

from __future__ import annotations

import pytest

from agent.cli.watch import _with_own_endpoints
from agent.errors import DataError
from agent.observability.heartbeat import ServiceManager
from agent.observability.observation import Observation, ObservationOptions
from agent.observability.watcher import HEARTBEAT_URL_VARIABLE, WATCH_RPC_URLS_VARIABLE, Watcher
from agent.settings import load_settings
from agent.settings.observability import ObservabilitySettings

NO_URLS = ["node:8545/SECRET", "wss://node/SECRET", "http://node:99999/SECRET", "http://[::1/SECRET"]


def observation() -> Observation:
    return Observation(ObservationOptions("watch"), ObservabilitySettings(), ServiceManager({}), None)


def refused(name, call):
    with pytest.raises(DataError, match=f"{name}.* is no URL; write one such as") as refusal:
        call()
    assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize("url", NO_URLS)
def test_watch__no_url__is_refused_and_not_repeated(repository, url):
    settings = load_settings(repository / "config" / "localnet.toml", {})
    refused(WATCH_RPC_URLS_VARIABLE, lambda: _with_own_endpoints(settings, {WATCH_RPC_URLS_VARIABLE: url}))
    refused("--keeper-url", lambda: Watcher(lambda: None, observation(), {}, url))
    refused(HEARTBEAT_URL_VARIABLE, lambda: Watcher(lambda: None, observation(), {HEARTBEAT_URL_VARIABLE: url}))
