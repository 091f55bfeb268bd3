"""Collateral that a protocol pays back after a delay, found on chain hour by hour, whether anybody told of it or not.

An adapter counts this hour and the last by itself, others once they are noted. So an hour of which something is owed is
noted while it is the last one, and older ones where the account is worth less than with all of them; and each is
claimed once a simulation says that it is due.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agent.chain.abi import Call, load_abi
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.domain import BlockRef
from agent.errors import AgentError
from agent.units import Address, Seconds
from agent.venues.protocol import DelayedCollateral
from agent.venues.registry import venue_protocol
from agent.venues.views import BALANCE_OF, follow_views, read_views

LOOK_BACK_HOURS = 240
"""Looked through at the start: twice the five days after which GMX pays."""
LOOK_INTERVAL_SECONDS = Seconds(600)
"""A few times in the hour in which the adapter counts what is owed by itself."""


@dataclass
class _Account:
    """One venue account, the hours of which something is owed with its tokens, and how far that was looked for."""

    venue: Address
    views: DelayedCollateral
    holder: tuple[Address, ...] = ()
    tokens: tuple[Address, ...] = ()
    owed: dict[int, tuple[Address, ...]] = field(default_factory=dict)
    scanned: int | None = None
    looks_at: int = 0


class DelayedCollateralFinder:
    """Of the venues of one vault; most know no such collateral."""

    def __init__(self, client: ChainClient, deployment: Deployment) -> None:
        self._client = client
        found = {
            Address(entry.address): venue_protocol(entry.kind, f"venue {entry.name}").delayed_collateral
            for entry in deployment.venues
        }
        self._accounts = [_Account(venue, views) for venue, views in found.items() if views is not None]
        self._done: set[tuple[Address, str]] = set()

    def selectors(self) -> Mapping[Address, frozenset[str]]:
        """Return how the calls that may be due begin, by venue."""
        return {
            account.venue: frozenset("0x" + one.selector.hex() for one in (account.views.note, account.views.claim))
            for account in self._accounts
        }

    def is_done(self, call: Call) -> None:
        """Take note that a call was carried out: an hour that is noted stays so."""
        self._done.add((call.to, call.data))

    def due(self, block: BlockRef) -> Iterator[Call]:
        """Give what is to be called by ``block``: what is not noted, then what may be claimed.

        A venue that does not answer is asked again by the next block; nothing of it is due meanwhile.
        """
        for account in self._accounts:
            if block.timestamp < account.looks_at:
                continue
            try:
                now = self._look(account, block)
            except AgentError:
                continue
            yield from self._to_note(account, now, block)
            for hour, tokens in sorted(account.owed.items()):
                yield from (account.views.claim.at(account.venue, token, hour) for token in tokens)
            account.looks_at = block.timestamp + LOOK_INTERVAL_SECONDS

    def _look(self, account: _Account, block: BlockRef) -> int:
        """Bring what is owed up to ``block``; return its hour."""
        views, venue = account.views, account.venue
        if not account.holder:
            account.holder = tuple(follow_views(self._client, block, [(venue, views.holder)]))
        [holder] = account.holder
        if not account.tokens:
            account.tokens = tuple(follow_views(self._client, block, [(holder, (token,)) for token in views.tokens]))
        [(now,)] = read_views(self._client, [views.hour.at(holder)], block)
        first = now - LOOK_BACK_HOURS if account.scanned is None else account.scanned - 1
        hours = sorted({*range(max(first, 0), now + 1), *account.owed})
        asked = [(hour, token) for hour in hours for token in account.tokens]
        calls = [views.owed.at(holder, venue, token, hour) for hour, token in asked]
        found: dict[int, tuple[Address, ...]] = {}
        for (hour, token), (owed,) in zip(asked, read_views(self._client, calls, block), strict=True):
            if owed:
                found[hour] = (*found.get(hour, ()), token)
        account.owed, account.scanned = found, now
        return int(now)

    def _to_note(self, account: _Account, now: int, block: BlockRef) -> Iterator[Call]:
        """Give what notes the hours that are over, one before the last only where the account does not count it."""
        notes = {hour: account.views.note.at(account.venue, hour) for hour in sorted(account.owed) if hour < now}
        waiting = {hour: call for hour, call in notes.items() if (call.to, call.data) not in self._done}
        if any(hour < now - 1 for hour in waiting) and not self._is_short(account, block):
            waiting = {hour: call for hour, call in waiting.items() if hour == now - 1}
        yield from waiting.values()

    def _is_short(self, account: _Account, block: BlockRef) -> bool:
        """Return whether an account is worth less than with all that it is owed; not while an order is open."""
        abi, venue, [holder] = load_abi("IPerpVenue"), account.venue, account.holder
        own = [abi.function("openOrder").at(venue), abi.function("account").at(venue)]
        try:
            held = BALANCE_OF.at(account.tokens[0], venue)
            [(order,), (measured,), (cash,)] = read_views(self._client, [*own, held], block)
            wei = self._client.balance_at(venue, block)
            whole = account.views.worth.at(holder, venue, sorted(account.owed), cash, wei)
            [(_, total, _)] = read_views(self._client, [whole], block)
        except AgentError:
            return True  # to note what is noted does no harm
        return not any(order) and bool(measured[3] < total)
