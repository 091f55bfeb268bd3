"""How a transaction is priced, waited for and replaced, and where its key comes from."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from agent.config import Exact, Real, Section, Whole

KEEPER_KEY_VARIABLE = "EVENKEEL_KEEPER_KEY"
"""The keeper's private key, 0x and 64 hexadecimal digits; never in a file."""
KEEPER_KEYSTORE_VARIABLE = "EVENKEEL_KEEPER_KEYSTORE"
"""Or the path of an encrypted keystore, which one of the next two opens."""
KEEPER_PASSWORD_VARIABLE = "EVENKEEL_KEEPER_PASSWORD"  # noqa: S105 - a name
KEEPER_PASSWORD_FILE_VARIABLE = "EVENKEEL_KEEPER_PASSWORD_FILE"  # noqa: S105 - a name
KEEPER_SIGNER_URL_VARIABLE = "EVENKEEL_KEEPER_SIGNER_URL"
"""Or the URL of a signer; the next two say what it speaks ("web3signer" unless set) and whose key it is."""
KEEPER_SIGNER_PROTOCOL_VARIABLE = "EVENKEEL_KEEPER_SIGNER_PROTOCOL"
KEEPER_ADDRESS_VARIABLE = "EVENKEEL_KEEPER_ADDRESS"
KEEPER_KMS_KEY_VARIABLE = "EVENKEEL_KEEPER_KMS_KEY"
"""Or id, ARN or alias of a key in AWS KMS."""

GOVERNANCE_KEY_VARIABLE = "EVENKEEL_GOVERNANCE_KEY"
"""Private key of who proposes, votes, vetoes or tightens; the same form, never in a file or an argument."""


class ExecutionSettings(Section):
    """How a transaction is priced, waited for and replaced."""

    deadline_seconds: Whole = Field(gt=0)
    """After it the chain refuses the intent, by chain time."""
    receipt_timeout_seconds: Real = Field(gt=0)
    """Wall-clock time a cycle waits for a receipt before it leaves the intent to the next cycle."""
    receipt_poll_seconds: Real = Field(gt=0)
    replace_after_seconds: Real = Field(gt=0)
    """Wall-clock time without a receipt after which the fee is bumped."""
    max_replacements: Whole = Field(ge=0)
    fee_bump_ratio: Exact = Field(ge=Decimal("1.1"), le=3)
    """Nodes refuse a replacement that pays less than 1.1 times as much."""
    priority_fee_gwei: Exact = Field(ge=0)
    urgent_priority_fee_gwei: Exact = Field(ge=0)
    max_fee_gwei: Exact = Field(gt=0)
    urgent_max_fee_gwei: Exact = Field(gt=0)
    """A risk exit still goes out when gas is dear."""
    gas_limit_ratio: Exact = Field(ge=1, le=3)
    """Head-room over the estimate."""
    usual_gas_units: Whole = Field(ge=21_000)
    """A rebalance that gets by on this much is not estimated any closer: one call instead of some twenty."""
    max_gas_units: Whole = Field(ge=21_000)
    """No transaction is sent with a higher gas limit."""

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
