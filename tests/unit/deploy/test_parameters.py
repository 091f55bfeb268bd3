"""Every number that goes to the chain is shown with its unit and what it brings about."""

from __future__ import annotations

from agent.deploy.network import load_network
from agent.deploy.parameters import parameters
from agent.settings.contracts import HARD_LIMITS, BoundsSettings, FeeSettings, OracleSettings


def shown(repository, tmp_path, added=""):
    path = tmp_path / "localnet.toml"
    path.write_text((repository / "config" / "localnet.toml").read_text() + added, encoding="utf-8")
    return {(one.section, one.key): one for one in parameters(load_network(path, {}))}


def test_parameters__every_field_of_the_contracts__is_there(repository, tmp_path):
    found = shown(repository, tmp_path, "\n[fees]\nmanagement_bps_per_year = 100\nperformance_bps = 1000\n")
    for section, model in (("bounds", BoundsSettings), ("oracle", OracleSettings), ("fees", FeeSettings)):
        assert {key for name, key in found if name == section} == set(model.model_fields)
    assert all(one.consequence for one in found.values())
    assert {one.key for one in found.values() if one.unit == "text"} == {"name", "symbol"}


def test_parameters__hard_limits__are_the_contracts_own(repository, tmp_path):
    found = shown(repository, tmp_path)
    for key, limit in HARD_LIMITS.items():
        assert f"{limit:,}" in found["bounds", key].limit
    assert found["governance", "delay_seconds"].limit == "86,400 to 2,592,000"
    assert found["bounds", "max_slippage_bps"].value == "60"


def test_parameters__no_fees__none_shown(repository, tmp_path):
    assert not any(section == "fees" for section, _ in shown(repository, tmp_path))
