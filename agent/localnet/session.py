"""A local chain with real protocols and a living market: bring it up, move it, take it down."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from agent.backtest.jump_diffusion import JumpDiffusion
from agent.checks import require_finite
from agent.errors import DataError
from agent.localnet.anvil import AnvilProcess, AnvilSettings, process_fingerprint, stop_process
from agent.localnet.codec import encode_call
from agent.localnet.deployment import INPUTS_NAME, deployment_inputs, run_deployment
from agent.localnet.evm import BlockHead, LocalChain, Transaction
from agent.localnet.manifest import DEFAULT_STATE_DIRECTORY, LOG_NAME, LocalnetManifest
from agent.localnet.market import Market
from agent.localnet.price_feed import answer_to_wad, feed_answer, publish
from agent.localnet.registry import MARKET_PROTOCOLS
from agent.localnet.rpc import RPC_TIMEOUT_SECONDS, JsonRpc
from agent.localnet.world import GENESIS_LEAD_SECONDS, LocalnetSettings, dollar_of_chain, open_world
from agent.units import Address, AssetUnits, Seconds, Wei, from_wad

__all__ = ["Localnet", "LocalnetSettings", "StepResult", "running_manifest"]

STEPPED_MODEL = JumpDiffusion(
    drift_annual=0.0, diffusion_vol_annual=0.65, jumps_per_year=60.0, jump_mean_log=-0.005, jump_std_log=0.02
)
"""The market of a local chain that is moved by hand: a martingale with a jump about once a week."""

_MINT_GAS = 200_000
_TEND_SECONDS = Seconds(3)
"""After the head: when what waits is executed, soon but not too soon for any protocol."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """State of the market after a step."""

    block: BlockHead
    price_usd: float
    """Index price as published, at the feed's 8 decimals."""
    market_price_usd: float
    """Where the first market trades."""
    blocks_mined: int
    gas_used: int


class Localnet:
    """A running local chain. As a context manager it is gone at the end of the block, whatever ended it."""

    def __init__(
        self,
        manifest: LocalnetManifest,
        state_directory: Path,
        process: AnvilProcess | None,
        timeout_seconds: float = RPC_TIMEOUT_SECONDS,
    ) -> None:
        self.manifest = manifest
        self.state_directory = state_directory
        self.chain = LocalChain(JsonRpc(manifest.rpc_url, timeout_seconds))
        self._process = process
        self.markets: dict[str, Market] = {
            kind: MARKET_PROTOCOLS[kind].market(self.chain, manifest.accounts, addresses)
            for kind, addresses in manifest.venues.items()
        }
        """The markets of the chain, by the kind of their protocol."""

    @classmethod
    def up(cls, settings: LocalnetSettings) -> Localnet:
        """Start Anvil, deploy the protocols and open the market.

        Raises: `DataError` when the port is taken, a chain of this state directory runs already, or packages are
        missing.
        """
        _require_none_running(settings.state_directory)
        process = AnvilProcess(
            AnvilSettings(
                port=settings.port,
                chain_id=settings.chain_id,
                genesis_unix=settings.start_unix - GENESIS_LEAD_SECONDS,
                base_fee_wei=settings.base_fee_wei,
                log_path=settings.state_directory / LOG_NAME,
                outlives_parent=settings.outlives_parent,
                kept_transaction_blocks=settings.kept_transaction_blocks,
                kept_states=settings.kept_states,
            )
        )
        try:
            manifest = open_world(settings, process.pid)
            localnet = cls(manifest, settings.state_directory, process)
            with closing(localnet.chain.rpc):
                localnet.step(settings.start_price_usd, settings.start_unix)
            manifest.write(settings.state_directory)
        except BaseException:
            process.stop()
            raise
        return localnet

    @classmethod
    def attach(
        cls, state_directory: Path = DEFAULT_STATE_DIRECTORY, timeout_seconds: float = RPC_TIMEOUT_SECONDS
    ) -> Localnet:
        """Take hold of a chain that another process brought up; one request may take ``timeout_seconds``.

        Raises: `DataError` when none runs.
        """
        manifest = running_manifest(state_directory)
        if manifest is None:
            raise DataError(f"no local chain runs for {state_directory}: start one with `evenkeel localnet up`")
        return cls(manifest, state_directory, None, timeout_seconds)

    def __enter__(self) -> Localnet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    @property
    def rpc_url(self) -> str:
        """Address of the node."""
        return self.manifest.rpc_url

    def close(self) -> None:
        """Let go of the chain without stopping it."""
        self.chain.rpc.close()

    def down(self) -> None:
        """Stop the chain and remove its manifest; harmless when it is gone already."""
        self.close()
        if self._process is not None:
            self._process.stop()
        else:
            stop_process(self.manifest.pid, self.manifest.process_fingerprint)
        LocalnetManifest.path(self.state_directory).unlink(missing_ok=True)

    def step(self, price_usd: float, at_unix: int, base_fee_wei: Wei | None = None) -> StepResult:
        """Move the market to a price at a time.

        The price is published and arbitraged 15 seconds before ``at_unix``, so that the venue's mark price has followed
        by then; funding is settled in a block dated exactly ``at_unix``, which becomes the head. A move above 7 % comes
        in parts, 16 seconds apart, because the venue refuses larger ones at once. Where the time since the last block
        is too short for this, all happens at ``at_unix`` and the pool may lag behind the index.

        Raises: `DataError` when the price is no positive number or the time is not after the last block.
        """
        if require_finite(price_usd, "price_usd") <= 0.0:
            raise DataError(f"price_usd is {price_usd}; expected a price above 0")
        before = self.chain.head()
        if at_unix <= before.timestamp:
            raise DataError(
                f"the step is at {at_unix}, not after the last block at {before.timestamp}: use a later time"
            )
        base_fee_wei = self.manifest.base_fee_wei if base_fee_wei is None else base_fee_wei
        end, answer = Seconds(at_unix), feed_answer(price_usd)
        with self.chain.by_hand():
            reached, gas_used = self._move(before.timestamp, answer, end, base_fee_wei)
        after = self.chain.head()
        return StepResult(
            block=after,
            price_usd=from_wad(answer_to_wad(reached)),
            market_price_usd=self.market_price_usd(),
            blocks_mined=after.number - before.number,
            gas_used=gas_used,
        )

    def _move(self, last: Seconds, answer: AssetUnits, end: Seconds, base_fee_wei: Wei) -> tuple[AssetUnits, int]:
        """Publish and arbitrage until ``end``; returns the last answer published and the gas of it all."""
        gas_used = 0
        if last + _TEND_SECONDS < end:
            gas_used = self._tend_at(Seconds(last + _TEND_SECONDS), base_fee_wei)
            last = self.chain.head().timestamp if gas_used else last
        schedules = [market.schedule(answer, last, end) for market in self.markets.values()]
        for move in max(schedules, key=len):  # what suits the slowest market suits all
            work = [publish(self.manifest.accounts["publisher"], self.manifest.chainlink_aggregator, move.answer)]
            work += [order for market in self.markets.values() for order in market.follow(move.answer)]
            work += self._settlements() if move.at_unix == end else []
            gas_used += self._mine(work, move.at_unix, base_fee_wei)
        if move.at_unix != end:
            gas_used += self._mine(self._settlements(), end, base_fee_wei)
        return move.answer, gas_used

    def tend(self, base_fee_wei: Wei | None = None) -> int:
        """Have every order that waits executed, or cancelled where it has lapsed; returns the gas that this took.

        Nothing is mined where none waits.
        """
        at_unix = Seconds(self.chain.head().timestamp + _TEND_SECONDS)
        return self._tend_at(at_unix, self.manifest.base_fee_wei if base_fee_wei is None else base_fee_wei)

    def _tend_at(self, at_unix: Seconds, base_fee_wei: Wei) -> int:
        work = [order for market in self.markets.values() for order in market.tend(at_unix)]
        return self._mine(work, at_unix, base_fee_wei) if work else 0

    def market_price_usd(self) -> float:
        """Return the price at which the chain's first market trades."""
        return next(iter(self.markets.values())).price_usd()

    def published_price(self) -> tuple[float, int]:
        """Return the latest index price in USD and the number of its round."""
        round_id, answer, *_ = self.chain.call(
            self.manifest.chainlink_aggregator, "latestRoundData()", returns="(uint80,int256,uint256,uint256,uint80)"
        )
        return from_wad(answer_to_wad(answer)), int(round_id)

    def deploy_evenkeel(
        self, book_path: Path | None = None, manifest_path: Path | None = None, config_path: Path | None = None
    ) -> None:
        """Deploy the vault and put a book on the chain (see `agent.localnet.deployment.run_deployment`)."""
        inputs_path = self.state_directory / INPUTS_NAME
        inputs_path.write_text(deployment_inputs(self.manifest).model_dump_json(indent=2) + "\n", encoding="utf-8")
        run_deployment(inputs_path, self.rpc_url, book_path, manifest_path, config_path)

    def fund_usdc(self, to: Address, units: AssetUnits) -> None:
        """Mint test dollars to an account, in a block of its own."""
        mint = encode_call("mint(address,uint256)", to, units)
        minter = self.manifest.accounts["spare"]
        self.chain.mine([Transaction("mint", minter, self.manifest.usdc, mint, _MINT_GAS)])

    def fund_collateral(self, to: Address, units: AssetUnits) -> None:
        """Give an account collateral of the venues, in a block of its own."""
        if self.manifest.dollar_of is None:
            self.fund_usdc(to, units)
        else:
            self.chain.mine([dollar_of_chain(self.manifest).mint(to, units)])

    def _settlements(self) -> list[Transaction]:
        return [work for market in self.markets.values() for work in market.settle()]

    def _mine(self, work: list[Transaction], moment: Seconds, base_fee_wei: Wei) -> int:
        return sum(receipt.gas_used for receipt in self.chain.mine(work, moment, base_fee_wei))


def running_manifest(state_directory: Path) -> LocalnetManifest | None:
    """Manifest of the chain that runs for a state directory; None when none runs, even if a manifest is left over."""
    manifest = LocalnetManifest.read(state_directory)
    if manifest is None or process_fingerprint(manifest.pid) != manifest.process_fingerprint:
        return None
    return manifest


def _require_none_running(state_directory: Path) -> None:
    manifest = running_manifest(state_directory)
    if manifest is not None:
        where = f"pid {manifest.pid}, {manifest.rpc_url}"
        raise DataError(f"a local chain runs already ({where}): stop it with `evenkeel localnet down`")
