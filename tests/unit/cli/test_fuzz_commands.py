"""Broken files and arguments through the real command line: each is answered in plain lines, none by a traceback.

Nothing is started: where a good input would start or ask a chain, the command ends in a `TransientError` instead.
EVENKEEL_FUZZ_INPUTS sets another count for a longer run.
"""

from __future__ import annotations

import os
import random
import shlex
from pathlib import Path

import pytest

from agent.chain.client import ChainClient
from agent.cli import main as command_line
from agent.cli.run import EXIT_TRY_AGAIN
from agent.errors import TransientError
from agent.localnet.session import Localnet
from tests.support.governance import safe_file
from tests.support.mutations import mutated
from tests.support.valid_files import valid_files

SEED = 20_241_127
INPUTS = int(os.environ.get("EVENKEEL_FUZZ_INPUTS", "10000")) // 20

COMMANDS = {
    "greeks {book.toml} --market {market.toml}": ("book.toml", "market.toml"),
    "greeks {book.csv} --market {market.toml} --json": ("book.csv",),
    "greeks {book.json} --market {market.toml}": ("book.json",),
    "greeks {book.parquet} --market {market.toml}": ("book.parquet",),
    "greeks {desk.toml} --market {market.toml}": ("desk.toml", "market.toml"),
    "greeks {chain.json}": ("chain.json",),
    "greeks {chain.csv} --json": ("chain.csv",),
    "greeks {chain.parquet}": ("chain.parquet",),
    "demo --book {book.toml}": ("book.toml", "localnet.toml"),
    "demo --book {book.toml} --iv {iv.csv}": ("iv.csv",),
    "demo --prices {prices.parquet} --from 2024-08-01 --to 2024-08-02 --book {book.csv}": (
        "prices.parquet",
        "book.csv",
    ),
    "localnet up --book {book.json} --start-price 3230": ("book.json", "localnet.toml"),
    "localnet status --json": ("manifest.json",),
    "localnet down": ("manifest.json",),
    "decide --book {book.toml} --explain": ("book.toml", "localnet.toml"),
    "run --book {book.json} --cycles 1": ("book.json", "localnet.toml", "deployment.json"),
    "key grant 0x90F79bf6EB2c4f870365E785982E1f101E93b906": ("localnet.toml", "deployment.json"),
    "gov propose --set max_slippage_bps=40 --offline": ("localnet.toml", "deployment.json"),
    "gov show {safe.json} --offline": ("safe.json", "deployment.json"),
}
"""Command lines, and the files of each that are broken one at a time."""
PLACES = {
    "localnet.toml": "config/localnet.toml",
    "manifest.json": ".evenkeel/localnet/manifest.json",
    "deployment.json": "deployments/31337.json",
}
"""Where a command looks by itself."""
NASTY_ARGUMENTS = (
    "", "-", "--", "nan", "1e999", "\x00", "../..", "2024-13-45", "--json=x", "9" * 5_000, "\ud800", "/dev/null",
    "--port=0",
)  # fmt: skip


@pytest.fixture
def workplace(repository, tmp_path, monkeypatch) -> Path:
    """Return a working directory with every file in its place, in which no chain can be started or asked."""

    def unreachable(*_: object, **__: object) -> None:
        raise TransientError("no chain in this test")

    monkeypatch.setattr(Localnet, "up", unreachable)
    monkeypatch.setattr("agent.demo.world.free_port", lambda: 1)
    monkeypatch.setattr(ChainClient, "require_chain", unreachable)
    monkeypatch.chdir(tmp_path)
    for name, content in {**valid_files(repository, tmp_path), "safe.json": safe_file()}.items():
        path = tmp_path / PLACES.get(name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


def arguments_of(line: str) -> list[str]:
    return [word.strip("{}") for word in shlex.split(line)]


def run(arguments, monkeypatch, capsys) -> tuple[int, list[str]]:
    monkeypatch.setattr("sys.argv", ["evenkeel", *arguments])
    with pytest.raises(SystemExit) as exited:
        command_line.main()
    return exited.value.code or 0, capsys.readouterr().err.splitlines()


def is_plain_answer(line: str, status: int, lines: list[str]) -> bool:
    """Return whether a command succeeded, or said in lines of its own why not.

    ``localnet status`` answers 1 where no chain runs, which is no failure; ``run`` a status of its own where its start
    may be tried again.
    """
    if status == 0 or (status == 1 and line.startswith("localnet status")):
        return not lines
    failures = (EXIT_TRY_AGAIN, 2) if line.startswith("run ") else (1, 2)
    return status in failures and bool(lines) and all(line.startswith("evenkeel: ") for line in lines)


@pytest.mark.parametrize("line", COMMANDS)
def test_command__broken_files__status_and_plain_lines(line, workplace, monkeypatch, capsys):
    draw = random.Random(f"{SEED} {line}")
    names = COMMANDS[line]
    for number in range(-(-INPUTS // len(COMMANDS))):
        name = names[number % len(names)]
        path = workplace / PLACES.get(name, name)
        valid = path.read_bytes()
        path.write_bytes(mutated(valid, draw))
        answer = run(arguments_of(line), monkeypatch, capsys)
        assert is_plain_answer(line, *answer), (name, answer)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(valid)


@pytest.mark.parametrize("line", COMMANDS)
def test_command__nasty_arguments__status_and_plain_lines(line, workplace, monkeypatch, capsys):
    draw = random.Random(f"{SEED} arguments {line}")
    for _ in range(12):
        arguments = arguments_of(line)
        arguments[draw.randrange(1, len(arguments))] = draw.choice(NASTY_ARGUMENTS)
        answer = run(arguments, monkeypatch, capsys)
        assert is_plain_answer(line, *answer), (arguments, answer)


def test_command__defect__is_not_taken_for_an_answer(workplace, monkeypatch, capsys):
    def broken(*_: object) -> None:
        raise KeyError("canary")

    monkeypatch.setattr("agent.cli.greeks.load_any_book", broken)
    with pytest.raises(KeyError, match="canary"):
        run(arguments_of("greeks {book.toml} --market {market.toml}"), monkeypatch, capsys)
