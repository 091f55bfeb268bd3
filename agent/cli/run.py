"""``evenkeel run``: the keeper."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any

import structlog
import typer

from agent.cli.keeper_inputs import DEFAULT_NETWORK, AsJson, BookFile, Network, load_inputs
from agent.cli.observation_options import LogOption, MetricsHost, MetricsPort
from agent.cli.stopping import stopped_by_signals
from agent.config import LONGEST_WAIT_SECONDS
from agent.domain import Decision
from agent.errors import AgentError, TransientError
from agent.files.book_file import load_kept_book
from agent.guard import worst_net_delta
from agent.keeper.book_watch import BookWatch
from agent.keeper.fit import view_misfits
from agent.keeper.keeper import Keeper
from agent.keeper.memory import Housekeeping
from agent.keeper.result import CycleResult, Outcome
from agent.ledger.records import FillRecord
from agent.observability.heartbeat import ServiceManager, StartStandby
from agent.observability.keeper_observer import KeeperObserver
from agent.observability.observation import ObservationOptions, observed
from agent.observability.server import HOST
from agent.report.formatting import money, price, signed, utc_minute
from agent.settings import Settings
from agent.units import Wad, from_wad, wei_to_eth

_LOG = structlog.stdlib.get_logger(__name__)
EXIT_TRY_AGAIN = 75
"""The start met a fault of the moment: sysexits(3)'s EX_TEMPFAIL, on which systemd starts it again."""
EXAMPLE = "Example: evenkeel run --book examples/book.toml --network localnet --cycles 2 --interval-seconds 5"


def run(
    book: BookFile,
    network: Network = DEFAULT_NETWORK,
    cycles: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many cycles; without it the keeper runs until stopped.")
    ] = None,
    interval_seconds: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=LONGEST_WAIT_SECONDS, help="Wait between cycles; [keeper] interval_seconds unless given."
        ),
    ] = None,
    stands_by: Annotated[
        bool, typer.Option("--standby", help="Wait while another keeper serves the vault, and take over when it ends.")
    ] = False,
    starts_on_mismatch: Annotated[
        bool,
        typer.Option(
            "--start-on-mismatch",
            help="Start though book and chain disagree: go by the chain alone, and only where it is urgent.",
        ),
    ] = False,
    is_shadow: Annotated[
        bool, typer.Option("--shadow", help="Decide and record every cycle, and send nothing. Needs no key.")
    ] = False,
    log: LogOption = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = HOST,
    as_json: AsJson = False,
) -> None:
    """Hedge the book, cycle after cycle, until stopped. One line a cycle; with --json one object a line.

    The book's file may be written anew at any time: it is taken over once the chain sees the same delta. Alerts go to
    standard error, each under a name of its own. The key comes from EVENKEEL_KEEPER_KEY, a keystore, a signer's URL or
    AWS KMS (docs/runbook.md, Keys). Stopped or killed at any moment and started again, it goes on where the chain and
    its ledger stand.

    """
    try:
        settings, positions = load_inputs(network, book)
        options = ObservationOptions(f"keeper {settings.network}", log, metrics_host, metrics_port)
        build = partial(
            Keeper.build,
            settings,
            positions,
            watch=BookWatch(book, load_kept_book, positions.underlying),
            starts_on_mismatch=starts_on_mismatch,
            standby=StartStandby(ServiceManager(os.environ), _say_standing_by) if stands_by else None,
            is_shadow=is_shadow,
        )
        _keep(settings, build, options, cycles, interval_seconds, as_json)
    except TransientError as trouble:
        typer.echo(f"evenkeel: {' '.join(str(trouble).split())}", err=True)
        raise typer.Exit(EXIT_TRY_AGAIN) from None


def _keep(
    settings: Settings,
    build: Callable[[], Keeper],
    options: ObservationOptions,
    cycles: int | None,
    interval_seconds: float | None,
    as_json: bool,
) -> None:
    """Run the keeper under observation."""
    pause = settings.keeper.interval_seconds if interval_seconds is None else interval_seconds
    with (
        observed(options, settings.observability, os.environ) as observation,
        build() as keeper,
        stopped_by_signals() as stop,
    ):
        heartbeat = observation.heartbeat(max(pause, settings.keeper.retry_max_seconds))
        observer = KeeperObserver(keeper, observation.registry, observation.pager, heartbeat, observation.run_id)

        _LOG.info(
            "started",
            version=version("evenkeel"),
            network=settings.network,
            vault=keeper.ledger.identity.address,
            keeper=keeper.address,
            is_shadow=keeper.is_shadow,
        )

        _say_misfits(settings, keeper)
        housekeeping = Housekeeping()

        def show(result: CycleResult) -> None:
            typer.echo(json.dumps(as_document(result), allow_nan=False) if as_json else as_line(result))
            observer.on_result(result)
            housekeeping.between_cycles()

        def on_error(trouble: AgentError) -> None:
            typer.echo(f"evenkeel: {type(trouble).__name__}: {' '.join(str(trouble).split())}", err=True)
            observer.on_trouble(trouble)

        with observation.serving(heartbeat, observer.health, observer.readiness):
            keeper.run(show, on_error, cycles, interval_seconds, stop)


def _say_standing_by(why: str) -> None:
    typer.echo(f"evenkeel: stands by: {why}", err=True)
    _LOG.info("stands_by", reason=why)


def _say_misfits(settings: Settings, keeper: Keeper) -> None:
    """Say once, before the first cycle, in what way bounds and book do not fit; what cannot be read now is left out."""
    planner = keeper.planner
    try:
        view = planner.look(planner.head())
    except AgentError:
        return
    for line in view_misfits(settings, planner.book, view):
        typer.echo(f"evenkeel: bounds and book do not fit: {line}", err=True)
        _LOG.warning("misfit", reason=line)


def as_document(result: CycleResult) -> dict[str, Any]:
    """Return a cycle for machines; floats carry their unit in the key."""
    document: dict[str, Any] = {
        "block": {"number": result.block.number, "hash": result.block.hash, "unix": result.block.timestamp},
        "outcome": result.outcome.value,
        "reason": result.reason,
        "cycle_ms": result.cycle_seconds * 1_000,
        "decision_ms": result.decision_seconds * 1_000,
        "guard_mirror_mismatch": result.guard_mirror_mismatch,
        "rejection": None if result.rejection is None else str(result.rejection),
        "resumed": None if result.resumed is None else result.resumed.value,
        "margin_first": None if result.margin_first is None else as_document(result.margin_first),
        "orders": [
            {"venue": care.order.venue, "order_id": care.order.order_id, "act": care.act.value, "reason": care.reason}
            for care in result.orders
        ],
        "errand": None if result.errand is None else str(result.errand),
        "options": [{"what": act.words, "is_executed": act.is_executed} for act in result.options],
        "intent_id": result.intent_id,
        "fills": [
            {
                "venue": fill.venue,
                "requested_size_delta": from_wad(fill.requested_size_delta),
                "size_delta": from_wad(fill.size_delta),
                "execution_price_usd": from_wad(fill.execution_price),
                "fee_usd": from_wad(fill.fee),
            }
            for fill in result.fills
        ],
    }
    if result.receipt is not None:
        document["transaction_hash"] = result.receipt.transaction_hash
        document["gas_units"] = result.receipt.gas_used
        document["gas_eth"] = wei_to_eth(result.receipt.gas_used * result.receipt.gas_price_wei)
    if result.view is not None and result.nav is not None:
        measured = result.view.snapshot.measurement
        document |= {
            "price_usd": from_wad(measured.price),
            "net_delta": result.view.decision.exposure.net_delta,
            "worst_net_delta": from_wad(worst_net_delta(measured)),
            "chain_nav_low_usd": from_wad(result.nav.chain_low),
            "ledger_nav_low_usd": from_wad(result.nav.ledger_low),
            "ledger_nav_error_bps": result.nav.error_bps,
        }
    return document


def as_line(result: CycleResult) -> str:
    """Return a cycle for people."""
    parts = [f"{utc_minute(result.block.timestamp)} block {result.block.number:,}: {result.outcome.value}"]
    if result.view is not None:
        parts.append(f"price {price(from_wad(result.view.snapshot.measurement.price), 0)}")
        parts.append(f"net delta {signed(result.view.decision.exposure.net_delta, 3)}")
    if result.outcome is Outcome.EXECUTED:
        parts += [_fill_words(fill, result.decision) for fill in result.fills]
    if result.margin_first is not None:
        parts.append(f"margin first {result.margin_first.outcome.value}: {result.margin_first.reason}")
    if result.resumed is not None:
        parts.append(f"an open intent was {result.resumed.value}")
    parts += [f"{care.act.value} order {care.order.order_id[:10]}: {care.reason}" for care in result.orders]
    if result.errand is not None:
        parts.append(str(result.errand))
    parts += [act.words for act in result.options]
    if result.guard_mirror_mismatch:
        parts.append("THE GUARD'S MIRROR DISAGREES WITH THE CHAIN")
    return "; ".join([*parts, result.reason])


def _fill_words(fill: FillRecord, decision: Decision | None) -> str:
    """Return what was traded; where nothing is filled yet, what the venue was asked for."""
    if fill.size_delta != 0:
        verb = "buy" if fill.size_delta > 0 else "sell"
        size, at = signed(abs(from_wad(fill.size_delta)), 3), price(from_wad(fill.execution_price), 0)
        return f"{verb} {size} at {at}, fee {money(from_wad(fill.fee))}"
    legs = () if decision is None else decision.legs
    limit = next((leg.limit_price for leg in legs if leg.venue == fill.venue), Wad(0))
    bound = f"a limit of {price(from_wad(limit))}" if limit else "the guard's own limit"
    return f"asks for {signed(from_wad(fill.requested_size_delta), 3, plus=True)} at {bound}"
