"""The opening of a local chain: contracts deployed, makers and traders funded, the market ready to trade."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from agent.checks import require_finite
from agent.errors import DataError, FatalError
from agent.localnet import artifacts
from agent.localnet.anvil import CHAIN_ID, HOST, KEPT_STATES, process_fingerprint
from agent.localnet.deployer import Deployer
from agent.localnet.dollars import TestDollar
from agent.localnet.evm import LocalChain
from agent.localnet.manifest import DEFAULT_STATE_DIRECTORY, LocalnetManifest
from agent.localnet.market import Dollar, MarketOpening
from agent.localnet.price_feed import PRICE_FEED_DECIMALS, feed_answer, publish
from agent.localnet.registry import DEFAULT_KINDS, MARKET_PROTOCOLS
from agent.localnet.rpc import JsonRpc
from agent.units import (
    BPS,
    WEI_PER_GWEI,
    Seconds,
    Wei,
)

USDC_DECIMALS = 6
GENESIS_LEAD_SECONDS = 3_600
"""Time between the genesis block and the moment the market stands ready."""

_HISTORY_SECONDS = 1_900
"""The mark price reads 30 minutes of pool history; before that every trade reverts with ``OLD``."""
_LARGEST_PORT = 65_535
_EARLIEST_START = 946_684_800
_LATEST_START = 4_102_444_800  # Uniswap v3 counts time in 32 bits
_DEFAULT_START = Seconds(1_722_470_400)
_DEFAULT_BASE_FEE = Wei(20 * WEI_PER_GWEI)


@dataclass(frozen=True, slots=True)
class LocalnetSettings:
    """What the local chain and its market start with.

    The same settings give the same addresses and, step by step, the same state.
    """

    port: int = 8545
    chain_id: int = CHAIN_ID
    seed: int = 20_240_805
    """Seed of the built-in price path."""
    start_unix: Seconds = _DEFAULT_START
    """Time at which the market stands ready; 2024-08-01 00:00 UTC unless said otherwise."""
    start_price_usd: float = 3_200.0
    base_fee_wei: Wei = _DEFAULT_BASE_FEE
    depth_size_underlying: float = 50.0
    depth_slippage_bps: float = 20.0
    """Selling ``depth_size_underlying`` at the start executes this far below the price, fee excluded."""
    maker_low_ratio: float = 0.25
    maker_high_ratio: float = 4.0
    """Range of the maker's liquidity, ratio to the start price."""
    exchange_fee_bps: float = 10.0
    state_directory: Path = DEFAULT_STATE_DIRECTORY
    """Where the manifest and Anvil's log go; one directory a running chain."""
    outlives_parent: bool = False
    """Leave the chain running when this process ends; a later process stops it."""
    kept_transaction_blocks: int | None = None
    """Newest blocks whose transactions, receipts and logs are kept; all unless written. Each costs about 0.1 MB."""
    kept_states: int = KEPT_STATES
    """Newest blocks whose state can still be read, each a copy of about 2 MB that grows with the chain."""
    kinds: tuple[str, ...] = DEFAULT_KINDS
    """Protocols, each with one market."""

    def __post_init__(self) -> None:
        for name in ("start_price_usd", "depth_size_underlying", "depth_slippage_bps", "exchange_fee_bps"):
            if require_finite(getattr(self, name), name) <= 0.0:
                raise DataError(f"{name} is {getattr(self, name)}; expected a number above 0")
        if self.depth_slippage_bps >= BPS:
            raise DataError(f"depth_slippage_bps is {self.depth_slippage_bps}; expected less than {BPS}")
        if not 1 <= self.port <= _LARGEST_PORT:
            raise DataError(f"port is {self.port}; expected 1 to {_LARGEST_PORT}")
        if not _EARLIEST_START <= self.start_unix <= _LATEST_START:
            raise DataError(f"start_unix is {self.start_unix}; expected a time from the year 2000 to 2100")
        if not 0.0 < self.maker_low_ratio < 1.0 < self.maker_high_ratio:
            ratios = f"{self.maker_low_ratio} to {self.maker_high_ratio}"
            raise DataError(f"the maker's range is {ratios} of the start price; expected a range around 1")
        require_kinds(self.kinds)

    @property
    def opening(self) -> MarketOpening:
        """What each market is opened with."""
        return MarketOpening(
            answer=feed_answer(self.start_price_usd),
            start_price_usd=self.start_price_usd,
            depth_size_underlying=self.depth_size_underlying,
            depth_slippage_bps=self.depth_slippage_bps,
            low_ratio=self.maker_low_ratio,
            high_ratio=self.maker_high_ratio,
            exchange_fee_bps=self.exchange_fee_bps,
        )


def require_kinds(kinds: tuple[str, ...]) -> None:
    """Raise `DataError` unless these are protocols that can stand on one chain: one dollar serves them all."""
    known = ", ".join(MARKET_PROTOCOLS)
    for kind in kinds:
        if kind not in MARKET_PROTOCOLS:
            raise DataError(f"the local chain has no venue {kind!r}; choose from {known}")
    if not kinds or len(set(kinds)) < len(kinds):
        raise DataError(f"venues {', '.join(kinds) or 'none'}; name each of {known} once at most, and one at least")
    if len(own := [kind for kind in kinds if MARKET_PROTOCOLS[kind].dollar is not None]) > 1:
        raise DataError(
            f"{' and '.join(own)} each take a dollar of their own alone; a vault has one: choose one of them"
        )


def open_world(settings: LocalnetSettings, pid: int) -> LocalnetManifest:
    """Deploy everything on the fresh chain at ``settings.port`` and fund its actors; the chain ends before the start.

    Raises: `FatalError` that names the first step that reverted, or when the chain is not a fresh one of the settings.
    """
    with closing(JsonRpc(f"http://{HOST}:{settings.port}")) as rpc:
        manifest = _deploy(settings, LocalChain(rpc), pid)
        _populate(settings, LocalChain(rpc), manifest)
    return manifest


def dollar_of_chain(manifest: LocalnetManifest) -> Dollar:
    """Return the collateral of the chain's venues, and so of its vault."""
    kind = manifest.dollar_of
    own = None if kind is None else MARKET_PROTOCOLS[kind].dollar
    if kind is None or own is None:
        return TestDollar(manifest.usdc, manifest.usdc_decimals)
    return own.of(manifest.venues[kind])


def _deploy(settings: LocalnetSettings, chain: LocalChain, pid: int) -> LocalnetManifest:
    _require_fresh(chain, settings)
    chain.use_deterministic_time()
    accounts = chain.accounts()
    deployer = Deployer(chain, accounts["deployer"])
    usdc = deployer.create("UsdcDouble", artifacts.project("UsdcDouble"), "(uint8)", USDC_DECIMALS)
    weth = deployer.create("WETH9", artifacts.canonical_weth())
    opening = settings.opening
    code = artifacts.project("AggregatorDouble")
    aggregator = deployer.create("AggregatorDouble", code, "(uint8,int256)", PRICE_FEED_DECIMALS, opening.answer)
    venues, collateral, dollar_of = {}, usdc, None
    # Who has a dollar of its own comes first: the others take it as their collateral too.
    for kind in sorted(settings.kinds, key=lambda kind: MARKET_PROTOCOLS[kind].dollar is None):
        protocol = MARKET_PROTOCOLS[kind]
        venues[kind] = protocol.deploy(chain, deployer, collateral, aggregator, opening)
        if protocol.dollar is not None:
            collateral, dollar_of = venues[kind][protocol.dollar.name], kind
    return LocalnetManifest(
        rpc_url=chain.rpc.url,
        chain_id=settings.chain_id,
        pid=pid,
        process_fingerprint=process_fingerprint(pid) or "",
        seed=settings.seed,
        start_unix=settings.start_unix,
        start_price_usd=settings.start_price_usd,
        base_fee_wei=settings.base_fee_wei,
        usdc=usdc,
        usdc_decimals=USDC_DECIMALS,
        weth=weth,
        chainlink_aggregator=aggregator,
        venues={kind: venues[kind] for kind in settings.kinds},
        dollar_of=dollar_of,
        accounts=accounts,
    )


def _require_fresh(chain: LocalChain, settings: LocalnetSettings) -> None:
    """Make sure that it is our new chain that answers, not a node that took the port in between."""
    head = chain.head()
    if (head.number, head.timestamp) != (0, settings.start_unix - GENESIS_LEAD_SECONDS):
        raise FatalError(f"another node answers at {chain.rpc.url} (block {head.number}): choose another port")


def _populate(settings: LocalnetSettings, chain: LocalChain, manifest: LocalnetManifest) -> None:
    opening = settings.opening
    work = [publish(manifest.accounts["publisher"], manifest.chainlink_aggregator, opening.answer)]
    dollar = dollar_of_chain(manifest)
    for kind, addresses in manifest.venues.items():
        work += MARKET_PROTOCOLS[kind].populate(manifest.accounts, addresses, dollar, opening)
    chain.mine(work, Seconds(settings.start_unix - GENESIS_LEAD_SECONDS + _HISTORY_SECONDS))
