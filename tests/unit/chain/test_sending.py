"""Of what several servers say of one transaction the best counts; where none says anything, it is unknown."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest

from agent.chain.failures import ServerError
from agent.chain.node_errors import NodeError
from agent.chain.pool import Reply
from agent.chain.send_outcomes import SendOutcome
from agent.chain.sending import combined, is_taken
from agent.chain.transport import RefusedTransactionError
from agent.errors import FatalError, TransientError

ENDPOINT = SimpleNamespace(name="one")
POOR = RefusedTransactionError("one", NodeError(-32000, "insufficient funds for gas * price + value", None))
SILENT = ServerError("does not answer")


def said(*outcomes: SendOutcome | Exception) -> list[Reply[SendOutcome]]:
    return [
        Reply(ENDPOINT, None, one) if isinstance(one, Exception) else Reply(ENDPOINT, one, None) for one in outcomes
    ]


@pytest.mark.parametrize(
    ("outcome", "taken"), [(outcome, outcome.name in {"ACCEPTED", "KNOWN"}) for outcome in SendOutcome]
)
def test_is_taken__accepted_or_known__is(outcome, taken):
    assert is_taken(outcome) is taken


BEST_FIRST = (
    SendOutcome.ACCEPTED,
    SendOutcome.KNOWN,
    SendOutcome.NONCE_USED,
    SendOutcome.UNDERPRICED,
    SendOutcome.FEE_TOO_LOW,
)


@pytest.mark.parametrize(("better", "worse"), list(pairwise(BEST_FIRST)))
def test_combined__servers_differ__the_best_counts(better, worse):
    assert combined(said(worse, SILENT, better, POOR), 4) is better


def test_combined__all_say_that_a_person_is_needed__is_fatal_with_their_words():
    with pytest.raises(FatalError, match=r"eth_sendRawTransaction: .*insufficient funds"):
        combined(said(POOR, POOR), 2)


@pytest.mark.parametrize("replies", [(POOR,), (POOR, SILENT)])
def test_combined__some_say_it_and_others_nothing__is_unknown(replies):
    with pytest.raises(TransientError, match="insufficient funds"):
        combined(said(*replies), 2)


def test_combined__no_server_answered__says_so():
    with pytest.raises(TransientError, match=r"^no server answered in time$"):
        combined([], 2)
