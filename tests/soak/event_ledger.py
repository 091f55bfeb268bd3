"""A second set of books: what a share is worth from the events of token, vault, venue and feed alone.

It shares no code with ``agent.ledger``: that one books the vault's own ``LegExecuted``, this one the venue's
``PositionChanged``, ``Deposited``, ``Withdrawn`` and ``FundingPaymentSettled``, the token's ``Transfer`` and the feed's
``AnswerUpdated``. Funding that is not settled yet follows from the venue's ``FundingUpdated``:

    growth   = sum of clamp(market TWAP - index TWAP) x seconds between two updates,
    owed     = size x (growth - growth at the account's last settlement) / 86,400,
    equity P = deposits - withdrawals + quote received - fees - funding paid - owed + size x P.

All numbers are integers in the units of the chain; every division rounds down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import decode
from eth_utils.crypto import keccak

WAD = 10**18
DAY = 86_400
MOST_FUNDING_PART = 10
"""The venue counts at most a tenth of the index as premium."""
_ZERO = "0x" + 40 * "0"


def topic_of(signature: str) -> str:
    """Topic of an event."""
    return "0x" + keccak(text=signature).hex()


TRANSFER = topic_of("Transfer(address,address,uint256)")
POSITION_CHANGED = topic_of("PositionChanged(address,address,int256,int256,uint256,int256,int256,uint256)")
FUNDING_PAID = topic_of("FundingPaymentSettled(address,address,int256)")
FUNDING_UPDATED = topic_of("FundingUpdated(address,uint256,uint256)")
DEPOSITED = topic_of("Deposited(address,address,uint256)")
WITHDRAWN = topic_of("Withdrawn(address,address,uint256)")
ANSWER_UPDATED = topic_of("AnswerUpdated(int256,uint256,uint256)")
TOPICS = (TRANSFER, POSITION_CHANGED, FUNDING_PAID, FUNDING_UPDATED, DEPOSITED, WITHDRAWN, ANSWER_UPDATED)


@dataclass(frozen=True)
class Places:
    """Whose events count, in small letters."""

    vault: str
    account: str
    """The venue's adapter, which holds the account."""
    asset: str
    clearing_house: str
    margin_vault: str
    exchange: str
    feed: str
    asset_decimals: int = 6
    feed_decimals: int = 8

    @property
    def addresses(self) -> list[str]:
        """Contracts whose logs are read."""
        return [self.vault, self.asset, self.clearing_house, self.margin_vault, self.exchange, self.feed]


class EventLedger:
    """The books up to the last log that was given."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.idle = 0
        """Asset units that the vault itself holds."""
        self.supply = 0
        self.size = 0
        self.price = 0
        self.hedges = 0
        """Changes of the position."""
        self._cash = 0
        self._growth = 0
        self._growth_settled = 0
        self._funding_at: int | None = None

    def take(self, logs: Sequence[Mapping[str, Any]], unix_of: Mapping[int, int]) -> None:
        """Book logs in the order of the chain; ``unix_of`` dates their blocks."""
        for log in logs:
            name, emitter = log["topics"][0], log["address"].lower()
            data = bytes.fromhex(log["data"][2:])
            places = self._places
            if (name, emitter) == (TRANSFER, places.asset):
                self._moved(log["topics"], int.from_bytes(data, "big"))
            elif (name, emitter) == (TRANSFER, places.vault):
                self._minted(log["topics"], int.from_bytes(data, "big"))
            elif (name, emitter) == (FUNDING_UPDATED, places.exchange):
                self._funding_moved(*decode(["uint256", "uint256"], data), unix_of[int(log["blockNumber"], 16)])
            elif (name, emitter) == (ANSWER_UPDATED, places.feed):
                self.price = int(log["topics"][1], 16) * 10 ** (18 - places.feed_decimals)
            elif name == POSITION_CHANGED and _is(log["topics"][1], places.account):
                self._traded(*decode(["int256"] * 2 + ["uint256"], data[:96]))
            elif name == FUNDING_PAID and _is(log["topics"][1], places.account):
                self._settled(*decode(["int256"], data))
            elif name in (DEPOSITED, WITHDRAWN) and _is(log["topics"][2], places.account):
                sign = 1 if name == DEPOSITED else -1
                self._cash += sign * self._wad(int.from_bytes(data, "big"))

    @property
    def funding_owed(self) -> int:
        """Funding since the account's last settlement, WAD USD."""
        return self.size * (self._growth - self._growth_settled) // WAD // DAY

    @property
    def nav(self) -> int:
        """What the vault holds at the feed's price, WAD USD."""
        equity = self._cash - self.funding_owed + self.size * self.price // WAD
        return self._wad(self.idle) + max(equity, 0)

    def _wad(self, units: int) -> int:
        return units * 10 ** (18 - self._places.asset_decimals)

    def _moved(self, topics: Sequence[str], amount: int) -> None:
        self.idle += amount * (_is(topics[2], self._places.vault) - _is(topics[1], self._places.vault))

    def _minted(self, topics: Sequence[str], amount: int) -> None:
        self.supply += amount * (_is(topics[1], _ZERO) - _is(topics[2], _ZERO))

    def _traded(self, size: int, quote: int, fee: int) -> None:
        """A trade settles funding first; where none was due no event says so."""
        self._growth_settled = self._growth
        self._cash += quote - fee
        self.size += size
        self.hedges += 1

    def _settled(self, paid: int) -> None:
        self._cash -= paid
        self._growth_settled = self._growth

    def _funding_moved(self, market: int, index: int, at_unix: int) -> None:
        if self._funding_at is not None:
            most = index // MOST_FUNDING_PART
            self._growth += max(-most, min(most, market - index)) * (at_unix - self._funding_at)
        self._funding_at = at_unix


def _is(topic: str, address: str) -> bool:
    return topic[-40:].lower() == address[2:].lower()
