"""A stranger's way from nothing to a governed vault: his network's file, his commands, his keeper."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from agent.chain.deployment import Deployment, load_deployment
from agent.cli.main import main
from agent.deploy.deployer_key import DEPLOYER_KEY_VARIABLE
from agent.execution.config import GOVERNANCE_KEY_VARIABLE, KEEPER_KEY_VARIABLE
from tests.support.public_testnet import PublicTestnet, key_of

VOTING_DELAY_SECONDS, VOTING_PERIOD_SECONDS = 600, 3_600
PATIENCE_SECONDS = 120
"""How long a process of ours may take for one thing, however busy the machine is; no test counts on it."""
GROSS_LIMIT = ("max_gross_notional_usd = 800_000", "max_gross_notional_usd = 100_000")
"""Less than the first hedge needs, so that what loosens it shows in what the keeper does."""


def network_text(base: str, testnet: PublicTestnet, directory: Path) -> str:
    """The file that the stranger writes: sections of ``config/localnet.toml``, and addresses of the testnet."""
    of = testnet.accounts
    head = base[: base.index("[deploy]")].replace("chain_id = 31337", f"chain_id = {testnet.chain_id}")
    head = head.replace('"http://127.0.0.1:8545"', f'"{testnet.url}"').replace(*GROSS_LIMIT)
    head = head.replace("[vault]", f'manifest_path = "{directory / "deployed.json"}"\n\n[vault]', 1)
    head = head.replace('gas_token_price_usd = "oracle"', "gas_token_price_usd = 3_200")
    head = head.replace("sqlite:///.evenkeel/localnet/ledger.sqlite", f"sqlite:///{directory / 'ledger.sqlite'}")
    return f"""{head}
[deploy]
salt = "story"
asset = "market"
price_feed = "{testnet.feed}"
underlying_token = "{testnet.weth}"
underlying_holder = "{of["depositor"]}"
deployer = "{of["deployer"]}"
governor = "dao"
guardian = "{of["guardian"]}"
keepers = ["{of["keeper"]}"]
members = ["{of["depositor"]}", "{of["spare"]}"]

[venue]
deploy = "curie"

[dao]
name = "Story DAO"
token = "new"
voting_delay_seconds = {VOTING_DELAY_SECONDS}
voting_period_seconds = {VOTING_PERIOD_SECONDS}
proposal_threshold_votes = 100
quorum_percent = 20

[dao.new_token]
name = "Story Votes"
symbol = "STORY"

[[dao.new_token.holders]]
account = "{of["depositor"]}"
votes = 6000

[[dao.new_token.holders]]
account = "{of["spare"]}"
votes = 4000
"""


class CommandLine:
    """``evenkeel`` as each person runs it: with his own key, and no other, in the environment."""

    def __init__(self, testnet: PublicTestnet, config: Path, book: Path) -> None:
        self.testnet = testnet
        self.config = config
        self.book = book

    def environment(self, variable: str, role: str) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("EVENKEEL_")}
        return plain | {variable: key_of(role)}

    def run(self, environment: Mapping[str, str], *arguments: object) -> tuple[int, str, str]:
        """Return status, output and errors."""
        out, err, status = io.StringIO(), io.StringIO(), 0
        with (
            mock.patch.dict(os.environ, environment, clear=True),
            mock.patch.object(sys, "argv", ["evenkeel", *map(str, arguments)]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as exited:
                status = int(exited.code or 0)
        return status, out.getvalue(), err.getvalue()

    def deploy(self, what: str, *arguments: object) -> str:
        """Run a deployment command as the deployer; it must succeed."""
        with_book = () if what == "market" else ("--book", self.book)
        options = ("--network", self.config.stem, "--config", self.config, *with_book)
        environment = self.environment(DEPLOYER_KEY_VARIABLE, "deployer")
        status, out, err = self.run(environment, "deploy", what, *options, *arguments)
        assert status == 0, f"{out}{err}"
        return out

    def gov(self, role: str, *arguments: object) -> Any:
        """Run a governance command with somebody's key; return its document."""
        status, out, err = self.try_gov(role, *arguments)
        assert status == 0, err
        return json.loads(out)

    def try_gov(self, role: str, *arguments: object) -> tuple[int, str, str]:
        """Run a governance command that may be refused."""
        sends = () if arguments[0] in ("list", "show") else ("--yes",)
        options = ("--network", self.config, *sends, "--json")
        return self.run(self.environment(GOVERNANCE_KEY_VARIABLE, role), "gov", *arguments, *options)

    def status(self) -> Any:
        """What ``evenkeel status`` says, for which no key is needed."""
        status, out, err = self.run(self.environment("NO_KEY", "spare"), "status", "--network", self.config, "--json")
        assert status == 0, err
        return json.loads(out)

    def deployment(self) -> Deployment:
        return load_deployment(self.config.parent / "deployed.json", self.testnet.chain_id)

    @contextlib.contextmanager
    def keeper(self) -> Iterator[RunningKeeper]:
        """Run ``evenkeel run`` in a process of its own for the length of the block."""
        command = [sys.executable, "-m", "agent.cli.main", "run", "--network", str(self.config)]
        command += ["--book", str(self.book), "--interval-seconds", "0.2", "--json"]
        log = self.config.parent / "keeper.jsonl"
        with log.open("w") as out, (self.config.parent / "keeper.err").open("w") as err:
            process = subprocess.Popen(
                command, env=self.environment(KEEPER_KEY_VARIABLE, "keeper"), stdout=out, stderr=err
            )
        try:
            yield RunningKeeper(process, log)
        finally:
            process.kill()
            process.wait()


@dataclass
class RunningKeeper:
    """One keeper process, never started again, and the cycles that it has told of."""

    process: subprocess.Popen[bytes]
    log: Path
    _seen: int = field(default=0)

    def next(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next cycle, of those not looked at yet, of which something holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            lines = self.log.read_text().splitlines(keepends=True)
            for line in lines[self._seen :]:
                if not line.endswith("\n"):
                    break
                self._seen += 1
                if what(cycle := json.loads(line)):
                    return cycle
            assert self.process.poll() is None, self.log.with_suffix(".err").read_text()
            time.sleep(0.1)
        raise AssertionError(f"no such cycle; the last ones: {''.join(lines[-3:])}")

    def settle(self) -> dict[str, Any]:
        """Return a cycle that began after this call and found nothing to do."""
        self._seen = len(self.log.read_text().splitlines())
        self.next(lambda _: True)  # it may have begun before
        return self.next(lambda cycle: cycle["outcome"] == "held")

    def stop(self) -> int:
        """Ask it to stop, and return its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)
