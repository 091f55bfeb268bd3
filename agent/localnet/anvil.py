"""Start, watch and stop the native Anvil binary."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from agent.errors import DataError, FatalError
from agent.localnet.binaries import native_binary
from agent.localnet.evm import ACCOUNT_ROLES
from agent.units import Wei

CHAIN_ID = 31_337
"""Of a local chain unless another one is asked for."""
HOST = "127.0.0.1"
BLOCK_GAS_LIMIT = 60_000_000
"""Gas limit of a block, as on Ethereum mainnet since late 2025."""
ACCOUNT_BALANCE_ETH = 1_000_000
HARDFORK = "cancun"
KEPT_STATES = 128
"""Blocks whose state can still be read, the latest included, unless a chain is told otherwise. Without a limit Anvil
writes every state to the home directory, gigabytes in a long run, and leaves them there. Each is a whole copy, so that
a slot that a block adds takes its memory as many times. Blocks, receipts and logs are kept for all of the chain."""

_ALLOCATOR = {"_RJEM_MALLOC_CONF": "narenas:1,dirty_decay_ms:0,muzzy_decay_ms:0"}
"""Has Anvil's allocator, jemalloc (its TUNING.md), give back what is freed at once: a long run is a tenth smaller."""
_READY_TIMEOUT_SECONDS = 20.0
_STOP_TIMEOUT_SECONDS = 5.0
_POLL_SECONDS = 0.005
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


@dataclass(frozen=True, slots=True)
class AnvilSettings:
    """What the chain is started with. ``outlives_parent`` leaves it running when this process ends."""

    port: int
    genesis_unix: int
    base_fee_wei: Wei
    log_path: Path
    outlives_parent: bool
    chain_id: int = CHAIN_ID
    kept_transaction_blocks: int | None = None
    """Newest blocks whose transactions, receipts and logs are kept; all unless written."""
    kept_states: int = KEPT_STATES
    """Newest blocks whose state can still be read."""


@dataclass(frozen=True, slots=True)
class ForkSettings:
    """What a throw-away copy of a running chain is started with. It ends with this process."""

    port: int
    node_url: str
    """Shown in the list of processes: it must hold no secret."""
    log_path: Path
    outlives_parent: bool = False


class AnvilProcess:
    """One Anvil child process of ours."""

    def __init__(self, settings: AnvilSettings | ForkSettings) -> None:
        self._log_path = settings.log_path
        require_free_port(settings.port)
        settings.log_path.parent.mkdir(parents=True, exist_ok=True)
        with settings.log_path.open("wb") as log:
            self._child = subprocess.Popen(  # noqa: S603  (the command is ours, from constants and checked settings)
                _command(settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_ALLOCATOR},
                start_new_session=True,
                # One system call of an already loaded library: safe after a fork, threads or not.
                preexec_fn=None if settings.outlives_parent else _die_with_parent(),  # noqa: PLW1509
            )
        try:
            self._wait_until_it_listens(settings.port)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    def stop(self) -> None:
        """Stop the process and wait until it is gone; harmless when it is gone already."""
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._child.kill()
        self._child.wait()

    def _wait_until_it_listens(self, port: int) -> None:
        deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                lines = self._log_path.read_text(encoding="utf-8", errors="replace").strip().splitlines() or [
                    "no output"
                ]
                raise FatalError(
                    f"Anvil ended with status {self._child.returncode}: {lines[-1]} (log: {self._log_path})"
                )
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1.0):
                return
            time.sleep(_POLL_SECONDS)
        raise FatalError(
            f"Anvil does not listen on port {port} after {_READY_TIMEOUT_SECONDS:.0f} s (log: {self._log_path})"
        )


def require_free_port(port: int) -> None:
    """Raise `DataError` when something listens on ``port`` already."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            where = f"port {port} on {HOST}"
            raise DataError(
                f"{where} cannot be used ({error.strerror}): stop what uses it, or choose another with --port"
            ) from None


def process_fingerprint(pid: int) -> str | None:
    """Something that tells this process from a later one with the same id; None when no such process runs.

    On Linux the start time in clock ticks since boot (proc_pid_stat(5), field 22); elsewhere the empty string.
    """
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            after_name = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        state, threads, started = after_name[0], int(after_name[17]), after_name[19]
        # A process nobody has waited for yet is gone, but only once its last thread has let go of its port.
        return None if state in "ZX" and threads <= 1 else started
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    return ""


def stop_process(pid: int, fingerprint: str) -> bool:
    """Stop the process that had this fingerprint; False when it was gone already."""
    if process_fingerprint(pid) != fingerprint:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_TIMEOUT_SECONDS
    while process_fingerprint(pid) == fingerprint:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    return True


def _command(settings: AnvilSettings | ForkSettings) -> list[str]:
    if isinstance(settings, ForkSettings):
        return _fork_command(settings)
    kept = settings.kept_transaction_blocks
    return [
        str(native_binary("anvil")),
        *("--host", HOST, "--port", str(settings.port), "--chain-id", str(settings.chain_id)),
        *("--hardfork", HARDFORK, "--timestamp", str(settings.genesis_unix)),
        *("--gas-limit", str(BLOCK_GAS_LIMIT), "--base-fee", str(settings.base_fee_wei)),
        *("--accounts", str(len(ACCOUNT_ROLES)), "--balance", str(ACCOUNT_BALANCE_ETH)),
        *("--prune-history", str(settings.kept_states)),
        *(() if kept is None else ("--transaction-block-keeper", str(kept))),
        *("--no-request-size-limit", "--quiet"),
    ]


def _fork_command(settings: ForkSettings) -> list[str]:
    return [
        str(native_binary("anvil")),
        *("--host", HOST, "--port", str(settings.port), "--fork-url", settings.node_url),
        *("--prune-history", str(KEPT_STATES)),
        *("--no-storage-caching", "--no-request-size-limit", "--quiet"),
    ]


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _die_with_parent() -> Callable[[], None] | None:
    """On Linux, have the kernel end the child when this process dies in any way, SIGKILL included."""
    if platform.system() != "Linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def preexec() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return preexec
