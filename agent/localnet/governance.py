"""What a governor does on the local chain: scheduled on `VaultAccess`, waited for, then called."""

from __future__ import annotations

from agent.localnet.codec import encode_call
from agent.localnet.evm import LocalChain, Transaction
from agent.units import Address, Seconds

_GAS = 3_000_000


def schedule_call(
    chain: LocalChain, access: Address, governor: Address, target: Address, signature: str, *arguments: object
) -> Seconds:
    """Schedule a call of ``target`` and return the time, Unix seconds, from which the governor can make it.

    Raises: `FatalError` when the governor may not schedule it, or the same call waits already.
    """
    payload = bytes.fromhex(encode_call(signature, *arguments).removeprefix("0x"))
    schedule = encode_call("schedule(address,bytes,uint48)", target, payload, 0)
    chain.mine([Transaction(f"schedule of {signature}", governor, access, schedule, _GAS)])
    hash_operation = "hashOperation(address,address,bytes)"
    (operation,) = chain.call(access, hash_operation, governor, target, payload, returns="(bytes32)")
    (ready_at,) = chain.call(access, "getSchedule(bytes32)", operation, returns="(uint48)")
    return Seconds(ready_at)


def governor_call(
    chain: LocalChain, access: Address, governor: Address, target: Address, signature: str, *arguments: object
) -> Seconds:
    """Schedule a call, move the chain's time to where its delay has passed, make it; return that time, Unix seconds.

    Prices do not move meanwhile, so the oracle's are stale afterwards: step the market next.

    Raises: `FatalError` when the governor may not, or the call reverts.
    """
    ready_at = schedule_call(chain, access, governor, target, signature, *arguments)
    chain.mine([Transaction(signature, governor, target, encode_call(signature, *arguments), _GAS)], ready_at)
    return ready_at
