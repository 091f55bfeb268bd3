"""What all servers together say to a raw transaction."""

from __future__ import annotations

from collections.abc import Sequence

from agent.chain.pool import Reply
from agent.chain.send_outcomes import SendOutcome
from agent.chain.transport import SEND_METHOD, RefusedTransactionError
from agent.errors import FatalError, TransientError

_BEST_FIRST = (
    SendOutcome.ACCEPTED,
    SendOutcome.KNOWN,
    SendOutcome.NONCE_USED,
    SendOutcome.UNDERPRICED,
    SendOutcome.FEE_TOO_LOW,
)


def is_taken(reply: SendOutcome) -> bool:
    """Return whether a server has the transaction now."""
    return reply in {SendOutcome.ACCEPTED, SendOutcome.KNOWN}


def combined(replies: Sequence[Reply[SendOutcome]], servers: int) -> SendOutcome:
    """Return the best that any server said.

    Raises
    ------
    FatalError
        Every one of the ``servers`` says that the transaction needs a person.
    TransientError
        No server said where the transaction stands: it may or may not have been sent.

    """
    said = [_said(reply) for reply in replies]
    for outcome in _BEST_FIRST:
        if outcome in said:
            return outcome
    reasons = "; ".join(str(reply.failure) for reply in replies) or "no server answered in time"
    if len(said) == servers and set(said) == {SendOutcome.NEEDS_A_PERSON}:
        raise FatalError(f"{SEND_METHOD}: {reasons}")
    raise TransientError(reasons)


def _said(reply: Reply[SendOutcome]) -> SendOutcome | None:
    if isinstance(reply.failure, RefusedTransactionError):
        return reply.failure.outcome
    return reply.value
