"""Put test dollars into a vault as one of its members: mint them, approve them, deposit them.

    python examples/deposit.py deployments/11155111.json 400000

The member's key comes from EVENKEEL_MEMBER_KEY, the node from EVENKEEL_RPC_URLS. Only a test dollar lets anyone mint.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from eth_account import Account
from web3 import Web3

from agent.chain.artifacts import load_artifact
from agent.chain.deployment import Deployment

PRICE_TOLERANCE_BPS = 10
"""Shares may be dearer by so much than they were asked for a moment ago; beyond, the vault refuses the deposit."""


def main(manifest: str, dollars: str) -> None:
    """Deposit ``dollars`` whole dollars into the vault of a manifest."""
    deployment = Deployment.model_validate_json(Path(manifest).read_bytes())
    node = Web3(Web3.HTTPProvider(os.environ["EVENKEEL_RPC_URLS"].split(",")[0]))
    member = Account.from_key(os.environ["EVENKEEL_MEMBER_KEY"])
    asset = node.eth.contract(
        Web3.to_checksum_address(deployment.asset.address), abi=load_artifact("UsdcDouble")["abi"]
    )
    vault_address = Web3.to_checksum_address(deployment.contract("HedgeVault"))
    vault = node.eth.contract(vault_address, abi=load_artifact("HedgeVault")["abi"])
    units = int(dollars) * 10**deployment.asset.decimals

    def send(call: Any) -> None:
        fields = {"from": member.address, "nonce": node.eth.get_transaction_count(member.address)}
        signed = member.sign_transaction(call.build_transaction(fields))
        receipt = node.eth.wait_for_transaction_receipt(node.eth.send_raw_transaction(signed.raw_transaction))
        if receipt["status"] != 1:
            sys.exit(f"{call.fn_name} reverted in {receipt['transactionHash'].hex()}")

    send(asset.functions.mint(member.address, units))
    send(asset.functions.approve(vault_address, units))
    expected = vault.functions.previewDeposit(units).call()
    least = expected * (10_000 - PRICE_TOLERANCE_BPS) // 10_000
    send(vault.functions.deposit(units, member.address, least))
    shares, decimals = vault.functions.balanceOf(member.address).call(), vault.functions.decimals().call()
    print(f"{member.address} holds {shares / 10**decimals:,.2f} shares")


if __name__ == "__main__":
    main(*sys.argv[1:])
