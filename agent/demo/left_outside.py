"""Why a cycle left a net delta outside its band, told from what the keeper decided and what the chain answered."""

from __future__ import annotations

from agent.decision.part_worth import TOO_LITTLE_RISK, TOO_MUCH_GAS
from agent.execution.fees import GAS_PRICE_EXCEEDED
from agent.execution.submit import GAS_LIMIT_EXCEEDED
from agent.guard import GuardError
from agent.keeper.result import CycleResult, Outcome
from agent.report.replay_report import OutsideReason
from agent.routing import LEG_SIZE, REBALANCE_NOTIONAL, TURNOVER_LEFT, VENUES_QUOTE

_BY_ERROR = {
    GuardError.TURNOVER_EXCEEDED: OutsideReason.TURNOVER,
    GuardError.COOLDOWN_ACTIVE: OutsideReason.COOLDOWN,
    GuardError.LOSS_BUDGET_EXCEEDED: OutsideReason.LOSS_BUDGET,
    GuardError.NAV_LOSS_EXCEEDED: OutsideReason.LOSS_BUDGET,
    GuardError.SLIPPAGE_EXCEEDED: OutsideReason.VENUE,
    GuardError.FEE_EXCEEDED: OutsideReason.VENUE,
    GuardError.VENUE_NOT_ANSWERING: OutsideReason.VENUE,
    GuardError.VENUE_CAP_EXCEEDED: OutsideReason.VENUE,
    GAS_PRICE_EXCEEDED: OutsideReason.COST,
    GAS_LIMIT_EXCEEDED: OutsideReason.COST,
}
_BY_WORDS = {
    TOO_LITTLE_RISK: OutsideReason.COST,
    TOO_MUCH_GAS: OutsideReason.COST,
    TURNOVER_LEFT: OutsideReason.TURNOVER,
    VENUES_QUOTE: OutsideReason.VENUE,
    LEG_SIZE: OutsideReason.ANOTHER_BOUND,
    REBALANCE_NOTIONAL: OutsideReason.ANOTHER_BOUND,
    **{f"reduced to avoid {error}": reason for error, reason in _BY_ERROR.items()},
}
_GUARD_ERRORS = frozenset(str(error) for error in GuardError)


def outside_reason(result: CycleResult) -> OutsideReason:
    """Return why a cycle did not bring the net delta inside; only asked where it did not.

    An error names the bound that said no. Without one, the words of the decision tell what kept the trade small or
    away; where they name nothing, the policy wanted no more.
    """
    if result.outcome is Outcome.PENDING:
        return OutsideReason.PENDING
    decision = result.decision
    error = (
        result.rejection.name if result.rejection is not None else None if decision is None else decision.guard_error
    )
    return reason_of(error, result.reason, is_executed=result.outcome is Outcome.EXECUTED)


def reason_of(error: str | None, words: str, *, is_executed: bool) -> OutsideReason:
    """Return what an error that said no, or else the words of a decision, tell of why a net delta stayed outside."""
    if error is not None:
        refused = OutsideReason.ANOTHER_BOUND if error in _GUARD_ERRORS else OutsideReason.VENUE
        return _BY_ERROR.get(error, refused)
    for told, reason in _BY_WORDS.items():
        if told in words:
            return reason
    is_reduced = is_executed and "reduced to avoid" in words
    return OutsideReason.ANOTHER_BOUND if is_reduced else OutsideReason.POLICY
