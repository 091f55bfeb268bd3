"""Orders of venues that fill later, as the venue's state has them at a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from agent.chain.abi import load_abi
from agent.chain.client import ChainClient
from agent.domain import BlockRef
from agent.errors import DataError
from agent.units import Address, Seconds, Wad


class OrderStatus(IntEnum):
    """``IPerpVenue.OrderStatus``."""

    NONE = 0
    PENDING = 1
    FILLED = 2
    CANCELLED = 3
    EXPIRED = 4
    PARTLY_FILLED = 5
    FROZEN = 6

    @property
    def is_open(self) -> bool:
        """Whether what is left of the order may still fill."""
        return self in (OrderStatus.PENDING, OrderStatus.PARTLY_FILLED, OrderStatus.FROZEN)

    @property
    def words(self) -> str:
        """As people read it."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """``IPerpVenue.Order`` with where it stands; sizes in underlying units, prices and fees in USD, all WAD.

    ``max_fee`` is of the whole order; from ``expires_at`` on anyone may cancel it.
    """

    venue: Address
    order_id: str
    status: OrderStatus
    size_delta: Wad
    filled_size_delta: Wad
    limit_price: Wad
    execution_price: Wad
    fee: Wad
    max_fee: Wad
    requested_at: Seconds
    expires_at: Seconds

    @property
    def left(self) -> Wad:
        """What may still fill."""
        return Wad(self.size_delta - self.filled_size_delta) if self.status.is_open else Wad(0)


OrderKey = tuple[Address, str]
"""Venue, and the order's id, 0x-prefixed."""


def read_orders(client: ChainClient, keys: Sequence[OrderKey], block: BlockRef) -> list[VenueOrder]:
    """Return orders as their venues' state has them at ``block``; one whose venue does not answer is left out.

    Raises
    ------
    DataError
        A venue knows no order of that id.
    TransientError
        As `ChainClient.read` does.

    """
    if not keys:
        return []
    view = load_abi("IPerpVenue").function("order")
    answers = client.read_or_none([view.at(venue, order_id_bytes(order_id)) for venue, order_id in keys], block)
    return [
        _order(venue, order_id, answer[0])
        for (venue, order_id), answer in zip(keys, answers, strict=True)
        if answer is not None
    ]


def order_id_bytes(order_id: str) -> bytes:
    """Return an order's id as the chain takes it."""
    return bytes.fromhex(order_id.removeprefix("0x"))


def _order(venue: Address, order_id: str, fields: Sequence[int]) -> VenueOrder:
    status, *amounts, requested_at, expires_at = fields
    if OrderStatus(status) is OrderStatus.NONE:
        raise DataError(f"venue {venue} knows no order {order_id}; is the manifest of another deployment?")
    size, filled, limit, price, fee, max_fee = map(Wad, amounts)
    times = Seconds(requested_at), Seconds(expires_at)
    return VenueOrder(venue, order_id, OrderStatus(status), size, filled, limit, price, fee, max_fee, *times)
