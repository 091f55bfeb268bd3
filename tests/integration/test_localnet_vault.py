"""The vault deployed on the local chain by the project's own script, and what is said when it refuses."""

from __future__ import annotations

import json

import pytest

from agent.errors import DataError
from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.localnet.session import Localnet, LocalnetSettings

pytestmark = pytest.mark.chain

PORT = 18_630
USDC_UNIT = 10**6
DEPOSIT = 50_000 * USDC_UNIT


@pytest.fixture(scope="module")
def localnet(tmp_path_factory):
    settings = LocalnetSettings(port=PORT, state_directory=tmp_path_factory.mktemp("deployment"))
    with Localnet.up(settings) as running:
        yield running


@pytest.mark.parametrize(("book", "what"), [(None, "no such file"), ("[[option]]\nright = 'call'\n", "book.toml")])
def test_deploy_evenkeel__unreadable_book__scripts_one_line_and_no_transaction(localnet, tmp_path, book, what):
    path = tmp_path / "book.toml"
    if book is not None:
        path.write_text(book)
    number = localnet.chain.head().number
    with pytest.raises(DataError) as caught:
        localnet.deploy_evenkeel(path)
    assert str(path) in str(caught.value)
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)
    assert localnet.chain.head().number == number


def test_deploy_evenkeel__vault__takes_deposits_and_knows_the_real_venue(localnet, repository):
    localnet.deploy_evenkeel()
    deployed = json.loads((repository / "deployments" / "31337.json").read_text())
    vault, accounts = deployed["contracts"]["HedgeVault"], localnet.manifest.accounts
    assert localnet.chain.call(vault, "asset()", returns="(address)") == (localnet.manifest.usdc,)
    registry = deployed["contracts"]["VenueRegistry"]
    (venues,) = localnet.chain.call(registry, "venues()", returns="(address[])")
    assert localnet.chain.call(registry, "vault()", returns="(address)") == (vault,)
    (venue,) = (entry["address"] for entry in deployed["venues"])
    assert [one.lower() for one in venues] == [venue.lower()]
    assert localnet.chain.call(venue, "vault()", returns="(address)") == (vault,)
    depositor = accounts["depositor"]
    localnet.fund_usdc(depositor, DEPOSIT)
    approve = encode_call("approve(address,uint256)", vault, DEPOSIT)
    deposit = encode_call("deposit(uint256,address)", DEPOSIT, depositor)
    localnet.chain.mine(
        [
            Transaction("approval", depositor, localnet.manifest.usdc, approve, 200_000),
            Transaction("deposit", depositor, vault, deposit, 3_000_000),
        ]
    )
    assert localnet.chain.call(vault, "totalAssets()", returns="(uint256)") == (DEPOSIT,)
