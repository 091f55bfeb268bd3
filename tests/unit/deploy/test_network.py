"""A network's file as a deployment reads it: its own sections alone, and nothing that nobody has written yet."""

from __future__ import annotations

import re

import pytest
from eth_utils.address import to_checksum_address

from agent.deploy.inputs import resolve_inputs
from agent.deploy.network import load_network
from agent.errors import DataError, PreflightError

NETWORKS = (
    "sepolia",
    "arbitrum-sepolia",
    "op-sepolia",
    "base-sepolia",
    "arbitrum-one",
    "base",
    "op-mainnet",
    "hyperevm",
    "mainnet",
)
LIVE = {
    "arbitrum-one": ("gmx", False),
    "base": ("curie", True),
    "op-mainnet": ("curie", True),
    "hyperevm": ("hyperevm", False),
    "mainnet": ("curie", True),
}
"""Kind of the venue, and whether its protocol has no terms."""
CHAIN = '[chain]\nchain_id = 1\nrpc_urls = ["http://127.0.0.1:1"]\nrpc_quorum = 1\nrpc_timeout_seconds = 1\n'
CONTRACT_SECTIONS = r"\[(vault|governance|oracle|bounds|queue|rescue)\]\n.*?(?=\n\[|\Z)"


@pytest.fixture
def contract_sections(repository):
    text = (repository / "config" / "localnet.toml").read_text(encoding="utf-8")
    found = [match.group() for match in re.finditer(CONTRACT_SECTIONS, text, flags=re.DOTALL)]
    return f"{CHAIN}max_head_age_seconds = 60\n\n" + "\n".join(found)


@pytest.fixture
def network_file(repository, contract_sections, tmp_path):
    """Write the file of a network, its own block after the contracts' sections, with changes."""

    def write(name, *changes):
        block = (repository / "config" / f"{name}.toml").read_text(encoding="utf-8")
        block = block[block.index("[deploy]") :]
        for old, new in changes:
            assert old in block, old
            block = block.replace(old, new)
        path = tmp_path / f"{name}.toml"
        path.write_text(f"{contract_sections}\n{block}", encoding="utf-8")
        return path

    return write


# HEDGE-067
@pytest.mark.parametrize("name", NETWORKS)
def test_resolve_inputs__addresses_not_written__each_is_named(network_file, name):
    path = network_file(name)
    network = load_network(path, {})
    with pytest.raises(PreflightError) as caught:
        resolve_inputs(network, path)
    named = " ".join(caught.value.findings)
    assert all(f"[deploy] {key} is TODO-address" in named for key in ("deployer", "governor", "guardian", "keepers"))
    assert any("price_feed" in finding for finding in caught.value.findings) is (name == "hyperevm")


@pytest.mark.parametrize("name", NETWORKS)
def test_load_network__no_section_of_the_keeper__is_read(network_file, name):
    network = load_network(network_file(name), {})
    assert network.network == name
    assert network.deploy.price_pair == "ETH / USD"
    assert (network.venue.deploy == "curie") == name.endswith("sepolia")


@pytest.mark.parametrize("name", [name for name in NETWORKS if not name.endswith("sepolia")])
def test_network__live_venue__has_all_that_its_adapter_is_made_with(network_file, tmp_path, name):
    path = network_file(name)
    text, number = path.read_text(encoding="utf-8"), iter(range(1, 99))
    text = re.sub("TODO-address", lambda _: to_checksum_address(f"0x{next(number):040x}"), text)
    path.write_text(text, encoding="utf-8")
    (venue,) = resolve_inputs(load_network(path, {}), path).venues
    assert (venue.kind, venue.terms is None) == LIVE[name]
    if venue.terms is None:
        return
    path.write_text(re.sub(r"margin_factor = \S+", "margin_factor = 20", text), encoding="utf-8")
    with pytest.raises(DataError, match=rf"venue {venue.name}: terms: margin_factor: .*less than or equal to 1"):
        resolve_inputs(load_network(path, {}), path)


def test_load_network__section_of_the_keeper__is_passed_over(network_file):
    path = network_file("sepolia")
    path.write_text(path.read_text() + "\n[policy]\nname = 'none of ours'\n", encoding="utf-8")
    assert load_network(path, {}).deploy.salt == "evenkeel"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (('salt = "evenkeel"', ""), r"\[deploy\] salt: missing; add it"),
        (('price_pair = "ETH / USD"', 'price_pairs = "ETH / USD"'), "unknown key; did you mean price_pair"),
        (('secondary_feed = "none"', 'secondary_feed = "later"'), "write a checksummed address, TODO-address, or none"),
        (('deploy = "curie"', 'deploy = "gmx"'), r"\[venue\] deploy: choose one of curie, not gmx"),
    ],
)
def test_load_network__slip__one_line(network_file, change, line):
    with pytest.raises(DataError, match=line):
        load_network(network_file("sepolia", change), {})


def test_load_network__live_venue_and_stand_in__exclude_one_another(network_file):
    path = network_file("arbitrum-one", ("[[venue.live]]", '[venue]\ndeploy = "curie"\n\n[[venue.live]]'))
    with pytest.raises(PreflightError, match="exclude one another; remove one"):
        load_network(path, {})
