"""What options held as a hedge have cost and brought in a replay, and what those held are worth."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from agent.report.option_results import OptionResult, results_document


@dataclass(frozen=True, slots=True)
class OptionGains:
    """All options together, USD; premiums have ``fee_usd`` inside."""

    premium_paid_usd: float
    premium_received_usd: float
    fee_usd: float
    payoff_usd: float
    value_usd: float
    """What selling all that is held would bring at its venue."""
    before_usd: float = 0.0
    """What all of it had come to at the first step, where options were held before it."""

    @property
    def total_usd(self) -> float:
        """Gain since the first step, what is held counted at its value."""
        cash_usd = self.premium_received_usd + self.payoff_usd - self.premium_paid_usd
        return cash_usd + self.value_usd - self.before_usd


def gains_document(gains: OptionGains | None, positions: tuple[OptionResult, ...]) -> dict[str, Any] | None:
    """Return the figures for machines; None where no option was ever held."""
    if gains is None:
        return None
    return {**asdict(gains), "total_usd": gains.total_usd, "positions": results_document(positions)}
