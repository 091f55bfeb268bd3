"""One short number of a whole plan: another address, parameter, contract or chain gives another one."""

from __future__ import annotations

import json

from eth_utils.crypto import keccak

from agent.deploy.blueprint import Blueprint
from agent.deploy.state import ChainState
from agent.units import Address

DIGEST_CHARACTERS = 16


def standing_on(blueprint: Blueprint) -> dict[str, Address]:
    """Return the contracts that a deployment stands on and does not deploy, by name."""
    inputs = blueprint.inputs
    named = {
        "asset": inputs.asset,
        "price_feed": inputs.price_feed,
        "secondary_feed": inputs.secondary_feed,
        "collateral_feed": inputs.collateral_feed,
        "sequencer_feed": inputs.sequencer_feed,
        "underlying_token": inputs.underlying_token,
    }
    dao = blueprint.network.dao
    if dao is not None and dao.new_token is None:
        named["[dao] token"] = dao.token
    named |= {f"venue {one.name} {name}": address for one in inputs.venues for name, address in one.addresses.items()}
    return {name: Address(address) for name, address in named.items() if address is not None}


def digest_of(blueprint: Blueprint, state: ChainState) -> str:
    """Return the digest of a plan; steps done meanwhile do not change it."""
    steps = [(step.title, (sent := step.planned()).to, sent.data, sent.value) for step in blueprint.steps]
    code_hashes = {
        name: (address, "0x" + keccak(state.code(address)).hex()) for name, address in standing_on(blueprint).items()
    }
    content = {
        "chain_id": blueprint.network.chain.chain_id,
        "deployer": blueprint.inputs.deployer,
        "steps": steps,
        "standing_on": code_hashes,
    }
    return keccak(text=json.dumps(content, sort_keys=True)).hex()[:DIGEST_CHARACTERS]
