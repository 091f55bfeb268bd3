"""What a person waits for at the command line, and what it would be with every command imported at once.

Each figure is the processor time of a process of its own, the least of several taken in turns, beside a bare one that
imports all commands.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from agent.errors import DataError
from benchmarks.figure import Figure

REPOSITORY = Path(__file__).resolve().parent.parent
CHAIN = REPOSITORY.parent / "shared" / "data" / "deribit_eth_chain_20240108.parquet"
ROUNDS = 3
_EVENKEEL = "import sys; from agent.cli.main import main; sys.argv[0] = 'evenkeel'; main()"
_ALL = "from agent.cli.main import COMMANDS, load_command; [load_command(name) for name in COMMANDS]"


def run() -> list[Figure]:
    """Time help, a book and a whole chain of options."""
    book = ("greeks", "examples/book.toml", "--market", "examples/market.toml")
    asked = {"evenkeel --help": ("--help",), "evenkeel greeks, a book of three positions": book}
    if CHAIN.is_file():
        asked["evenkeel greeks, a chain of 684 options"] = ("greeks", str(CHAIN))
    commands = {"": [_ALL], **{name: [_EVENKEEL, *arguments] for name, arguments in asked.items()}}
    best = dict.fromkeys(commands, float("inf"))
    for _ in range(ROUNDS):
        for name, command in commands.items():
            best[name] = min(best[name], _processor_seconds(command))
    peer = ("all commands imported", best.pop(""))
    return [Figure.against(name, seconds, "s of processor", *peer) for name, seconds in best.items()]


def _processor_seconds(command: list[str]) -> float:
    before = os.times()
    finished = subprocess.run(
        [sys.executable, "-c", *command], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    after = os.times()
    if finished.returncode != 0:
        raise DataError(f"{' '.join(command[1:])}: {finished.stderr.strip()}; mend it first")
    return after.children_user - before.children_user + after.children_system - before.children_system
