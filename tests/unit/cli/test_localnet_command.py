"""``evenkeel localnet up`` listens where the other commands look for the local chain."""

from __future__ import annotations

import pytest

from agent.chain.config import RPC_URLS_VARIABLE
from agent.cli import localnet


@pytest.mark.parametrize(
    ("urls", "port"),
    [
        ("http://127.0.0.1:18999", 18_999),
        ("http://localhost:18998,http://127.0.0.1:18999", 18_998),
        ("https://node.example:8443/key", 8_545),
        ("http://127.0.0.1", 8_545),
        (None, 8_545),
    ],
)
def test_up__no_port_given__that_of_the_configured_node(monkeypatch, urls, port):
    monkeypatch.delenv(RPC_URLS_VARIABLE, raising=False)
    if urls is not None:
        monkeypatch.setenv(RPC_URLS_VARIABLE, urls)
    started = []

    def up(settings):
        started.append(settings.port)
        raise KeyboardInterrupt

    monkeypatch.setattr(localnet.Localnet, "up", up)
    with pytest.raises(KeyboardInterrupt):
        localnet.up(without_vault=True, start=None)
    assert started == [port]
