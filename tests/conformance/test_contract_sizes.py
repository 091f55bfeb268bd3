"""Every contract fits what a chain takes: adapters and what they read, as well as the vault."""

from __future__ import annotations

import pytest

from agent.chain.artifacts import BUILD, load_artifacts

LIMIT = 24_576
"""Bytes, EIP-170."""


# HEDGE-024
@pytest.mark.chain
def test_contracts__compiled_for_deployment__are_smaller_than_a_chain_takes():
    sizes = {one["contractName"]: len(one["deployedBytecode"]) // 2 for one in load_artifacts(BUILD)}
    assert sizes["GmxV2Market"] > 0
    assert {name: size for name, size in sizes.items() if size >= LIMIT} == {}
