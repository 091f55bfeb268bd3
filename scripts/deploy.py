"""Deploy one vault and everything it stands on, and put a book on the chain.

    python -m scripts.deploy --network NAME [--plan DIGEST] [--inputs FILE] [--book FILE] [--config FILE]

Values and addresses come from ``config/<network>.toml``, unless other files are named; what there is to do, and what is
done already, from `agent.deploy`. This script compiles, signs and sends. Running it again sends only what is missing.
The manifest ``deployments/<chain_id>.json`` appears when all stands.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import brownie
import requests
from eth_account import Account
from web3.exceptions import TimeExhausted, Web3Exception

from agent.deploy.approval import require_plan, require_ready
from agent.deploy.deployer_key import deployer_key
from agent.deploy.execution import Sent, StepDone, carry_out
from agent.deploy.manifest import write_manifest
from agent.deploy.session import Session, Sources, open_session
from agent.deploy.steps import Step, Transaction
from agent.errors import AgentError, DataError, FatalError, PreflightError, TransientError
from agent.units import wei_to_eth
from scripts.compile import compile_changed
from scripts.holdings import wrap_holdings
from scripts.project import connected, quiet_unless_failing

RECEIPT_TIMEOUT_SECONDS = 600
GAS_BUFFER_PERCENT = 110
"""Gas limit of what is estimated."""
_NO_FUNDS = "insufficient funds"
"""What go-ethereum, Nethermind, Erigon and Anvil say to an account that cannot pay for its transaction."""
BAD_INPUT_STATUS, STOPPED_STATUS = 2, 3


def main() -> int:
    """Run the command line; bad input is one line a finding and exit status 2, what stops it on the way status 3."""
    try:
        _deploy(_arguments())
    except AgentError as error:
        findings = error.findings if isinstance(error, PreflightError) else (str(error),)
        sys.stderr.writelines(f"{' '.join(finding.split())}\n" for finding in findings)
        return BAD_INPUT_STATUS if isinstance(error, DataError) else STOPPED_STATUS
    return 0


def _deploy(arguments: argparse.Namespace) -> None:
    sources = Sources(arguments.network, arguments.config, arguments.inputs, arguments.book)
    output = sys.stdout
    compile_changed()  # before the plan is drawn from what is compiled

    def show(done: StepDone) -> None:
        output.write(json.dumps(asdict(done)) + "\n")
        output.flush()

    with open_session(sources) as session:
        digest = _send_all(session, arguments.plan, show)
        manifest = write_manifest(session.blueprint, session.state, digest)
        path = session.blueprint.network.chain.manifest_file
    output.write(json.dumps({"manifest": str(path), "block": manifest["block"]}) + "\n")


def _send_all(session: Session, plan: str | None, show: Callable[[StepDone], None]) -> str:
    """Send what is missing and return the plan's digest."""
    network = session.blueprint.network
    try:
        with quiet_unless_failing(), connected(network.network, network.chain.rpc_urls[0]):
            sender = _Sender(session)
            sender.settle()
            require_plan(session, plan)
            if session.book is not None and sender.is_unlocked:
                wrap_holdings(session.blueprint.inputs, session.book)
            digest = require_ready(session, plan)
            carry_out(session.blueprint, session.state, sender.send, show)
    except (requests.RequestException, OSError) as error:
        raise TransientError(
            f"the node does not answer ({type(error).__name__}); run this again: it goes on where the chain stands"
        ) from None
    return digest


class _Sender:
    """Signs as the deployer, sends, and waits; one transaction at a time."""

    def __init__(self, session: Session) -> None:
        self._deployer = session.blueprint.inputs.deployer
        key = deployer_key(os.environ, self._deployer, session.state)
        self.is_unlocked = key is None
        self._account: Any = None if key is None else Account.from_key(key)

    def settle(self) -> None:
        """Wait until nothing of the deployer's is pending: an interrupted run may have left a transaction."""
        count, deadline = brownie.web3.eth.get_transaction_count, time.monotonic() + RECEIPT_TIMEOUT_SECONDS
        while count(self._deployer, "pending") > count(self._deployer, "latest"):
            if time.monotonic() > deadline:
                raise TransientError(
                    f"a transaction of {self._deployer} still waits after {RECEIPT_TIMEOUT_SECONDS} s; replace it, or "
                    "wait and run this again"
                )
            time.sleep(0.2)

    def send(self, step: Step, transaction: Transaction) -> Sent:
        """Send and wait until it is mined."""
        eth = brownie.web3.eth
        fields: dict[str, Any] = {"from": self._deployer, "to": transaction.to, "value": transaction.value}
        fields["data"] = transaction.data
        try:
            fields["gas"] = eth.estimate_gas(fields) * GAS_BUFFER_PERCENT // 100
            sent = eth.send_transaction if self.is_unlocked else self._send_signed
            hash_ = sent(fields)
            receipt = eth.wait_for_transaction_receipt(hash_, RECEIPT_TIMEOUT_SECONDS, poll_latency=0.02)
        except TimeExhausted:
            raise TransientError(
                f"{step.title} is not mined after {RECEIPT_TIMEOUT_SECONDS} s; run this again"
            ) from None
        except (Web3Exception, ValueError) as error:
            raise self._refused(step, error) from None
        if receipt["status"] != 1:
            raise FatalError(f"{step.title} reverted in transaction 0x{bytes(hash_).hex()}")
        return Sent("0x" + bytes(hash_).hex(), receipt["gasUsed"], receipt["blockNumber"])

    def _refused(self, step: Step, error: Exception) -> FatalError:
        held = brownie.web3.eth.get_balance(self._deployer)
        if _NO_FUNDS in str(error).lower():
            return FatalError(
                f"the deployer {self._deployer} has {wei_to_eth(held):.6f} ether left, too little for {step.title}; "
                "send it some and run this again: it goes on where the chain stands"
            )
        return FatalError(f"{step.title} is refused: {error}"[:400])

    def _send_signed(self, fields: dict[str, Any]) -> bytes:
        eth = brownie.web3.eth
        base_fee, tip = eth.get_block("latest")["baseFeePerGas"], eth.max_priority_fee
        signed = self._account.sign_transaction(
            {
                **fields,
                "chainId": eth.chain_id,
                "nonce": eth.get_transaction_count(self._deployer, "pending"),
                "maxFeePerGas": 2 * base_fee + tip,
                "maxPriorityFeePerGas": tip,
            }
        )
        return bytes(eth.send_raw_transaction(signed.raw_transaction))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m scripts.deploy", description=__doc__.splitlines()[0])
    parser.add_argument("--network", required=True, help="name of a file in config/, without .toml")
    parser.add_argument("--config", type=Path, help="read this file in place of config/<network>.toml")
    parser.add_argument("--book", type=Path, help="book whose options are registered on the chain (.toml or .csv)")
    parser.add_argument("--inputs", type=Path, help="addresses it stands on, in place of [deploy] (.json)")
    parser.add_argument("--plan", help="digest of the plan that was shown; another plan is refused")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
