"""Options of Lyra v1 through the vault's `LyraOptionVenue`: what is offered at a block, and at what volatility."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agent.chain.abi import Event, Function, load_abi
from agent.chain.client import ChainClient
from agent.domain import BlockRef
from agent.option_venue import HeldOption, OptionOffer, OptionQuote, OptionVenueState
from agent.units import WAD, Address, Seconds, Wad
from agent.venues.protocol import OptionProtocol, OptionSettlementEvent

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
    plain = ("quotes", "caps", "risk", "available", "holdings", "freeCollateral", "MAX_HOLDINGS", "source")
    answers = client.read([own.function(name).at(venue) for name in plain], block)
    (quotes,), (caps,), (risk,), (premium, loss), (holdings,), (cash,), (most,), (source,) = answers
    (limits,) = client.read_or_none([load_abi("LyraOptions").function("limits").at(source)], block)
    _, _, iv_tolerance, carry_tolerance = limits or (0, 0, 0, 0)  # no source is bound yet: nothing may be bought
    max_expiry = Seconds(block.timestamp + caps[4])
    listed = [one for one in _listed(client, quotes, block) if one[3] > block.timestamp]
    held = {(one[1], bool(one[2])): Wad(one[3]) for one in holdings}
    return OptionVenueState(
        address=venue,
        block=block,
        cash=Wad(cash),
        premium_left=Wad(premium),
        loss_left=Wad(loss),
        gamma_left=Wad(max(caps[0] - risk[3], 0)),
        vega_left=Wad(max(caps[1] - risk[4], 0)),
        max_expiry=max_expiry,
        room=int(most) - len(holdings),
        iv_tolerance=Wad(iv_tolerance),
        carry_tolerance=Wad(carry_tolerance),
        offers=_offers(client, venue, block, sizes, listed, held, max_expiry),
    )


def _offers(
    client: ChainClient,
    venue: Address,
    block: BlockRef,
    sizes: Sequence[Wad],
    listed: Sequence[Series],
    held: Mapping[tuple[int, bool], Wad],
    max_expiry: Seconds,
) -> tuple[OptionOffer, ...]:
    """Return every option listed with its quotes: purchases of ``sizes``, and the sale of all that is held."""
    quote = load_abi("IOptionVenue").function("quoteOption")
    keys = [(strike_id, is_call) for strike_id, is_call, *_ in listed]
    costs = client.read_or_none([quote.at(venue, *key, size) for key in keys for size in sizes], block)
    sold = [key for key in keys if held.get(key)]
    found = client.read_or_none([quote.at(venue, *key, -held[key]) for key in sold], block)
    bids = dict(zip(sold, found, strict=True))
    width = len(sizes)
    return tuple(
        OptionOffer(
            strike_id,
            is_call,
            Wad(strike),
            Seconds(expiry),
            Wad(iv),
            tuple(
                OptionQuote(size, _first(cost))
                for size, cost in zip(sizes, costs[at * width : (at + 1) * width], strict=True)
                if expiry <= max_expiry
            ),
            held.get((strike_id, is_call), Wad(0)),
            _first(bids.get((strike_id, is_call))),
        )
        for at, (strike_id, is_call, strike, expiry, iv) in enumerate(listed)
    )


def read_volatilities(
    client: ChainClient, venue: Address, held: Sequence[HeldOption], block: BlockRef
) -> tuple[Wad, ...]:
    """Return Lyra's volatility of each option held, per year; raises as `ChainClient.read`."""
    ((quotes,),) = client.read([load_abi("LyraOptionVenue").function("quotes").at(venue)], block)
    series = load_abi("LyraQuotes").function("seriesOf")
    found = client.read([series.at(quotes, one.strike_id, one.is_call) for one in held], block)
    return tuple(_volatility(one) for (one,) in found)


def _listed(client: ChainClient, quotes: Address, block: BlockRef) -> list[Series]:
    """Return every live option of Lyra's."""
    own, lists = load_abi("LyraQuotes"), load_abi("ILyraBoards")
    ((market,),) = client.read([own.function("market").at(quotes)], block)
    ((boards,),) = client.read([lists.function("getLiveBoards").at(market)], block)
    found = client.read([lists.function("getBoardStrikes").at(market, board) for board in boards], block)
    keys = [(strike, is_call) for (strikes,) in found for strike in strikes for is_call in (True, False)]
    series = client.read([own.function("seriesOf").at(quotes, *key) for key in keys], block)
    return [
        (strike, is_call, one[3], one[4], _volatility(one))
        for (strike, is_call), (one,) in zip(keys, series, strict=True)
    ]


def _first(answer: tuple[int, ...] | None) -> Wad | None:
    return None if answer is None else Wad(answer[0])


def _volatility(series: Sequence[int]) -> Wad:
    """Return the board's volatility times the strike's skew."""
    return Wad(series[5] * series[6] // WAD)


def _address_view(name: str) -> Function:
    return Function.from_abi({"name": name, "inputs": [], "outputs": [{"name": "", "type": "address"}]})


def _parameter(name: str, kind: str, *, is_indexed: bool = False) -> dict[str, object]:
    return {"name": name, "type": kind, "indexed": is_indexed}


_POSITION_SETTLED = Event.from_abi(
    {
        "name": "PositionSettled",
        "inputs": [
            _parameter("positionId", "uint256", is_indexed=True),
            _parameter("settler", "address", is_indexed=True),
            _parameter("optionOwner", "address", is_indexed=True),
            _parameter("strikePrice", "uint256"),
            _parameter("priceAtExpiry", "uint256"),
            _parameter("optionType", "uint8"),
            _parameter("amount", "uint256"),
            _parameter("settlementAmount", "uint256"),
            _parameter("insolventAmount", "uint256"),
        ],
    }
)
"""Of `ShortCollateral`, which pays options out, whoever asked for it."""

LYRA = OptionProtocol(
    title="Lyra v1",
    adapter="LyraOptionVenue",
    read_state=read_option_venue,
    read_volatilities=read_volatilities,
    settled=OptionSettlementEvent(
        event=_POSITION_SETTLED,
        emitter=(_address_view("quotes"), _address_view("shortCollateral")),
        holder="optionOwner",
        position="positionId",
        size="amount",
        paid="settlementAmount",
    ),
)
