"""What executing an order takes in gas, beside the transaction that asks for it: venue by venue, as the chain tells.

Where an account pays for its executions in ether, the venue's own view of that payment, asked for at a price of gas and
divided by it, is gas. Where the keeper settles orders itself it is what a settlement is set to burn. What no view tells
any more is what it told last.
"""

from __future__ import annotations

from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef, OrderGas
from agent.errors import DataError, RejectedError, TransientError
from agent.rounding import div_up
from agent.units import Address, Wei
from agent.venues.execution_ether import ether_accounts
from agent.venues.registry import venue_protocol
from agent.venues.views import follow_views

_READ_GAS = 3_000_000
"""Of one view."""


class OrderGasReader:
    """Of the venues of one vault.

    ``settling_gas``: what settling an order burns, None where the keeper settles none.
    """

    def __init__(self, client: ChainClient, deployment: Deployment, settling_gas: int | None) -> None:
        self._client = client
        self._ether = ether_accounts(deployment)
        self._holders: dict[Address, Address] = {}
        self._found: dict[Address, OrderGas] = {}
        if settling_gas is None:
            return
        own = OrderGas(settling_gas, settling_gas, settling_gas)
        for entry in deployment.venues:
            if venue_protocol(entry.kind, f"venue {entry.name}").settlement is not None:
                self._found[Address(entry.address)] = own

    @property
    def is_known(self) -> bool:
        """Whether there is nothing to ask the chain for."""
        return not self._ether

    @property
    def last(self) -> dict[Address, OrderGas]:
        """What was found last."""
        return dict(self._found)

    def read(self, sender: Address, block: BlockRef, gas_price_wei: Wei) -> dict[Address, OrderGas]:
        """Return what the venues tell at ``block``, asked by ``sender`` at a price of gas; none of them raises.

        A trade past 0 is two orders, each paid for as the dearer one.
        """
        price = max(gas_price_wei, 1)
        for venue, ether in self._ether.items():
            try:
                if venue not in self._holders:
                    [self._holders[venue]] = follow_views(self._client, block, [(venue, ether.holder)])
                calls = [ether.fee.at(self._holders[venue], is_opening) for is_opening in (True, False)]
                outputs = self._client.read_priced(sender, calls, _READ_GAS, block, Wei(price))
            except (RejectedError, TransientError, DataError):
                continue
            opening, closing = (div_up(fee, price) for (fee,) in outputs)
            self._found[venue] = OrderGas(opening, closing, 2 * max(opening, closing))
        return self.last
