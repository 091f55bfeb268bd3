"""``evenkeel localnet``: a local chain with real protocols, left running between commands."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from agent.backtest.jump_diffusion import next_price
from agent.chain.deployment import load_deployment
from agent.cli.venue_option import DEFAULT_VENUES, Venues, kinds_of
from agent.errors import DataError, TransientError
from agent.files.book_file import load_book
from agent.files.timestamps import parse_instant
from agent.keeper.preflight import require_hedgeable
from agent.localnet.anvil import HOST
from agent.localnet.deployment import NETWORK
from agent.localnet.deposit import deposit_collateral
from agent.localnet.manifest import DEFAULT_STATE_DIRECTORY, LocalnetManifest
from agent.localnet.session import STEPPED_MODEL, Localnet, LocalnetSettings, StepResult, running_manifest
from agent.report.formatting import price, signed, utc_minute
from agent.settings import config_path, load_settings
from agent.units import Seconds, wei_to_gwei

EXIT_NOT_RUNNING = 1
DEFAULT_DEPOSIT_USD = 400_000.0
"""What the bounds of ``config/localnet.toml`` are made for."""
MIN_INTERVAL_SECONDS = 10
"""The pool remembers 500 trades, and the venue's mark price needs those of the last 30 minutes."""
STATUS_TIMEOUT_SECONDS = 5.0
"""A node that takes longer than this over one request is called silent."""
_DEFAULTS = LocalnetSettings()

app = typer.Typer(
    help="A local chain with real protocols and a market: up, down, status, step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_StateDirectory = Annotated[Path, typer.Option(help="Where the manifest and the log are; one directory a chain.")]
_AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


@app.command(epilog="Example: evenkeel localnet up --start-price 3200 --book examples/book.toml")
def up(
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65_535, help="Port of the node on 127.0.0.1; that of [chain] rpc_urls unless given."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the prices that `step` draws.")] = _DEFAULTS.seed,
    start: Annotated[
        str | None, typer.Option(help="When the market stands ready, such as 2024-08-01; that day if not given.")
    ] = None,
    start_price: Annotated[float, typer.Option(help="First price, USD.")] = _DEFAULTS.start_price_usd,
    depth_bps: Annotated[
        float, typer.Option(help="How far below the price 50 ETH sell at once, fee excluded, 1e-4.")
    ] = _DEFAULTS.depth_slippage_bps,
    book: Annotated[Path | None, typer.Option(help="Book of positions to put on the chain.")] = None,
    deposit_usd: Annotated[
        float, typer.Option(min=0, help="Collateral the depositor puts into the vault, USD of its dollar.")
    ] = DEFAULT_DEPOSIT_USD,
    venue: Venues = DEFAULT_VENUES,
    without_vault: Annotated[bool, typer.Option(help="Protocols and market alone, without the vault.")] = False,
    state_directory: _StateDirectory = DEFAULT_STATE_DIRECTORY,
    as_json: _AsJson = False,
) -> None:
    """Start a chain in the background: protocols, market, vault with collateral, and a book if one is named."""
    if without_vault and book is not None:
        raise DataError("--book needs the vault: leave out --without-vault")
    settings = LocalnetSettings(
        port=_configured_port() if port is None else port,
        seed=seed,
        start_unix=_DEFAULTS.start_unix if start is None else parse_instant(start, "--start"),
        start_price_usd=start_price,
        depth_slippage_bps=depth_bps,
        state_directory=state_directory,
        outlives_parent=True,
        kinds=kinds_of(venue),
    )
    if not without_vault:
        _require_deployable(book, settings, deposit_usd)
    localnet = Localnet.up(settings)
    drop_old_ledger(state_directory)
    try:
        if not without_vault:
            localnet.deploy_evenkeel(book)
            _deposit(localnet, deposit_usd)
    except BaseException:
        localnet.down()
        raise
    localnet.close()
    _show(_Status.of(state_directory), as_json)


def _configured_port() -> int:
    """Return where the other commands look for the local chain, so that they find it there."""
    url = urlsplit(load_settings(config_path(NETWORK)).chain.rpc_urls[0])
    return url.port if url.hostname in (HOST, "localhost") and url.port else _DEFAULTS.port


def _require_deployable(book_path: Path | None, localnet: LocalnetSettings, deposit_usd: float) -> None:
    """Raise what configuration, book, price and deposit tell already, before a chain is started."""
    config = config_path(NETWORK)
    settings = load_settings(config)
    book = None if book_path is None else load_book(book_path, localnet.start_unix)
    require_hedgeable(
        settings, config, book, str(book_path), localnet.start_unix, localnet.start_price_usd, deposit_usd
    )


def _deposit(localnet: Localnet, deposit_usd: float) -> None:
    if deposit_usd > 0:
        settings = load_settings(config_path(NETWORK))
        deposit_collateral(
            localnet, load_deployment(settings.chain.manifest_file, settings.chain.chain_id), deposit_usd
        )


def drop_old_ledger(state_directory: Path) -> None:
    """Remove what a keeper wrote about the last chain: addresses repeat, it would pass for this one's past."""
    for path in state_directory.glob("ledger.sqlite*"):
        path.unlink()


@app.command(epilog="Example: evenkeel localnet down")
def down(
    if_running: Annotated[bool, typer.Option("--if-running", help="Say nothing when no chain runs.")] = False,
    state_directory: _StateDirectory = DEFAULT_STATE_DIRECTORY,
    as_json: _AsJson = False,
) -> None:
    """Stop the chain."""
    manifest = LocalnetManifest.read(state_directory)
    if manifest is None:
        if if_running:
            return
        raise DataError(f"no local chain runs for {state_directory}: start one with `evenkeel localnet up`")
    was_running = running_manifest(state_directory) is not None
    Localnet(manifest, state_directory, None).down()
    if as_json:
        typer.echo(json.dumps({"stopped": was_running, "pid": manifest.pid}))
    elif was_running:
        typer.echo(f"Stopped the local chain at {manifest.rpc_url} (pid {manifest.pid}).")
    else:
        typer.echo(f"The local chain (pid {manifest.pid}) had died; removed its manifest.")


@app.command(epilog="Example: evenkeel localnet status --json")
def status(state_directory: _StateDirectory = DEFAULT_STATE_DIRECTORY, as_json: _AsJson = False) -> None:
    """Say whether the chain runs, and where its market stands; exit status 1 when it does not run."""
    found = _Status.of(state_directory)
    _show(found, as_json)
    if found.state != "running":
        raise typer.Exit(EXIT_NOT_RUNNING)


@app.command(epilog="Example: evenkeel localnet step --count 12 --interval-seconds 300")
def step(
    count: Annotated[int, typer.Option(min=1, help="Number of steps.")] = 1,
    price: Annotated[
        float | None, typer.Option(help="Price to move to, USD; drawn from a seeded jump-diffusion if not given.")
    ] = None,
    interval_seconds: Annotated[
        int, typer.Option(min=MIN_INTERVAL_SECONDS, help="Chain time from step to step.")
    ] = 300,
    state_directory: _StateDirectory = DEFAULT_STATE_DIRECTORY,
    as_json: _AsJson = False,
) -> None:
    """Move the market: publish a price, trade the pool to it, settle funding."""
    with closing(Localnet.attach(state_directory)) as localnet:
        for _ in range(count):
            published_usd, draw = localnet.published_price()
            drawn_usd = next_price(
                STEPPED_MODEL, published_usd, Seconds(interval_seconds), localnet.manifest.seed, draw
            )
            target_usd = drawn_usd if price is None else price
            result = localnet.step(target_usd, localnet.chain.head().timestamp + interval_seconds)
            typer.echo(json.dumps(_step_record(result)) if as_json else _step_line(result))


@dataclass(frozen=True, slots=True)
class _Status:
    """``state``: running, stopped (none was started), died (its manifest is left over), silent (answers nothing)."""

    state: str
    manifest: LocalnetManifest | None = None
    block: int = 0
    timestamp_unix: int = 0
    base_fee_wei: int = 0
    price_usd: float = 0.0
    pool_price_usd: float = 0.0

    @classmethod
    def of(cls, state_directory: Path) -> _Status:
        manifest = LocalnetManifest.read(state_directory)
        if manifest is None:
            return cls("stopped")
        if running_manifest(state_directory) is None:
            return cls("died", manifest)
        with closing(Localnet.attach(state_directory, STATUS_TIMEOUT_SECONDS)) as localnet:
            try:
                head = localnet.chain.head()
                price_usd, pool_price_usd = localnet.published_price()[0], localnet.market_price_usd()
            except TransientError:
                return cls("silent", manifest)
        return cls("running", manifest, head.number, head.timestamp, head.base_fee_wei, price_usd, pool_price_usd)

    def record(self) -> dict[str, object]:
        """Form for machines; what is not known is left out."""
        found: dict[str, object] = {"state": self.state}
        if self.manifest is not None:
            found |= {"rpc_url": self.manifest.rpc_url, "pid": self.manifest.pid, "seed": self.manifest.seed}
        if self.state == "running":
            found |= {
                "block": self.block,
                "timestamp_unix": self.timestamp_unix,
                "base_fee_wei": self.base_fee_wei,
                "price_usd": self.price_usd,
                "pool_price_usd": self.pool_price_usd,
            }
        return found

    def lines(self) -> list[str]:
        """Form for people."""
        if self.manifest is None:
            return ["No local chain runs. Start one with `evenkeel localnet up`."]
        where = f"{self.manifest.rpc_url} (pid {self.manifest.pid})"
        if self.state == "died":
            return [f"The local chain at {where} has died. `evenkeel localnet up` starts a new one."]
        if self.state == "silent":
            return [f"The local chain at {where} runs but does not answer. Stop it with `evenkeel localnet down`."]
        base_fee_gwei = wei_to_gwei(self.base_fee_wei)
        return [
            f"The local chain runs at {where}.",
            f"Block {self.block}, {utc_minute(self.timestamp_unix)} UTC, base fee {signed(base_fee_gwei, 2)} gwei.",
            f"Index price {price(self.price_usd)}, pool price {price(self.pool_price_usd)}.",
        ]


def _show(found: _Status, as_json: bool) -> None:
    typer.echo(json.dumps(found.record()) if as_json else "\n".join(found.lines()))


def _step_record(result: StepResult) -> dict[str, object]:
    return {
        "block": result.block.number,
        "timestamp_unix": result.block.timestamp,
        "price_usd": result.price_usd,
        "pool_price_usd": result.market_price_usd,
        "blocks_mined": result.blocks_mined,
        "gas_used": result.gas_used,
    }


def _step_line(result: StepResult) -> str:
    return (
        f"block {result.block.number}  {utc_minute(result.block.timestamp)}  "
        f"index {price(result.price_usd)}  pool {price(result.market_price_usd)}"
    )
