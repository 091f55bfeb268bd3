"""The call that has an order executed where the venue lets anybody: with an update of Pyth's, and its fee."""

from __future__ import annotations

from eth_abi.abi import encode

from agent.chain.abi import Call, load_abi
from agent.chain.client import ChainClient
from agent.chain.orders import VenueOrder, order_id_bytes
from agent.domain import BlockRef
from agent.keeper.price_updates import PriceUpdates
from agent.units import Address, Seconds, Wei
from agent.venues.protocol import VenueProtocol
from agent.venues.views import follow_views, read_views


def settle_call(
    client: ChainClient, protocol: VenueProtocol, order: VenueOrder, prices: PriceUpdates, head: BlockRef
) -> Call | None:
    """Return the call of the adapter's ``settle`` with the first price of the order's window; None while there is none.

    The first one, so that nobody chooses among the prices of the window.

    Raises
    ------
    TransientError
        The price service or a view does not answer.

    """
    way = protocol.settlement
    if way is None:
        return None
    published_from = Seconds(order.requested_at + way.least_age_seconds)
    if head.timestamp < published_from:
        return None
    rates, market = follow_views(client, head, [(order.venue, way.rates), (order.venue, way.market)])
    ((asset,),) = read_views(client, [way.asset.at(market)], head)
    (feed_id,), (oracle,) = read_views(client, [way.feed.at(rates, asset), way.oracle.at(rates)], head)
    updates = prices.first_from(feed_id, published_from)
    if updates is None:
        return None
    ((fee_wei,),) = read_views(client, [way.update_fee.at(Address(oracle), list(updates))], head)
    call = load_abi("IPerpVenue").function("settle")
    settle = call.at(order.venue, order_id_bytes(order.order_id), encode(["bytes[]"], [list(updates)]))
    return Call(settle.to, settle.data, settle.function, Wei(fee_wei))
