"""What a deployment reads from the chain: code, balances and getters at the head."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from agent.chain import shapes
from agent.chain.abi import Function, Log, load_abi
from agent.chain.block_id import BlockId
from agent.chain.client import ChainClient
from agent.chain.failures import RevertedError
from agent.chain.reverts import decode_revert
from agent.domain import BlockRef
from agent.errors import DataError, TransientError
from agent.units import Address, Wei

LAG_SECONDS = 120
"""How long a server may be behind another one."""
_LATEST = "latest"
_POLL_SECONDS = 0.2


class ChainState:
    """The head of one chain; every answer is of the moment it is asked for."""

    def __init__(self, client: ChainClient) -> None:
        self.client = client

    def code(self, address: Address) -> bytes:
        """Return the code at an address; empty where there is no contract."""
        return self.client.told(shapes.code, "eth_getCode", address, _LATEST)

    def balance(self, address: Address) -> Wei:
        """Return the ether of an account."""
        method = "eth_getBalance"
        return Wei(self.client.told(partial(shapes.quantity, what=method), method, address, _LATEST))

    def head(self) -> BlockRef:
        """Return the newest block of the server that is asked."""
        return self.client.told(shapes.block, "eth_getBlockByNumber", _LATEST, False)

    def logs(self, address: Address, topic: str, first: int, last: int) -> list[Log]:
        """Return what a contract told under one topic from block ``first`` to ``last``, in ranges that servers take."""
        return self.client.logs([address], [topic], first, BlockId.of(self.client.block(last)), None) or []

    def wait_for(self, block_number: int) -> None:
        """Wait until the server that is asked has a block: another one than the one that took the transaction may lag.

        Raises
        ------
        TransientError
            It lags for longer than `LAG_SECONDS`.

        """
        deadline = time.monotonic() + LAG_SECONDS
        while (head := self.head().number) < block_number:
            if time.monotonic() > deadline:
                raise TransientError(
                    f"a server is still at block {head}, not {block_number}, after {LAG_SECONDS} s; run this again, or "
                    "take it out of [chain] rpc_urls"
                )
            time.sleep(_POLL_SECONDS)

    def read(self, contract: str, address: Address, name: str, *arguments: object) -> Any:
        """Return what a view of one of our contracts answers: one value, or a tuple of several.

        Raises
        ------
        DataError
            It reverts, or no such contract stands there.

        """
        return self.ask(load_abi(contract).function(name), address, *arguments)

    def ask(self, function: Function, address: Address, *arguments: object) -> Any:
        """As `read`, for any function."""
        data = function.encode(*arguments)
        try:
            answer = self.client.told(_returned, "eth_call", {"to": address, "data": data}, _LATEST)
            outputs = tuple(
                checksummed(kind, value) for kind, value in zip(function.outputs, function.decode(answer), strict=True)
            )
        except RevertedError as reverted:
            raise DataError(f"{address} refuses {function.name}: {decode_revert(reverted.data)}") from None
        except DecodingError:
            raise DataError(f"{address} does not answer {function.name} as expected; check the address") from None
        return outputs[0] if len(outputs) == 1 else outputs


_returned = partial(shapes.data, what="eth_call")


def checksummed(kind: str, value: Any) -> Any:
    """Return a decoded value with the addresses in it checksummed."""
    if kind == "address":
        return Address(to_checksum_address(value))
    if kind == "address[]":
        return tuple(Address(to_checksum_address(one)) for one in value)
    return value
