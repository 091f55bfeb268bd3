"""How a transaction is priced, waited for and replaced, and where its key comes from."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import Field, model_validator

from agent.config import Exact, Real, Section, WaitSeconds, Whole

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

    deadline_seconds: Whole = Field(gt=0, description="after it the chain refuses the intent, by chain time")
    receipt_timeout_seconds: WaitSeconds = Field(
        description="a cycle waits so long for a receipt, then leaves the intent to the next cycle"
    )
    receipt_poll_seconds: WaitSeconds = Field(description="wait between two questions for a receipt")
    replace_after_blocks: Whole = Field(
        gt=0,
        description="blocks without a receipt after which the fee is bumped; at once when the base fee exceeds the bid",
    )
    max_replacements: Whole = Field(ge=0, le=10, description="bumps of one transaction; after them it is waited for")
    fee_bump_ratio: Exact = Field(
        ge=Decimal("1.125"), le=3, description="a replacement pays so many times as much; nodes refuse less than 1.1"
    )
    priority_fee_gwei: Exact = Field(ge=0, description="tip of a usual rebalance, at most")
    urgent_priority_fee_gwei: Exact = Field(ge=0, description="tip of an urgent one, at most")
    tip_percentile: Real | None = Field(
        default=None,
        ge=0,
        le=100,
        description="of the tips paid in the last blocks, where that is less; unless written the tip is paid as it is",
    )
    urgent_tip_percentile: Real | None = Field(
        default=None, ge=0, le=100, description="the same for an urgent rebalance"
    )
    max_fee_gwei: Exact = Field(gt=0, description="a usual rebalance never bids more for a unit of gas, tip included")
    urgent_max_fee_gwei: Exact = Field(
        gt=0, description="an urgent one goes up to this: a risk exit still goes out when gas is dear"
    )
    cancel_max_fee_gwei: Exact | None = Field(
        default=None,
        gt=0,
        description="what frees a nonce goes up to this: twice the urgent cap unless written",
    )
    max_transaction_eth: Exact = Field(
        default=Decimal(1),
        gt=0,
        description="most that gas limit times bid may come to; some nodes refuse more than one",
    )
    gas_limit_ratio: Exact = Field(ge=1, le=3, description="gas limit over the estimate")
    usual_gas_units: Whole = Field(
        ge=21_000,
        description="a rebalance that gets by on this much is not estimated any closer: one call, not twenty",
    )
    max_gas_units: Whole = Field(ge=21_000, description="no transaction is sent with a higher gas limit")
    settling_seconds: Real = Field(
        default=0.25, ge=0, description="in which a server has taken in a block whose state it shows, receipts and all"
    )
    max_reverts_in_row: Whole = Field(
        default=3, gt=0, description="after so many rebalances in a row that were mined and reverted none is sent"
    )
    revert_rest_seconds: Whole = Field(default=3_600, gt=0, description="chain time after which one more may try")

    def percentile(self, *, is_urgent: bool) -> float | None:
        """Return which of the tips paid lately a rebalance follows; None where the tip is paid as it is written."""
        return self.urgent_tip_percentile if is_urgent else self.tip_percentile

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
