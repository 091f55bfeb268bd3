"""A DAO on the local chain: its token and its `VaultGovernor`, appointed by the governor of the deployment."""

from __future__ import annotations

from agent.chain.deployment import Deployment
from agent.localnet import artifacts
from agent.localnet.codec import encode_call
from agent.localnet.deployer import Deployer
from agent.localnet.evm import Transaction
from agent.localnet.governance import governor_call
from agent.localnet.session import Localnet
from agent.units import Address

VOTING_DELAY_SECONDS, VOTING_PERIOD_SECONDS = 3_600, 86_400
VOTES = 10**24
ADMIN_ROLE = 0


def appoint_dao(localnet: Localnet, deployment: Deployment, holder: str) -> Address:
    """Deploy a token whose whole supply one account holds, and a governor by it that may act from now on."""
    accounts, access = localnet.manifest.accounts, deployment.contract("VaultAccess")
    deployer = Deployer(localnet.chain, accounts["spare"])
    token = deployer.create(
        "GovernanceToken", artifacts.project("GovernanceToken"), "(string,string,address[],uint256[])",
        "Votes", "V", [accounts[holder]], [VOTES],
    )  # fmt: skip
    dao = deployer.create(
        "VaultGovernor", artifacts.project("VaultGovernor"),
        "(address,address,string,uint48,uint32,uint256,uint256)",
        access, token, "DAO", VOTING_DELAY_SECONDS, VOTING_PERIOD_SECONDS, 1, 10,
    )  # fmt: skip
    deployer.flush()
    delegate = encode_call("delegate(address)", accounts[holder])
    localnet.chain.mine([Transaction("delegate", accounts[holder], token, delegate, 200_000)])
    appoint(localnet, deployment, dao)
    return dao


def appoint(localnet: Localnet, deployment: Deployment, account: Address) -> None:
    """Make an account a governor, and wait until its delay is in force."""
    access, delay = deployment.contract("VaultAccess"), deployment.governor_delay_seconds
    grant = "grantRole(uint64,address,uint32)"
    governor_call(
        localnet.chain, access, localnet.manifest.accounts["governor"], access, grant, ADMIN_ROLE, account, delay
    )
    wait(localnet, delay)


def wait(localnet: Localnet, seconds: int) -> None:
    """Let chain time pass; the price stays fresh."""
    price_usd, _ = localnet.published_price()
    localnet.step(price_usd, localnet.chain.head().timestamp + seconds)
