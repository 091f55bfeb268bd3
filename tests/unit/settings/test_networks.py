"""The configurations that come with the package are whole, of chains of their own, and fit the chains they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.ledger.config import USUAL_TERMS, LedgerTerms
from agent.settings import Settings, config_path, load_settings
from agent.settings.gas_tokens import GAS_TOKENS

CONFIG = Path(__file__).resolve().parents[3] / "config"
NETWORKS = sorted(path.stem for path in CONFIG.glob("*.toml"))
BLOCK_SECONDS = {
    "arbitrum-one": 0.25,
    "arbitrum-sepolia": 0.25,
    "base": 2.0,
    "hyperevm": 1.0,
    "op-mainnet": 2.0,
    "base-sepolia": 2.0,
    "mainnet": 12.0,
    "op-sepolia": 2.0,
    "sepolia": 12.0,
}
LAST_BLOCKS = 256


def settings_of(network: str) -> Settings:
    return load_settings(CONFIG / f"{network}.toml", {})


def test_networks__chain_ids_and_ledgers__are_their_own():
    loaded = [settings_of(network) for network in NETWORKS]
    assert len({settings.chain.chain_id for settings in loaded}) == len(NETWORKS)
    assert len({settings.ledger.url for settings in loaded}) == len(NETWORKS)
    assert all(settings.chain.chain_id in GAS_TOKENS for settings in loaded)


@pytest.mark.parametrize("network", NETWORKS)
def test_networks__terms_of_the_ledger__are_the_usual_ones(network):
    terms = settings_of(network).ledger.model_dump(include=set(LedgerTerms.model_fields))
    assert terms == USUAL_TERMS.model_dump()


@pytest.mark.parametrize("network", sorted(set(NETWORKS) - {"localnet"}))
def test_networks__real_chain__asks_two_servers_and_gives_up_when_the_chain_does(network):
    settings, block_seconds = settings_of(network), BLOCK_SECONDS[network]
    execution, chain = settings.execution, settings.chain
    assert 2 <= chain.rpc_quorum < len(chain.rpc_urls)
    assert all(url.startswith("https://") for url in chain.rpc_urls)
    assert 2 * block_seconds < chain.max_head_age_seconds <= 90
    assert execution.receipt_timeout_seconds <= execution.deadline_seconds <= LAST_BLOCKS * block_seconds
    assert execution.replace_after_blocks >= 2
    assert execution.replace_after_blocks * block_seconds < execution.receipt_timeout_seconds
    assert 0.25 <= execution.receipt_poll_seconds <= block_seconds * 4
    assert settings.keeper.cycle_deadline_seconds <= execution.deadline_seconds
    assert settings.keeper.cycle_deadline_seconds >= 2 * chain.rpc_timeout_seconds
    assert execution.settling_seconds >= 2
    assert (chain.rollup == "arbitrum") == network.startswith("arbitrum")
    assert (chain.rollup == "op-stack") == network.startswith(("base", "op"))
    assert (execution.priority_fee_gwei == 0) == network.startswith("arbitrum")


def test_config_path__path_of_a_file__is_taken_as_it_is(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text((CONFIG / "sepolia.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert config_path(str(path)) == path
    assert load_settings(config_path(str(path)), {}).network == "mine"
