"""What a keeper's key has to have before it may start."""

from __future__ import annotations

from agent.chain.abi import load_abi
from agent.domain import BlockRef
from agent.errors import DataError, RejectedError
from agent.execution.signer import Signer
from agent.execution.submit import require_gas_money
from agent.keeper.planner import Planner
from agent.units import Rounding, Wei, gwei_to_wei


def require_able(planner: Planner, signer: Signer, head: BlockRef) -> None:
    """Raise `DataError` when the key may not rebalance, or cannot pay for it."""
    access = planner.deployment.contract("VaultAccess")
    try:
        planner.client.read([load_abi("VaultAccess").function("requireKeeper").at(access, signer.address)], head)
    except RejectedError as rejection:
        raise DataError(
            f"key {signer.address} is no keeper of the vault ({rejection}); use the keeper's key, or have the governor "
            f"grant it KEEPER_ROLE, which waits {planner.deployment.governor_delay_seconds} s"
        ) from None
    _, _, balance = planner.client.account(signer.address, head)
    settings = planner.settings
    tip = gwei_to_wei(settings.execution.priority_fee_gwei, Rounding.UP)
    gas_units = settings.costs.rebalance_gas_units
    data_fee = planner.data_fee(gas_units, head)
    require_gas_money(signer.address, balance, Wei(gas_units * (head.base_fee_wei + tip) + data_fee))
