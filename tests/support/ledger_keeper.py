"""A process with a ledger and the real executor on a chain that never mines; it stops itself where it is told to.

    python -m tests.support.ledger_keeper URL LEASE_SECONDS POINT

It says on standard output, a line each, that it has asked for the lease in vain, that it holds it, what it finds open,
that it broadcasts, and why it gives up. POINT is one of `POINTS`, or ``standby``: wait for the lease, and only say what
is found open then.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from sqlalchemy import event

from agent.chain.rollup import Rollup, RollupKind
from agent.chain.send_outcomes import SendOutcome
from agent.domain import BlockRef, Intent, Leg
from agent.errors import TransientError
from agent.execution.config import ExecutionSettings
from agent.execution.signer import load_signer
from agent.execution.submit import Executor, Timer
from agent.ledger.config import USUAL_TERMS
from agent.ledger.database import Database
from agent.ledger.records import IntentRecord, VaultIdentity
from agent.units import Address, AssetUnits, BlockHash, IntentId, Seconds, Wad, Wei

POINTS = ("before the commit", "inside the commit", "after the commit", "nowhere")
ASKED = "asked"
VAULT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
VENUE = Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")
INTENT_ID = IntentId("0x" + "11" * 32)
HEAD = BlockRef(10, BlockHash(f"0x{10:064x}"), Seconds(1_700_000_010), Wei(10**9), BlockHash(f"0x{9:064x}"))
SETTINGS = ExecutionSettings(
    deadline_seconds=240,
    receipt_timeout_seconds=0.1,
    receipt_poll_seconds=0.1,
    replace_after_blocks=1,
    max_replacements=0,
    fee_bump_ratio=1.25,
    priority_fee_gwei=1,
    urgent_priority_fee_gwei=3,
    max_fee_gwei=100,
    urgent_max_fee_gwei=500,
    gas_limit_ratio=1.5,
    usual_gas_units=900_000,
    max_gas_units=2_000_000,
)


class Patience:
    """Never gives up; says when a lease has been asked for in vain."""

    def wait(self, seconds: float, why: str) -> bool:
        say(ASKED)
        time.sleep(seconds)
        return False


class UnminedChain:
    """Takes transactions and never mines one."""

    def head(self, now_unix: float) -> BlockRef:
        return HEAD

    def within(self, seconds: float) -> AbstractContextManager[None]:
        return nullcontext()

    def account(self, address: str, at: BlockRef) -> tuple[int, int, Wei]:
        return 0, 0, Wei(10**18)

    def nonce_at(self, address: str, at: BlockRef) -> int:
        return 0

    def simulate(self, sender: str, call: Any, gas: int, at: BlockRef) -> None:
        return None

    def read(self, calls: Any, at: BlockRef) -> list[tuple[bytes, int]]:
        return [(bytes(24), 0) for _ in calls]

    def receipts(self, hashes: list[str]) -> list[None]:
        return [None for _ in hashes]

    def send_raw(self, raw: str) -> SendOutcome:
        say("broadcast")
        return SendOutcome.ACCEPTED


def say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - standard output is how it answers


def stop_here(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def stop_at(point: str, database: Database, ledger: Any) -> None:
    """Arrange that the process stops at ``point``."""
    if point == "before the commit":
        stop_here()
    elif point == "inside the commit":

        def at_insert(_conn: Any, _cursor: Any, statement: str, *_: object) -> None:
            if statement.startswith("INSERT INTO transactions"):
                stop_here()

        event.listen(database.engine, "before_cursor_execute", at_insert)
    elif point == "after the commit":
        add = ledger.add_signed_intent
        ledger.add_signed_intent = lambda *arguments: stop_here(add(*arguments))


def main(url: str, lease_seconds: str, point: str) -> None:
    terms = USUAL_TERMS.model_copy(update={"lease_seconds": float(lease_seconds), "standby_poll_seconds": 0.1})
    intent = Intent(INTENT_ID, VAULT, (Leg(VENUE, AssetUnits(1), Wad(2), Wad(3)),), Seconds(1_700_000_250), HEAD)
    with Database.open(url, "vault", "key", terms, Patience()) as database:
        ledger = database.vault(VaultIdentity(31_337, VAULT, 1, BlockHash(f"0x{1:064x}")))
        say("holding")
        if point == "standby":
            signed = [len(ledger.transactions_of(record.intent.intent_id)) for record in ledger.open_intents()]
            say(f"open {signed}")
            sys.stdin.read()
            return
        chain = UnminedChain()
        rollup = Rollup(chain, RollupKind.NONE)
        executor = Executor(chain, ledger, None, load_signer({}, 31_337), SETTINGS, Timer(), rollup)
        stop_at(point, database, ledger)
        try:
            executor.execute(IntentRecord(intent, False, "0x", "because"), HEAD)
            say("waiting")
            sys.stdin.read()
        except TransientError as trouble:
            say(f"refused: {trouble}")


if __name__ == "__main__":
    main(*sys.argv[1:])
