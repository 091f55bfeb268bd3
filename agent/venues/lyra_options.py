"""Options of Lyra v1 through the vault's `LyraOptionVenue`: what is offered at a block, and the call that trades."""

from __future__ import annotations

from collections.abc import Sequence

from agent.chain.abi import Call, load_abi
from agent.chain.client import ChainClient
from agent.domain import BlockRef
from agent.option_venue import OptionOffer, OptionOrder, OptionQuote, OptionVenueState
from agent.units import WAD, Address, IntentId, Seconds, Wad

Series = tuple[int, bool, int, int, int]
"""Strike id, call or put, strike, expiry, volatility."""


def read_option_venue(client: ChainClient, venue: Address, block: BlockRef, sizes: Sequence[Wad]) -> OptionVenueState:
    """Read all that Lyra lists within the venue's longest time to expiry, with a ladder of purchases of ``sizes``.

    Raises
    ------
    RejectedError
        The venue cannot be read: its vault has no healthy price, or its book's source refuses.
    TransientError
        The block is unknown, or the quorum does not agree.

    """
    own = load_abi("LyraOptionVenue")
    plain = ("quotes", "caps", "risk", "available", "holdings", "freeCollateral", "MAX_HOLDINGS")
    answers = client.read([own.function(name).at(venue) for name in plain], block)
    (quotes,), (caps,), (risk,), (premium, loss), (holdings,), (cash,), (most,) = answers
    max_expiry = Seconds(block.timestamp + caps[4])
    listed = [one for one in _listed(client, quotes, block) if one[3] > block.timestamp]
    held = {(one[1], bool(one[2])): one for one in holdings}
    quote = own.function("quoteOption")
    calls = [quote.at(venue, strike, is_call, size) for strike, is_call, *_ in listed for size in sizes]
    costs = iter(client.read_or_none(calls, block))
    sales = [(strike, is_call) for strike, is_call, *_ in listed if (strike, is_call) in held]
    bids = client.read_or_none([quote.at(venue, *key, -held[key][3]) for key in sales if held[key][3]], block)
    bid_of = dict(zip([key for key in sales if held[key][3]], bids, strict=True))
    offers = []
    for strike_id, is_call, strike, expiry, iv in listed:
        asks = tuple(OptionQuote(size, _first(next(costs))) for size in sizes)
        key = (strike_id, is_call)
        size = Wad(held[key][3]) if key in held else Wad(0)
        offers.append(
            OptionOffer(
                strike_id,
                is_call,
                Wad(strike),
                Seconds(expiry),
                Wad(iv),
                asks if expiry <= max_expiry else (),
                size,
                _first(bid_of.get(key)),
            )
        )
    return OptionVenueState(
        venue,
        block,
        Wad(cash),
        Wad(premium),
        Wad(loss),
        Wad(max(caps[0] - risk[3], 0)),
        Wad(max(caps[1] - risk[4], 0)),
        max_expiry,
        int(most) - len(holdings),
        tuple(offers),
    )


def trade_call(
    venue: Address, intent_id: IntentId, decided_at: BlockRef, deadline: Seconds, orders: Sequence[OptionOrder]
) -> Call:
    """Return the call that trades, bound to the block it was decided on as a rebalance is."""
    bound = (_bytes(intent_id), decided_at.number, _bytes(decided_at.hash), deadline)
    encoded = [(one.strike_id, one.is_call, one.size_delta, one.limit_cost) for one in orders]
    return load_abi("IOptionVenue").function("trade").at(venue, bound, encoded)


def _listed(client: ChainClient, quotes: Address, block: BlockRef) -> list[Series]:
    """Return every live option of Lyra's."""
    own, lists = load_abi("LyraQuotes"), load_abi("ILyraBoards")
    ((market,),) = client.read([own.function("market").at(quotes)], block)
    ((boards,),) = client.read([lists.function("getLiveBoards").at(market)], block)
    found = client.read([lists.function("getBoardStrikes").at(market, board) for board in boards], block)
    keys = [(strike, is_call) for (strikes,) in found for strike in strikes for is_call in (True, False)]
    series = client.read([own.function("seriesOf").at(quotes, *key) for key in keys], block)
    return [
        (strike, is_call, one[3], one[4], one[5] * one[6] // WAD)
        for (strike, is_call), (one,) in zip(keys, series, strict=True)
    ]


def _first(answer: tuple[int, ...] | None) -> Wad | None:
    return None if answer is None else Wad(answer[0])


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
