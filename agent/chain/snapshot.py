"""Everything a decision depends on, read in one batch at one block hash."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from agent.chain.abi import Call, load_abi
from agent.chain.client import ChainClient
from agent.chain.deployment import Deployment
from agent.chain.state import PLAIN_VIEWS, ChainState, OwnViews, StateCalls, VenueState, read_state
from agent.domain import LADDER_RUNGS, BlockRef, QuotePoint, Snapshot, VenueSnapshot
from agent.units import Address, Wad


class SnapshotReader:
    """Reads one vault with a ladder of quotes, whose sizes follow the bounds of the read before.

    ``least_largest``: size that the ladder reaches even where the bounds allow less, WAD. ``own_views``: what to
    ask of which kinds of venues.
    """

    def __init__(
        self,
        client: ChainClient,
        deployment: Deployment,
        keeper: Address | None = None,
        least_largest: Wad = Wad(0),  # noqa: B008 - a plain integer
        own_views: OwnViews = PLAIN_VIEWS,
    ) -> None:
        self._client = client
        self._deployment = deployment
        self._vault = deployment.contract("HedgeVault")
        self._quote = load_abi("IPerpVenue").function("quote")
        self.state_calls = StateCalls(deployment, keeper, own_views)
        self._least_largest = least_largest
        self._hedge_calls = StateCalls(deployment, keeper, own_views, is_without_book=True)
        self._largest: Wad | None = None
        self._venues: tuple[Address, ...] = ()
        self._sizes: tuple[Wad, ...] = ()
        self._quote_calls: tuple[Call, ...] = ()

    def state(self, block: BlockRef) -> ChainState:
        """Read the vault's state without quotes; raises as `read_state` does."""
        return read_state(self._client, self.state_calls, block)

    def hedge(self, block: BlockRef) -> tuple[Snapshot, ChainState]:
        """Read the venues' accounts and the vault's collateral alone, without quotes, where the rest cannot be read."""
        state = read_state(self._client, self._hedge_calls, block)
        return self._assemble(state, [None] * len(self._quote_calls)), state

    def snapshot(self, block: BlockRef) -> tuple[Snapshot, ChainState]:
        """Read the state and the ladder; raises as `read_state` does. Sizes a venue cannot quote are left out."""
        if self._largest is None:
            self._set_ladder(self._largest_of(self.state(block)))
        elif self._venues != self.state_calls.venues:
            self._set_ladder(self._largest)
        plain = self.state_calls.calls
        answers = self._client.read_or_none([*plain, *self._quote_calls], block)
        own = self.state_calls.vault_call_count
        if any(answer is None for answer in answers[:own]):
            answers = [*self._client.read(plain[:own], block), *answers[own:]]
        state = self.state_calls.decode(block, answers[: len(plain)])
        snapshot = self._assemble(state, answers[len(plain) :])
        if self._largest_of(state) != self._largest:
            self._set_ladder(self._largest_of(state))
        return snapshot, state

    def _largest_of(self, state: ChainState) -> Wad:
        return max(state.bounds.max_size_delta, self._least_largest)

    def _set_ladder(self, largest: Wad) -> None:
        magnitudes = [Wad(largest >> halvings) for halvings in reversed(range(LADDER_RUNGS)) if largest >> halvings]
        self._largest = largest
        self._venues = self.state_calls.venues
        self._sizes = (*magnitudes, *(Wad(-size) for size in magnitudes))
        perps = [venue for venue in self._venues if not self.state_calls.trades_options(venue)]
        self._quote_calls = tuple(self._quote.at(venue, size) for venue in perps for size in self._sizes)

    def _assemble(self, state: ChainState, quotes: Sequence[tuple[Any, ...] | None]) -> Snapshot:
        left = iter(quotes)
        return Snapshot(
            chain_id=self._deployment.chain_id,
            block=state.block,
            vault=self._vault,
            asset_decimals=self._deployment.asset.decimals,
            idle_assets=state.idle_assets,
            measurement=state.measurement,
            bounds=state.bounds,
            usage=state.usage,
            deviation_bps=state.deviation_bps,
            venues=tuple(
                self._venue(venue, () if venue.options is not None else [*islice(left, len(self._sizes))])
                for venue in state.venues
            ),
            paused=state.is_paused,
        )

    def _venue(self, venue: VenueState, quotes: Sequence[tuple[Any, ...] | None]) -> VenueSnapshot:
        return VenueSnapshot(
            address=venue.address,
            name=venue.name,
            size=venue.size,
            mark_price=venue.mark_price,
            index_price=venue.index_price,
            funding_rate_per_day=venue.funding_rate_per_day,
            free_collateral=venue.free_collateral,
            quotes=tuple(
                QuotePoint(size, Wad(quote[0]), Wad(quote[1]))
                for size, quote in zip(self._sizes, quotes, strict=False)  # no quotes where no perp is traded
                if quote is not None
            ),
            order_terms=venue.order_terms,
            funding_speed=venue.funding_speed,
            trades_options=venue.options is not None,
            opens_from_cash=venue.opens_from_cash,
        )
