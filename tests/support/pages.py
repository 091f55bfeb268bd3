"""The documentation's pages as what a reader types: their blocks in order, and a checkout to type them in."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from agent.localnet.rpc import JsonRpc, RpcError

BLOCK_SECONDS = 5.0
NOT_RUN, FILE = "data-not-run", "data-file"
"""Attributes of a block: why it is not run, or the file that it is the content of."""
_FENCE = re.compile(r"^```(?P<language>\w*)(?P<attributes>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_COPIED_BUILD = ("contracts", "interfaces", "stamps", "toolchain")
_LEFT_OUT = (
    ".git",
    ".venv",
    "node_modules",
    "build",
    "dist",
    ".evenkeel",
    "deployments",
    ".pytest_cache",
    ".ruff_cache",
)
_MARK = "@@ line "


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block of a page."""

    line: int
    language: str
    attributes: Mapping[str, str]
    text: str

    @property
    def is_run(self) -> bool:
        return self.language == "bash" and NOT_RUN not in self.attributes

    def script(self) -> str:
        """What a shell does where the reader does what the page says."""
        mark = f"echo '{_MARK}{self.line}' >&2\n"
        if FILE in self.attributes:
            return f"{mark}cat > {shlex.quote(self.attributes[FILE])} <<'END_OF_FILE'\n{self.text}END_OF_FILE\n"
        return mark + self.text if self.is_run else ""


def blocks(page: str) -> list[Block]:
    return [
        Block(
            line=page.count("\n", 0, found.start()) + 1,
            language=found["language"],
            attributes=dict(_ATTRIBUTE.findall(found["attributes"])),
            text=found["text"],
        )
        for found in _FENCE.finditer(page)
    ]


def checkout_copy(repository: Path, target: Path) -> Path:
    """A checkout as `make setup` leaves it, in which a page may write: sources copied, what was installed linked."""
    shutil.copytree(repository, target, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    for name in _COPIED_BUILD:
        if (repository / "build" / name).exists():
            shutil.copytree(repository / "build" / name, target / "build" / name, symlinks=True)
    for stamp in (target / "build" / "stamps").iterdir():
        stamp.touch()  # set up it is: what is installed belongs to the repository, and stays as it is
    for name in (".venv", "node_modules"):
        (target / name).symlink_to(repository / name)
    return target


class Reader:
    """Types the commands of a page, in a shell of its own."""

    def __init__(self, checkout: Path, environment: Mapping[str, str]) -> None:
        self.checkout = checkout
        plain = {name: value for name, value in os.environ.items() if not name.startswith("EVENKEEL_")}
        self.tools = checkout / ".reader"
        self.tools.mkdir()
        path = os.pathsep.join([str(self.tools), os.environ["PATH"]])
        # The installed package leads to the repository; the reader's own checkout comes first.
        self.environment = plain | {"PATH": path, "PYTHONPATH": str(checkout), "CI": "true"} | environment

    def let_chain_sleep(self, rpc_url: str) -> None:
        """Have `sleep` pass a chain's time in place of the reader's: a chain that lags catches up with the clock."""
        tool = self.tools / "sleep"
        tool.write_text(
            f"#!{sys.executable}\n"
            "import sys, time\nfrom agent.localnet.rpc import JsonRpc\n"
            f"rpc, now = JsonRpc({rpc_url!r}), int(time.time())\n"
            "lag = now - int(rpc.request('eth_getBlockByNumber', 'latest', False)['timestamp'], 16)\n"
            "if lag < int(sys.argv[1]):\n    sys.exit(f'the chain lags by {lag} s, not by {sys.argv[1]}')\n"
            "rpc.request('evm_setNextBlockTimestamp', now)\nrpc.request('evm_mine')\n"
        )
        tool.chmod(tool.stat().st_mode | stat.S_IXUSR)

    def follow(self, page: str, seconds: float) -> subprocess.CompletedProcess[str]:
        """Do what a page says, in order, until something fails."""
        script = "set -euo pipefail\n" + "".join(block.script() for block in blocks(page))
        return subprocess.run(
            ["bash", "-c", script],
            cwd=self.checkout,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


@contextmanager
def living(rpc_url: str) -> Iterator[None]:
    """Let a chain's clock run as everybody's, with a block every few seconds whether anyone sends or not.

    A chain that lags goes on lagging by as much, until somebody moves it.
    """
    over = threading.Event()

    def mine() -> None:
        with closing(JsonRpc(rpc_url)) as rpc:
            lag = _lag(rpc)
            while not over.wait(BLOCK_SECONDS):
                lag = max(0, min(lag, _lag(rpc)))
                with suppress(RpcError):  # a transaction came in between, with a later block
                    rpc.request("evm_setNextBlockTimestamp", int(time.time()) - lag)
                rpc.request("evm_mine")

    miner = threading.Thread(target=mine, daemon=True)
    miner.start()
    try:
        yield
    finally:
        over.set()
        miner.join()


def _lag(rpc: JsonRpc) -> int:
    """How far a chain's last block is behind the clock, seconds."""
    return int(time.time()) - int(rpc.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
