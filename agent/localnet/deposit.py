"""Collateral for a vault on the local chain: test dollars, minted to the depositor and put in by it."""

from __future__ import annotations

from agent.chain.deployment import Deployment
from agent.localnet.codec import encode_call
from agent.localnet.evm import Transaction
from agent.localnet.session import Localnet
from agent.units import Address, AssetUnits, Rounding, to_asset_units

_APPROVE_GAS = 100_000
_DEPOSIT_GAS = 3_000_000
"""The vault asks every venue what it holds, before it prices a share."""


def deposit_collateral(localnet: Localnet, deployment: Deployment, collateral_usd: float) -> AssetUnits:
    """Deposit into the vault and return what was deposited; three blocks, the last one holds the deposit.

    Raises
    ------
    FatalError
        The vault refuses the deposit.

    """
    depositor = localnet.manifest.accounts["depositor"]
    vault = deployment.contract("HedgeVault")
    assets = to_asset_units(collateral_usd, deployment.asset.decimals, Rounding.DOWN)
    localnet.fund_collateral(depositor, assets)
    approve = encode_call("approve(address,uint256)", vault, assets)
    deposit = encode_call("deposit(uint256,address)", assets, depositor)
    asset = Address(deployment.asset.address)
    localnet.chain.mine([Transaction("approve", depositor, asset, approve, _APPROVE_GAS)])
    localnet.chain.mine([Transaction("deposit", depositor, vault, deposit, _DEPOSIT_GAS)])
    return assets
