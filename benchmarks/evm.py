"""Compile a contract with the native forge and put it on a local chain."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.errors import DataError
from agent.localnet.anvil import HOST, AnvilProcess, AnvilSettings, free_port
from agent.localnet.artifacts import PROJECT_ROOT
from agent.localnet.binaries import native_binary
from agent.localnet.codec import create_address, encode_constructor
from agent.localnet.evm import LocalChain, Transaction
from agent.localnet.rpc import JsonRpc
from agent.units import Address, Seconds, Wei

ARTIFACTS = PROJECT_ROOT / "build" / "forge" / "out"
GENESIS_UNIX = Seconds(1_722_470_400)  # 2024-08-01 00:00 UTC
_CREATION_GAS = 20_000_000
_CALL_GAS = 50_000_000
_BASE_FEE_WEI = Wei(10**9)


def compile_sources(*paths: str) -> None:
    """Compile the named files, relative to the repository, into forge's artifacts."""
    result = subprocess.run(
        [str(native_binary("forge")), "build", *paths],
        cwd=PROJECT_ROOT,
        env=os.environ | {"FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        errors = [line for line in (result.stdout + result.stderr).splitlines() if line.startswith("Error")]
        raise DataError(f"forge cannot compile {', '.join(paths)}: {(errors or ['no message'])[0]}; run `make setup`")


def creation_code(source: str, contract: str) -> str:
    """0x-prefixed creation code of a contract that `compile_sources` has compiled."""
    artifact = json.loads((ARTIFACTS / Path(source).name / f"{contract}.json").read_text(encoding="utf-8"))
    return str(artifact["bytecode"]["object"])


class BenchmarkChain:
    """A fresh local chain and its first account."""

    def __init__(self, chain: LocalChain) -> None:
        self.chain = chain
        self.account = chain.accounts()["deployer"]

    def deploy(self, source: str, contract: str, types: str = "()", *arguments: object) -> Address:
        """Create a contract and return its address."""
        data = encode_constructor(creation_code(source, contract), types, arguments)
        address = create_address(self.account, self.chain.nonce(self.account))
        self._mine(f"creation of {contract}", None, data)
        return address

    def send(self, to: Address, data: str) -> None:
        """Send a transaction from the first account."""
        self._mine(f"call of {to}", to, data)

    def call(self, to: Address, signature: str, *arguments: object, returns: str) -> tuple[Any, ...]:
        """Call a view function at the head."""
        return self.chain.call(to, signature, *arguments, returns=returns)

    def _mine(self, label: str, to: Address | None, data: str) -> None:
        gas = _CREATION_GAS if to is None else _CALL_GAS
        self.chain.mine([Transaction(label, self.account, to, data, gas)])


@contextmanager
def local_chain() -> Iterator[BenchmarkChain]:
    """Run Anvil for the length of the block."""
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        settings = AnvilSettings(
            port, GENESIS_UNIX, _BASE_FEE_WEI, Path(directory) / "anvil.log", outlives_parent=False
        )
        process = AnvilProcess(settings)
        rpc = JsonRpc(f"http://{HOST}:{port}")
        try:
            yield BenchmarkChain(LocalChain(rpc))
        finally:
            rpc.close()
            process.stop()


def in_batches(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    """Split ``items`` into runs of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
