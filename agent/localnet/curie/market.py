"""Curie's market on a running local chain: its pool follows the published price, within the venue's own limits."""

from __future__ import annotations

from agent.backtest.pool_pace import RAMP_SECONDS, parts_of_move
from agent.localnet.curie.actors import Arbitrageur, FundingPoker, record_price
from agent.localnet.curie.contracts import CurieAddresses
from agent.localnet.curie.pool_math import price_from_sqrt_x96, sqrt_price_x96, ticks_between
from agent.localnet.evm import LocalChain, Transaction
from agent.localnet.market import Addresses
from agent.localnet.price_feed import PriceMove, answer_to_wad, feed_answer
from agent.units import AssetUnits, Seconds, from_wad

_SLOT0 = "(uint160,int24,uint16,uint16,uint16,uint8,bool)"
_MARK_SETTLE_SECONDS = 15
"""Window of the shortest average in the mark price: after it the mark has followed the pool."""


class CurieMarket:
    """The pool, who trades it to the index, and who settles its funding."""

    def __init__(self, chain: LocalChain, accounts: Addresses, addresses: CurieAddresses) -> None:
        self.addresses = addresses
        self._chain = chain
        self._publisher = accounts["publisher"]
        self.arbitrageur = Arbitrageur(accounts["arbitrageur"], addresses)
        self._poker = FundingPoker(accounts["funding_poker"], addresses)

    def schedule(self, answer: AssetUnits, last_unix: Seconds, end_unix: Seconds) -> list[PriceMove]:
        """Split a move where it is too large for one price window."""
        return schedule_moves(self.pool_sqrt_x96(), answer, last_unix, end_unix)

    def follow(self, answer: AssetUnits) -> list[Transaction]:
        """Record the published price and trade the pool to it."""
        recorded = record_price(self._publisher, self.addresses)
        target = sqrt_price_x96(answer_to_wad(answer))
        return [recorded, *self.arbitrageur.trade_to(target, self.pool_sqrt_x96())]

    def settle(self) -> list[Transaction]:
        """Settle funding now, which also starts the venue's next price window."""
        return self._poker.poke()

    def tend(self, at_unix: Seconds) -> list[Transaction]:  # noqa: ARG002 - trades settle at once
        """Return nothing: no order waits here."""
        return []

    def price_usd(self) -> float:
        """Return the pool's price."""
        return price_from_sqrt_x96(self.pool_sqrt_x96())

    def pool_sqrt_x96(self) -> int:
        """Square root of the pool's price, in the pool's format."""
        return int(self._chain.call(self.addresses.pool, "slot0()", returns=_SLOT0)[0])


def schedule_moves(pool_sqrt_x96: int, answer: AssetUnits, last_unix: Seconds, end_unix: Seconds) -> list[PriceMove]:
    """Split a step into publications: one, or several where the move is too large for one price window.

    The last is at the new price, as early before ``end_unix`` as the mark price needs to follow.
    """
    settle = end_unix - _MARK_SETTLE_SECONDS
    if settle <= last_unix:
        return [PriceMove(end_unix, answer)]
    distance = abs(ticks_between(pool_sqrt_x96, sqrt_price_x96(answer_to_wad(answer))))
    parts = parts_of_move(distance, settle - last_unix)
    from_usd, to_usd = price_from_sqrt_x96(pool_sqrt_x96), from_wad(answer_to_wad(answer))
    ramp = [
        PriceMove(Seconds(settle - left * RAMP_SECONDS), feed_answer(to_usd * (from_usd / to_usd) ** (left / parts)))
        for left in range(parts - 1, 0, -1)
    ]
    return [*ramp, PriceMove(Seconds(settle), answer)]
