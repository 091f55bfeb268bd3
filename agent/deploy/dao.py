"""``[dao]``: a Governor by votes of a token, put up with the vault to be its governor."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal
from typing import Any, Self

from pydantic import Field, model_validator

from agent.config import Exact, Section, Whole
from agent.deploy.addresses import NEW_TOKEN, RequiredAddress, TokenAddress
from agent.units import Address

TOKEN_DECIMALS = 18
"""Of ``GovernanceToken``."""
MIN_VOTING_SECONDS = 3_600
MAX_VOTING_SECONDS = 2_592_000
"""A slip of a zero must not freeze the parameters, nor a vote pass before anyone has seen it."""
MIN_VOTING_BLOCKS, MAX_VOTING_BLOCKS = 300, 15_552_000
"""An hour of a chain with a block in 12 seconds, and 30 days of one with six blocks a second."""
MAX_QUORUM_PERCENT = 50
"""With more, whoever holds half of the supply freezes the parameters by not voting."""
MAX_HOLDERS = 50
"""Keeps the token's creation well inside a block's gas."""
MAX_VOTES = 10**15
"""Of one holder; what `ERC20Votes` can count is far above."""
THRESHOLD_PERCENT = 10
"""Most of the supply that proposing may need: more, and soon nobody can."""


class VoteHolder(Section):
    """One that has votes from the start."""

    account: RequiredAddress = Field(description="who holds them")
    votes: Whole = Field(gt=0, le=MAX_VOTES, description="whole votes; each has to be delegated, to oneself too")


class NewToken(Section):
    """``[dao.new_token]``: votes of a DAO that has none yet, in a fixed supply that nobody can add to."""

    name: str = Field(min_length=1, max_length=64, description="name of the token; fixed for good")
    symbol: str = Field(min_length=1, max_length=16, description="its symbol; fixed for good")
    holders: tuple[VoteHolder, ...] = Field(
        min_length=1,
        max_length=MAX_HOLDERS,
        description="who holds the whole supply at the start: [[dao.new_token.holders]]",
    )

    @property
    def supply_votes(self) -> int:
        """Return the sum of all votes."""
        return sum(holder.votes for holder in self.holders)

    @model_validator(mode="after")
    def _each_holds_once(self) -> Self:
        known = [holder.account for holder in self.holders if holder.account.startswith("0x")]
        if len(set(known)) != len(known):
            raise ValueError("a holder is named twice; name each once")
        return self


class DaoSection(Section):
    """``[dao]``: how votes decide. The token's clock says whether periods are seconds or blocks."""

    name: str = Field(min_length=1, max_length=64, description="name of the Governor; fixed for good")
    token: TokenAddress = Field(description="whose votes govern; fixed for good")
    token_decimals: Whole = Field(
        default=TOKEN_DECIMALS, ge=0, le=TOKEN_DECIMALS, description="by which votes become the token's units"
    )
    voting_delay_seconds: Whole | None = Field(
        default=None,
        gt=0,
        le=MAX_VOTING_SECONDS,
        description="from a proposal to the snapshot of votes: time to delegate, and to see it coming",
    )
    voting_period_seconds: Whole | None = Field(
        default=None, ge=MIN_VOTING_SECONDS, le=MAX_VOTING_SECONDS, description="how long is voted after that"
    )
    voting_delay_blocks: Whole | None = Field(
        default=None,
        gt=0,
        le=MAX_VOTING_BLOCKS,
        description="from a proposal to the snapshot of votes, by a token that counts blocks",
    )
    voting_period_blocks: Whole | None = Field(
        default=None,
        ge=MIN_VOTING_BLOCKS,
        le=MAX_VOTING_BLOCKS,
        description="how long is voted after that, by a token that counts blocks",
    )
    proposal_threshold_votes: Exact = Field(
        gt=0, le=MAX_VOTES, description="votes that proposing needs: with too few, anyone floods the DAO"
    )
    quorum_percent: Whole = Field(
        ge=1,
        le=MAX_QUORUM_PERCENT,
        description="part of the supply that must vote for or abstain, or nothing passes",
    )
    new_token: NewToken | None = Field(default=None, description="[dao.new_token]: a token put up with the Governor")

    @property
    def counts_seconds(self) -> bool:
        """Return whether periods are written in seconds, else in blocks."""
        return self.voting_delay_seconds is not None

    @property
    def voting_delay(self) -> int:
        """Return the time from a proposal to its snapshot of votes, in the token's clock."""
        return self.voting_delay_seconds or self.voting_delay_blocks or 0

    @property
    def voting_period(self) -> int:
        """Return how long is voted, in the token's clock."""
        return self.voting_period_seconds or self.voting_period_blocks or 0

    @property
    def proposal_threshold(self) -> int:
        """Return the votes that a proposer needs, in the token's smallest units; rounds up."""
        units = self.proposal_threshold_votes * Decimal(10) ** self.token_decimals
        return int(units.to_integral_value(ROUND_CEILING))

    def contradictions(self) -> Iterator[str]:
        """Yield a line for each pair of keys that exclude or lack one another."""
        seconds = (self.voting_delay_seconds, self.voting_period_seconds)
        blocks = (self.voting_delay_blocks, self.voting_period_blocks)
        written = [{one is not None for one in pair} for pair in (seconds, blocks)]
        if written not in ([{True}, {False}], [{False}, {True}]):
            yield (
                "[dao] needs voting_delay_seconds and voting_period_seconds, or, for a token that counts by blocks, "
                "voting_delay_blocks and voting_period_blocks; write one pair"
            )
            return
        if (self.new_token is None) == (self.token == NEW_TOKEN):
            yield f'[dao] token "{NEW_TOKEN}" and [dao.new_token] go together; write both or neither'
        elif self.new_token is not None:
            yield from self._of_new_token(self.new_token)

    def _of_new_token(self, token: NewToken) -> Iterator[str]:
        if self.token_decimals != TOKEN_DECIMALS:
            yield f"[dao] token_decimals is {self.token_decimals}, but a new token has {TOKEN_DECIMALS}; remove the key"
        if blocks := self.voting_delay_blocks or self.voting_period_blocks:
            yield f"[dao] counts {blocks} blocks, but a new token counts seconds; write voting_delay_seconds instead"
        if fault := threshold_fault(self, token.supply_votes):
            yield fault


def threshold_fault(dao: DaoSection, supply_votes: Decimal | int) -> str | None:
    """Return a line where proposing needs too much of the supply."""
    most = supply_votes * Decimal(THRESHOLD_PERCENT) / 100
    if dao.proposal_threshold_votes <= most:
        return None
    return (
        f"[dao] proposal_threshold_votes is {dao.proposal_threshold_votes}, above {THRESHOLD_PERCENT} % of the supply, "
        f"{most:f}: soon nobody could propose; lower it"
    )


def token_arguments(token: NewToken) -> tuple[Any, ...]:
    """Return what ``GovernanceToken`` is created with."""
    accounts = tuple(holder.account for holder in token.holders)
    return token.name, token.symbol, accounts, tuple(holder.votes * 10**TOKEN_DECIMALS for holder in token.holders)


def governor_arguments(dao: DaoSection, access: Address, token: Address) -> tuple[Any, ...]:
    """Return what ``VaultGovernor`` is created with."""
    settings = (dao.voting_delay, dao.voting_period, dao.proposal_threshold, dao.quorum_percent)
    return access, token, dao.name, *settings
