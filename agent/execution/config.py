"""How a transaction is priced, waited for and replaced, and where its key comes from."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from agent.config import Exact, Real, Section, Whole

KEEPER_KEY_VARIABLE = "EVENKEEL_KEEPER_KEY"
"""The keeper's private key, 0x and 64 hexadecimal digits; never in a file."""

GOVERNANCE_KEY_VARIABLE = "EVENKEEL_GOVERNANCE_KEY"
"""Private key of who proposes, votes, vetoes or tightens; the same form, never in a file or an argument."""


class ExecutionSettings(Section):
    """How a transaction is priced, waited for and replaced."""

    deadline_seconds: Whole = Field(gt=0)
    """After it the chain refuses the intent, by chain time."""
    receipt_timeout_seconds: Real = Field(gt=0)
    """Wall-clock time a cycle waits for a receipt before it leaves the intent to the next cycle."""
    receipt_poll_seconds: Real = Field(gt=0)
    replace_after_blocks: Whole = Field(gt=0)
    """Blocks without a receipt after which the fee is bumped; at once when the base fee exceeds the bid."""
    max_replacements: Whole = Field(ge=0, le=10)
    fee_bump_ratio: Exact = Field(ge=Decimal("1.125"), le=3)
    """Nodes refuse a replacement that pays less than 1.1 times as much."""
    priority_fee_gwei: Exact = Field(ge=0)
    urgent_priority_fee_gwei: Exact = Field(ge=0)
    """The most paid for a place; less where the market of the last blocks asks for less, see ``tip_percentile``."""
    tip_percentile: Real | None = Field(default=None, ge=0, le=100)
    """Of the tips paid in the last blocks (``eth_feeHistory``); without it the configured tip is paid as it is."""
    urgent_tip_percentile: Real | None = Field(default=None, ge=0, le=100)
    max_fee_gwei: Exact = Field(gt=0)
    urgent_max_fee_gwei: Exact = Field(gt=0)
    """A risk exit still goes out when gas is dear."""
    cancel_max_fee_gwei: Exact | None = Field(default=None, gt=0)
    """Cap of what frees a nonce; twice the urgent one unless it is written: a stuck nonce stops every hedge."""
    max_transaction_eth: Exact = Field(default=Decimal(1), gt=0)
    """Gas limit times bid: go-ethereum's ``--rpc.txfeecap`` refuses more than one ether."""
    gas_limit_ratio: Exact = Field(ge=1, le=3)
    """Head-room over the estimate."""
    usual_gas_units: Whole = Field(ge=21_000)
    """A rebalance that gets by on this much is not estimated any closer: one call instead of some twenty."""
    max_gas_units: Whole = Field(ge=21_000)
    """No transaction is sent with a higher gas limit."""
    settling_seconds: Real = Field(default=0.25, ge=0)
    """Wall-clock time in which a server has certainly taken in a block, receipts and all, whose state it shows."""
    max_reverts_in_row: Whole = Field(default=3, gt=0)
    """After so many rebalances in a row that were mined and reverted none is sent for a while."""
    revert_rest_seconds: Whole = Field(default=3_600, gt=0)
    """Chain time after which one more may try."""

    @property
    def cancel_cap_gwei(self) -> Decimal:
        """Cap of what frees a nonce."""
        return 2 * self.urgent_max_fee_gwei if self.cancel_max_fee_gwei is None else self.cancel_max_fee_gwei

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.urgent_max_fee_gwei < self.max_fee_gwei:
            raise ValueError(
                f"urgent_max_fee_gwei {self.urgent_max_fee_gwei} must not be below max_fee_gwei {self.max_fee_gwei}"
            )
        if self.usual_gas_units > self.max_gas_units:
            raise ValueError(
                f"usual_gas_units {self.usual_gas_units} must not exceed max_gas_units {self.max_gas_units}"
            )
        for tip, cap in (
            ("priority_fee_gwei", "max_fee_gwei"),
            ("urgent_priority_fee_gwei", "urgent_max_fee_gwei"),
        ):
            if getattr(self, tip) > getattr(self, cap):
                raise ValueError(f"{tip} {getattr(self, tip)} must not exceed {cap} {getattr(self, cap)}")
        if self.cancel_cap_gwei < self.urgent_max_fee_gwei:
            raise ValueError(
                f"cancel_max_fee_gwei {self.cancel_max_fee_gwei} must not be below urgent_max_fee_gwei "
                f"{self.urgent_max_fee_gwei}"
            )
        return self
