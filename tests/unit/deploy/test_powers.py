"""Empty arguments for a function of any type: what a role is asked with."""

from __future__ import annotations

from eth_abi.abi import decode

from agent.chain.abi import signature_of, type_of
from agent.deploy.artifact import load_artifact
from agent.deploy.powers import empty_call

CONTRACTS = ("HedgeVault", "RebalanceGuard", "VaultAccess", "OptionBook", "IntentRelay", "VenueRegistry")


def test_empty_call__every_function_of_our_contracts__decodes():
    count = 0
    for name in CONTRACTS:
        for entry in load_artifact(name).abi:
            if entry["type"] != "function":
                continue
            types = [type_of(parameter) for parameter in entry["inputs"]]
            data = bytes.fromhex(empty_call(entry).removeprefix("0x"))
            assert len(decode(types, data[4:])) == len(types), signature_of(entry)
            count += 1
    assert count > 100
