"""What nodes say to a raw transaction, word for word, and where it stands then."""

from __future__ import annotations

import pytest

from agent.chain.node_errors import NodeError
from agent.chain.send_outcomes import SendOutcome, send_outcome

SENDS = [
    ("already known", SendOutcome.KNOWN),
    ("AlreadyKnown", SendOutcome.KNOWN),
    ("ALREADY_EXISTS: already known", SendOutcome.KNOWN),
    ("Known transaction", SendOutcome.KNOWN),
    ("existing tx with same hash", SendOutcome.KNOWN),
    ("INTERNAL_ERROR: existing tx with same hash", SendOutcome.KNOWN),
    ("transaction already imported", SendOutcome.KNOWN),
    ("nonce too low: next nonce 4, tx nonce 3", SendOutcome.NONCE_USED),
    ("OldNonce, Current nonce: 4, nonce of rejected tx: 3", SendOutcome.NONCE_USED),
    ("Nonce too low", SendOutcome.NONCE_USED),
    ("replacement transaction underpriced", SendOutcome.UNDERPRICED),
    ("could not replace existing tx", SendOutcome.UNDERPRICED),
    ("transaction underpriced: gas tip cap 0, minimum needed 1", SendOutcome.UNDERPRICED),
    ("ReplacementNotAllowed", SendOutcome.UNDERPRICED),
    ("transaction gas price below minimum: gas tip cap 1, minimum needed 2", SendOutcome.UNDERPRICED),
    ("FEE_TOO_LOW: fee too low", SendOutcome.UNDERPRICED),
    ("INTERNAL_ERROR: fee too low", SendOutcome.UNDERPRICED),
    ("There is another transaction with same nonce in the queue. Try increasing the gas", SendOutcome.UNDERPRICED),
    ("INTERNAL_ERROR: mined", SendOutcome.NONCE_USED),
    ("max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1 baseFee: 2", SendOutcome.FEE_TOO_LOW),
    ("max fee per gas lower than the current base fee", SendOutcome.FEE_TOO_LOW),
    ("insufficient funds for gas * price + value: balance 1, tx cost 2", SendOutcome.NEEDS_A_PERSON),
    ("InsufficientFunds, Account balance: 1, cumulative cost: 2", SendOutcome.NEEDS_A_PERSON),
    ("Upfront cost exceeds account balance", SendOutcome.NEEDS_A_PERSON),
    ("invalid sender", SendOutcome.NEEDS_A_PERSON),
    ("intrinsic gas too low: gas 21000, minimum needed 21500", SendOutcome.NEEDS_A_PERSON),
    ("Intrinsic gas exceeds gas limit", SendOutcome.NEEDS_A_PERSON),
    ("transaction gas limit too high (cap: 16777216, tx: 30000000)", SendOutcome.NEEDS_A_PERSON),
    ("tx fee (1.30 ether) exceeds the configured cap (1.00 ether)", SendOutcome.REFUSED),
    ("txpool is full", SendOutcome.REFUSED),
    ("transaction pool is full", SendOutcome.REFUSED),
    ("nonce too high", SendOutcome.REFUSED),
    ("node is syncing", SendOutcome.REFUSED),
    ("something new", SendOutcome.REFUSED),
]


@pytest.mark.parametrize(("message", "outcome"), SENDS)
def test_send_outcome__words_of_a_node__say_where_the_transaction_stands(message, outcome):
    assert send_outcome(NodeError(-32000, message, None)) is outcome
