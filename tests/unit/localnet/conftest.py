from __future__ import annotations

import pytest
from eth_utils.address import to_checksum_address

from agent.localnet.evm import ACCOUNT_ROLES
from agent.localnet.manifest import LocalnetManifest
from agent.localnet.registry import MARKET_PROTOCOLS

ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
GONE = 2**22 + 1
"""Process id above Linux's largest."""


@pytest.fixture
def manifest_of_a_dead_chain():
    return LocalnetManifest(
        rpc_url="http://127.0.0.1:8545",
        chain_id=31_337,
        pid=GONE,
        process_fingerprint="1",
        seed=7,
        start_unix=1_722_470_400,
        start_price_usd=3_200.0,
        base_fee_wei=20,
        usdc=ADDRESS,
        usdc_decimals=6,
        weth=ADDRESS,
        chainlink_aggregator=ADDRESS,
        venues={kind: dict.fromkeys(protocol.address_names, ADDRESS) for kind, protocol in MARKET_PROTOCOLS.items()},
        accounts={role: to_checksum_address(f"0x{index:040x}") for index, role in enumerate(ACCOUNT_ROLES, start=1)},
    )
