"""``[dao]`` of a network's file: complete, within bounds, one line for each slip; a Governor at a known address."""

from __future__ import annotations

import re

import pytest
from eth_utils.address import to_checksum_address

from agent.deploy.addresses import NEW_TOKEN
from agent.deploy.blueprint import draw
from agent.deploy.inputs import resolve_inputs
from agent.deploy.network import load_network
from agent.deploy.parameters import parameters
from agent.errors import DataError, PreflightError
from agent.venues.registry import venue_protocol

ADDRESSES = [to_checksum_address(f"0x{number:040x}") for number in range(0x11, 0x30)]
DEPLOYER, FIRST, SECOND, TOKEN, FEED, WETH, HOLDER, GUARDIAN, KEEPER, MEMBER, ASSET, POOL = ADDRESSES[:12]
DAO = f"""
[dao]
name = "Evenkeel DAO"
token = "new"
voting_delay_seconds = 86400
voting_period_seconds = 259200
proposal_threshold_votes = 1000
quorum_percent = 10

[dao.new_token]
name = "Evenkeel Votes"
symbol = "EKV"

[[dao.new_token.holders]]
account = "{FIRST}"
votes = 60000

[[dao.new_token.holders]]
account = "{SECOND}"
votes = 40000
"""
DEPLOY = f"""
[deploy]
salt = "test"
asset = "{ASSET}"
price_feed = "{FEED}"
underlying_token = "{WETH}"
underlying_holder = "{HOLDER}"
deployer = "{DEPLOYER}"
governor = "dao"
guardian = "{GUARDIAN}"
keepers = ["{KEEPER}"]
members = ["{MEMBER}"]

[[venue.live]]
name = "curie"
kind = "curie"

[venue.live.addresses]
"""
VENUE = "".join(f'{name} = "{POOL}"\n' for name in venue_protocol("curie", "here").adapter_addresses)
NEW_TOKEN_BLOCK = DAO[DAO.index("[dao.new_token]") :]
SECONDS = "voting_delay_seconds = 86400\nvoting_period_seconds = 259200\n"
BLOCKS = "voting_delay_blocks = 7200\nvoting_period_blocks = 21600\n"


@pytest.fixture
def network_file(repository, tmp_path):
    """Write the file of a network with a DAO, with changes to both of its blocks."""
    text = (repository / "config" / "localnet.toml").read_text(encoding="utf-8")
    base = text[: text.index("[deploy]")]

    def write(*changes):
        block = DEPLOY + VENUE + DAO
        for old, new in changes:
            assert old in block, old
            block = block.replace(old, new)
        path = tmp_path / "network.toml"
        path.write_text(base + block, encoding="utf-8")
        return path

    return write


EXISTING = [(NEW_TOKEN_BLOCK, ""), (f'token = "{NEW_TOKEN}"', f'token = "{TOKEN}"')]


def blueprint_of(path, inputs=None):
    network = load_network(path, {})
    return draw(network, resolve_inputs(network, path, inputs))


# HEDGE-069
def test_draw__new_dao__governs_from_an_address_known_before(network_file):
    path = network_file()
    blueprint = blueprint_of(path)
    token, governor = (blueprint.creations[name] for name in ("GovernanceToken", "VaultGovernor"))
    assert token.arguments == ("Evenkeel Votes", "EKV", (FIRST, SECOND), (60_000 * 10**18, 40_000 * 10**18))
    access = blueprint.address("VaultAccess")
    thousand = 1_000 * 10**18
    assert governor.arguments == (access, token.address, "Evenkeel DAO", 86_400, 259_200, thousand, 10)
    assert blueprint.hand_over.governor == governor.address == blueprint.inputs.governor
    titles = [step.title for step in blueprint.steps]
    assert titles.index("create GovernanceToken") < titles.index("create VaultGovernor") < len(titles) - 1
    another = network_file(("quorum_percent = 10", "quorum_percent = 11"))
    assert blueprint_of(another).hand_over.governor != governor.address


# HEDGE-069
def test_draw__existing_token__no_token_is_created(network_file):
    path = network_file(*EXISTING, (SECONDS, BLOCKS), ('"Evenkeel DAO"', '"DAO"\ntoken_decimals = 6'))
    blueprint = blueprint_of(path)
    assert "GovernanceToken" not in blueprint.creations
    arguments = blueprint.creations["VaultGovernor"].arguments
    assert arguments[1:] == (TOKEN, "DAO", 7_200, 21_600, 1_000 * 10**6, 10)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ([(SECONDS, "")], r"\[dao\] needs voting_delay_seconds and voting_period_seconds, or"),
        ([(SECONDS, SECONDS + BLOCKS)], r"\[dao\] needs voting_delay_seconds .*; write one pair"),
        ([("voting_delay_seconds = 86400\n", "voting_delay_blocks = 5\n")], r"\[dao\] needs voting_delay_seconds"),
        ([(SECONDS, BLOCKS)], "counts 7200 blocks, but a new token counts seconds"),
        ([(NEW_TOKEN_BLOCK, "")], r'token "new" and \[dao.new_token\] go together'),
        ([('token = "new"', f'token = "{TOKEN}"')], r'token "new" and \[dao.new_token\] go together'),
        ([('governor = "dao"', f'governor = "{POOL}"')], r'\[deploy\] governor "dao" and \[dao\] go together'),
        ([(DAO, "")], r'\[deploy\] governor "dao" and \[dao\] go together'),
        ([("threshold_votes = 1000", "threshold_votes = 10001")], "above 10 % of the supply, 10000"),
        ([("threshold_votes = 1000", "threshold_votes = 0")], "proposal_threshold_votes: .* greater than 0, not 0"),
        ([("quorum_percent = 10", "quorum_percent = 51")], "quorum_percent: .* less than or equal to 50, not 51"),
        ([("quorum_percent = 10", "quorum_percent = 0")], "quorum_percent: .*greater than or equal to 1, not 0"),
        ([("period_seconds = 259200", "period_seconds = 600")], "voting_period_seconds: .* equal to 3600, not 600"),
        ([("period_seconds = 259200", "period_seconds = 25920000")], "voting_period_seconds: .*, not 25920000"),
        ([(SECONDS, BLOCKS.replace("21600", "299"))], "voting_period_blocks: .* equal to 300, not 299"),
        ([("votes = 60000", "votes = -1")], r"\[dao\] new_token.holders.0.votes: .*, not -1"),
        ([("votes = 60000", 'votes = "all"')], "write a whole number without quotes, not all"),
        ([(FIRST, SECOND)], "a holder is named twice; name each once"),
        ([(FIRST, "0x1234")], "write a checksummed address, or TODO-address, not 0x1234"),
        ([("quorum_percent", "quorum_percents")], "unknown key; did you mean quorum_percent"),
        ([('token = "new"', 'token = "new"\ntoken_decimals = 6')], "token_decimals is 6, but a new token has 18"),
        ([(FIRST, DEPLOYER)], f"names the deployer {DEPLOYER}, who may hold no votes"),
        ([(FIRST, "TODO-address")], r"\[\[dao.new_token.holders\]\] account is TODO-address; write the address"),
        ([(DEPLOYER, "TODO-address")], r"\[deploy\] deployer is TODO-address"),
        ([(f'deployer = "{DEPLOYER}"', 'deployer = "dao"')], "deployer: write a checksummed address, or TODO-address"),
    ],
)
def test_dao_section__slip__one_line(network_file, changes, line):
    with pytest.raises((DataError, PreflightError), match=line) as caught:
        blueprint_of(network_file(*changes))
    assert "\n" not in str(caught.value)


# HEDGE-069
def test_resolve_inputs__file_names_another_governor__one_line(network_file, tmp_path):
    path = network_file()
    network = load_network(path, {})
    inputs = resolve_inputs(network, path)
    written = tmp_path / "inputs.json"
    written.write_text(inputs.model_dump_json(), encoding="utf-8")
    assert resolve_inputs(network, path, written) == inputs
    written.write_text(inputs.model_copy(update={"governor": POOL}).model_dump_json(), encoding="utf-8")
    with pytest.raises(DataError, match=f"puts up the governor {inputs.governor}, but .* name {POOL}; name that one"):
        resolve_inputs(network, path, written)


def test_deploy_page__its_dao__is_accepted_as_written(network_file, repository):
    page = (repository / "docs" / "deploy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n\[deploy\]\ngovernor = \"dao\"\n(.*?)```", page, flags=re.DOTALL)
    path = network_file((DAO, example.replace("0x...", FIRST)))
    assert blueprint_of(path).creations["VaultGovernor"].arguments[3:] == (86_400, 259_200, 1_000 * 10**18, 10)


def test_parameters__dao__each_key_has_unit_and_consequence(network_file):
    found = {one.key: one for one in parameters(load_network(network_file(), {})) if one.section == "dao"}
    assert set(found) == {
        *("name", "token", "token_decimals", "voting_delay_seconds", "voting_period_seconds"),
        *("proposal_threshold_votes", "quorum_percent"),
    }
    assert re.fullmatch("3,600 to 2,592,000", found["voting_period_seconds"].limit)
    assert (found["quorum_percent"].unit, found["proposal_threshold_votes"].unit) == ("percent", "votes")
    assert all(one.consequence for one in found.values())
