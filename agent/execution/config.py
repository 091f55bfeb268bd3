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

    deadline_seconds: Whole = Field(gt=0, description="after it the chain refuses the intent, by chain time")
    receipt_timeout_seconds: Real = Field(
        gt=0, description="a cycle waits so long for a receipt, then leaves the intent to the next cycle"
    )
    receipt_poll_seconds: Real = Field(gt=0, description="wait between two questions for a receipt")
    replace_after_seconds: Real = Field(gt=0, description="without a receipt for so long the fee is bumped")
    max_replacements: Whole = Field(ge=0, description="bumps of one transaction; after them it is waited for")
    fee_bump_ratio: Exact = Field(
        ge=Decimal("1.1"), le=3, description="a replacement pays so many times as much; nodes refuse less than 1.1"
    )
    priority_fee_gwei: Exact = Field(ge=0, description="tip of a usual rebalance")
    urgent_priority_fee_gwei: Exact = Field(ge=0, description="tip of an urgent one")
    max_fee_gwei: Exact = Field(gt=0, description="a usual rebalance never bids more for a unit of gas, tip included")
    urgent_max_fee_gwei: Exact = Field(
        gt=0, description="an urgent one goes up to this: a risk exit still goes out when gas is dear"
    )
    gas_limit_ratio: Exact = Field(ge=1, le=3, description="gas limit over the estimate")
    usual_gas_units: Whole = Field(
        ge=21_000,
        description="a rebalance that gets by on this much is not estimated any closer: one call, not twenty",
    )
    max_gas_units: Whole = Field(ge=21_000, description="no transaction is sent with a higher gas limit")

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
        if self.replace_after_seconds > self.receipt_timeout_seconds:
            raise ValueError(
                f"replace_after_seconds {self.replace_after_seconds} must not exceed receipt_timeout_seconds "
                f"{self.receipt_timeout_seconds}"
            )
        return self
