"""What calls do, tried on a copy of the chain: scheduled as the governor, waited for, executed; measured around it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.chain.abi import Call, Function, load_abi
from agent.chain.deployment import Deployment
from agent.chain.reverts import decode_revert
from agent.chain.state import measurement_of
from agent.domain import Bounds
from agent.errors import FatalError, RejectedError
from agent.governance.calls import GovernedCall
from agent.governance.governors import Governor, GovernorKind
from agent.governance.node_relay import relayed
from agent.guard import effective_band, gross_notional, worst_net_delta
from agent.localnet.anvil import HOST, AnvilProcess, ForkSettings, free_port
from agent.localnet.rpc import JsonRpc, RpcError
from agent.units import Address, Wad

_BALANCE = hex(10**24)
_GAS = hex(12_000_000)


@dataclass(frozen=True, slots=True)
class Measured:
    """Loss bounds and exposure at one state. WAD: USD, of ``worst``, ``band`` underlying units."""

    keeper_key: Wad
    all_keeper_keys: Wad
    funding: Wad
    total: Wad
    nav: Wad
    worst: Wad
    band: Wad
    gross: Wad
    max_gross: Wad

    @property
    def room(self) -> Wad:
        """How far W may grow before the band ends; negative while it is outside."""
        return Wad(self.band - self.worst)


@dataclass(frozen=True, slots=True)
class Simulation:
    """What happened on the copy. ``before`` and ``after`` are read at the same time of day, so that prices are alike.

    Either is None where the vault could not be measured; ``refusals`` says which call failed, and with which error.
    """

    before: Measured | None
    after: Measured | None
    refusals: tuple[str, ...]
    left_out: tuple[str, ...]


def simulate(node_url: str, deployment: Deployment, governor: Governor, calls: Sequence[GovernedCall]) -> Simulation:
    """Try calls on a fork of the node's chain.

    Raises
    ------
    FatalError
        The node cannot be forked.

    """
    own = [call for call in calls if governor.kind is GovernorKind.VOTES and call.target == governor.address]
    tried = [call for call in calls if call not in own]
    with _fork(node_url) as rpc:
        desk = _Fork(rpc, deployment, governor.address)
        before = desk.measured()
        refusals = desk.run(tried)
        after = desk.measured()
    left_out = ("the governor's own settings are not tried: only a vote can change them",) if own else ()
    return Simulation(before, after, tuple(refusals), left_out)


@contextmanager
def _fork(node_url: str) -> Iterator[JsonRpc]:
    with tempfile.TemporaryDirectory(prefix="evenkeel-fork-") as directory, relayed(node_url) as plain_url:
        port = free_port()
        process = AnvilProcess(ForkSettings(port, plain_url, Path(directory) / "anvil.log"))
        try:
            with closing(JsonRpc(f"http://{HOST}:{port}")) as rpc:
                yield rpc
        finally:
            process.stop()


class _Fork:
    """One copy of the chain, on which the governor's account is ours."""

    def __init__(self, rpc: JsonRpc, deployment: Deployment, governor: Address) -> None:
        self._rpc = rpc
        self._deployment = deployment
        self._governor = governor
        self._access = load_abi("VaultAccess")
        self._now = int(rpc.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        rpc.request("anvil_impersonateAccount", governor)
        rpc.request("anvil_setBalance", governor, _BALANCE)

    def run(self, calls: Sequence[GovernedCall]) -> list[str]:
        """Schedule what is not scheduled yet, wait, execute; return a line for each call that was refused."""
        refusals: list[str] = []
        waiting = []
        for call in calls:
            try:
                ready_at = self._ready_at(call)
            except RejectedError as rejection:  # the end of `uint48`: no time is left to add the expiration to
                refusals.append(f"it never becomes ready: {rejection}")
                continue
            refusal = None if ready_at else self._send(self._on_access("schedule", call.target, call.data, 0))
            if refusal is None:
                waiting.append((call, ready_at or self._ready_at(call)))
            else:
                refusals.append(f"scheduling is refused: {refusal}")
        if waiting:
            latest = max(ready_at for _, ready_at in waiting)
            self._rpc.request("evm_setNextBlockTimestamp", max(latest, self._now + 1))
            self._rpc.request("evm_mine")
        for call, _ in waiting:
            refusal = self._send(self._on_access("execute", call.target, call.data), call.wei)
            if refusal is not None:
                refusals.append(f"execution is refused: {refusal}")
        return refusals

    def measured(self) -> Measured | None:
        """Measure the vault at the time at which the copy began."""
        guard, vault = load_abi("RebalanceGuard"), load_abi("HedgeVault")
        at_guard, at_vault = self._deployment.contract("RebalanceGuard"), self._deployment.contract("HedgeVault")
        try:
            losses = self._read(guard.function("lossBounds").at(at_guard))
            bounds = Bounds(*self._read(guard.function("bounds").at(at_guard)))
            measurement = measurement_of(self._read(vault.function("measure").at(at_vault)))
        except RejectedError:
            return None
        keeper_key, all_keeper_keys, funding, total = (Wad(loss) for loss in losses)
        return Measured(
            keeper_key=keeper_key,
            all_keeper_keys=all_keeper_keys,
            funding=funding,
            total=total,
            nav=measurement.nav,
            worst=worst_net_delta(measurement),
            band=effective_band(bounds, measurement.firm_nav, measurement.price),
            gross=gross_notional(measurement),
            max_gross=bounds.max_gross_notional,
        )

    def _ready_at(self, call: GovernedCall) -> int:
        at = self._deployment.contract("VaultAccess")
        hash_operation = self._access.function("hashOperation")
        operation = self._read(hash_operation.at(at, self._governor, call.target, call.data))
        return int(self._read(self._access.function("getSchedule").at(at, operation)))

    def _on_access(self, name: str, *arguments: object) -> Call:
        return self._access.function(name).at(self._deployment.contract("VaultAccess"), *arguments)

    def _read(self, call: Call) -> Any:
        """Return the first output of a view, the block's time set back to where the copy began."""
        transaction = {"to": call.to, "data": call.data}
        try:
            answer = self._rpc.request("eth_call", transaction, "latest", {}, {"time": hex(self._now)})
        except RpcError as error:
            raise decode_revert(error.data) from error
        return _first(call.function, answer)

    def _send(self, call: Call, wei: int = 0) -> str | None:
        """Send from the governor; return the refusal, decoded, or None."""
        fields = {"from": self._governor, "to": call.to, "data": call.data, "value": hex(wei), "gas": _GAS}
        try:
            self._rpc.request("eth_call", fields, "latest")
        except RpcError as error:
            return str(decode_revert(error.data))
        sent = self._rpc.request("eth_sendTransaction", fields)
        self._rpc.request("evm_mine")
        receipt = self._rpc.request("eth_getTransactionReceipt", sent)
        if receipt is None or int(receipt["status"], 16) != 1:
            raise FatalError(f"{call.function.name} succeeded when it was called and failed when it was mined")
        return None


def _first(function: Function, answer: str) -> Any:
    return function.decode(answer)[0]
