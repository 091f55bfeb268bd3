"""What a server says to a raw transaction, by a table of facts; what all of them say together is in `sending`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from agent.chain.node_errors import NodeError


class SendOutcome(Enum):
    """What a server said to a raw transaction."""

    ACCEPTED = "accepted"
    KNOWN = "known"
    """It has these very bytes already."""
    NONCE_USED = "nonce used"
    """A transaction with this nonce is mined: maybe this one."""
    UNDERPRICED = "underpriced"
    """Another transaction with this nonce waits and pays about as much or more, or the pool asks for a higher bid."""
    FEE_TOO_LOW = "fee below the base fee"
    """The server takes no bid below the base fee."""
    REFUSED = "refused for now"
    """For a reason that passes, or one of this server alone."""
    NEEDS_A_PERSON = "needs a person"
    """These bytes can never be mined as things stand: no gas money, a signature or chain id that is wrong."""


@dataclass(frozen=True, slots=True)
class SendFact:
    """Words, lower-case, of which one says where a transaction stands; ``said_by`` is who was heard to say it."""

    outcome: SendOutcome
    said_by: str
    words: tuple[str, ...]


SEND_FACTS: tuple[SendFact, ...] = (
    SendFact(
        SendOutcome.KNOWN,
        "geth, nitro, Nethermind (AlreadyKnown), Besu (Known transaction), Erigon, reth, OpenEthereum",
        (
            "already known",
            "alreadyknown",
            "already imported",
            "known transaction",
            "existing tx with same hash",
            "already exists",
            "already in the pool",
            "already in mempool",
            "already have transaction",
            "alreadyexists",
            "tx already in cache",
        ),
    ),
    SendFact(
        SendOutcome.UNDERPRICED,
        "geth, bor, Nethermind (ReplacementNotAllowed, FeeTooLow), Erigon, Besu, reth, OpenEthereum",
        (
            "replacement",
            "could not replace existing",
            "underpriced",
            "feetoolow",
            "fee too low to compete",
            "gas price too low to replace",
            "below configured minimum gas price",
            "min gas price",
            "gas price below minimum",
            "below the minimum",
            "fee too low",
            "fee_too_low",
            "another transaction with same nonce",
        ),
    ),
    SendFact(
        SendOutcome.NONCE_USED,
        "geth, nitro, Nethermind (OldNonce), Besu, Erigon, reth, OpenEthereum",
        (
            "nonce too low",
            "oldnonce",
            "old nonce",
            "nonce is too low",
            "nonce has already been used",
            "nonce_too_low",
            "already mined",
            "error: mined",
        ),
    ),
    SendFact(
        SendOutcome.FEE_TOO_LOW,
        "nitro, geth, op-geth, Besu, Erigon",
        (
            "less than block base fee",
            "lower than the current base fee",
            "less than the current base fee",
            "below the base fee",
            "lower than base fee",
            "fee cap less than",
            "max fee per gas too low",
            "maxfeepergas too low",
            "less than the block's basefeepergas",
            "gas price below current base fee",
        ),
    ),
    SendFact(
        SendOutcome.NEEDS_A_PERSON,
        "geth, nitro, op-geth, Nethermind, Besu, Erigon, reth",
        (
            "insufficient funds",
            "insufficientfunds",
            "insufficient_funds",
            "insufficient balance",
            "upfront cost exceeds",
            "upfront_cost_exceeds",
            "invalid sender",
            "invalid signature",
            "invalidtxsignature",
            "invalid chain id",
            "wrong chain id",
            "invalid chainid",
            "chain id mismatch",
            "invalidtxchainid",
            "intrinsic gas too low",
            "intrinsic_gas_exceeds",
            "intrinsic gas exceeds",
            "gas limit too high",
            "txgaslimitcapexceeded",
            "exceeds block gas limit",
            "gaslimitexceeded",
            "transaction type not supported",
        ),
    ),
)
"""Asked from top to bottom. In no row: a full pool, a node's own fee cap (geth's 1 ether), a rate limit, a node that
still syncs, a queue with a nonce gap. They pass, or another server has none of them."""


def send_outcome(error: NodeError) -> SendOutcome:
    """Return where a raw transaction stands by a server's refusal."""
    text = error.message.lower()
    for fact in SEND_FACTS:
        if any(words in text for words in fact.words):
            return fact.outcome
    return SendOutcome.REFUSED
