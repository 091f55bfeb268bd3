"""``evenkeel watch``: a process of its own that pages when the vault is not hedged, whatever the keeper says."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated, Any

import typer

from agent.chain.client import ChainClient
from agent.chain.deployment import load_deployment
from agent.cli.keeper_inputs import DEFAULT_NETWORK, AsJson, Network
from agent.cli.observation_options import LogOption, MetricsHost, MetricsPort
from agent.cli.stopping import stopped_by_signals
from agent.config import LONGEST_WAIT_SECONDS, require_http_url
from agent.errors import DataError
from agent.observability.observation import ObservationOptions, observed
from agent.observability.pager import ALERT_URLS_VARIABLE
from agent.observability.server import HOST, Condition
from agent.observability.watcher import WATCH_RPC_URLS_VARIABLE, Look, Watcher
from agent.report.formatting import signed, utc_minute
from agent.settings import Settings, config_path, load_settings
from agent.status.reading import StatusReader
from agent.status.records import VaultStatus
from agent.units import from_wad

EXAMPLE = "Example: evenkeel watch --network localnet --looks 2 --interval-seconds 5"


def watch(
    network: Network = DEFAULT_NETWORK,
    keeper_url: Annotated[
        str | None, typer.Option("--keeper-url", help="Also ask the keeper's /readyz there, and page when it is down.")
    ] = None,
    interval_seconds: Annotated[
        float, typer.Option(min=0.0, max=LONGEST_WAIT_SECONDS, help="Wait between two looks.")
    ] = 15.0,
    looks: Annotated[int | None, typer.Option(min=1, help="Stop after so many; without it, when stopped.")] = None,
    log: LogOption = None,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = HOST,
    as_json: AsJson = False,
) -> None:
    """Read the vault again and again, and page when W stays outside the band. Needs no key and asks no keeper.

    Alerts go to EVENKEEL_ALERT_URLS; endpoints of its own are read from EVENKEEL_WATCH_RPC_URLS.
    """
    settings = _with_own_endpoints(load_settings(config_path(network)), os.environ)
    options = ObservationOptions(f"watch {settings.network}", log, metrics_host, metrics_port)
    with (
        observed(options, settings.observability, os.environ) as observation,
        closing(ChainClient(settings.chain)) as client,
        stopped_by_signals() as stop,
    ):
        if observation.pager is None:
            typer.echo(f"evenkeel: {ALERT_URLS_VARIABLE} is not set: alerts are logged, and nobody is told", err=True)
        reader = StatusReader(settings, client, load_deployment(settings.chain.manifest_file, settings.chain.chain_id))
        heartbeat = observation.heartbeat(interval_seconds)

        def read() -> VaultStatus:
            client.require_chain()  # anew each time: a watcher that starts while all is down must page, not end
            return reader.read(client.head(time.time()))

        watcher = Watcher(read, observation, os.environ, keeper_url)

        def health() -> Condition:
            return Condition(heartbeat.seconds_late == 0.0, "the loop turns")

        done = 0
        with observation.serving(heartbeat, health, watcher.readiness):
            while not stop.is_set() and (looks is None or done < looks):
                seen = watcher.look()
                heartbeat.beat()
                done += 1
                typer.echo(json.dumps(as_document(seen), allow_nan=False) if as_json else as_line(seen))
                if looks is None or done < looks:
                    stop.wait(interval_seconds)


def _with_own_endpoints(settings: Settings, environment: Mapping[str, str]) -> Settings:
    urls = [url.strip() for url in environment.get(WATCH_RPC_URLS_VARIABLE, "").split(",") if url.strip()]
    if not urls:
        return settings
    if len(urls) < settings.chain.rpc_quorum:
        raise DataError(
            f"{WATCH_RPC_URLS_VARIABLE} names {len(urls)} endpoints, and [chain] rpc_quorum is "
            f"{settings.chain.rpc_quorum}; name as many"
        )
    for number, url in enumerate(urls, 1):
        require_http_url(f"{WATCH_RPC_URLS_VARIABLE}: URL {number} of {len(urls)}", url, "http://127.0.0.1:8545")
    return settings.with_rpc_urls(*urls)


def as_document(seen: Look) -> dict[str, Any]:
    """Return a look for machines; null where something is not known."""
    figures = seen.figures
    told: dict[str, Any] = {"failure": seen.failure, "alerts": sorted(name.value for name in seen.up)}
    if figures is None:
        return told
    return told | {
        "block": figures.block.number,
        "unix": figures.block.timestamp,
        "worst_net_delta": None if figures.worst is None else from_wad(figures.worst),
        "band": None if figures.band is None else from_wad(figures.band),
        "is_outside": figures.is_outside,
        "outside_seconds": seen.outside_seconds,
        "rebalances_left": figures.rebalances_left,
    }


def as_line(seen: Look) -> str:
    """Return a look for people."""
    alerts = f"; ALERTS: {', '.join(sorted(name.value for name in seen.up))}" if seen.up else ""
    figures = seen.figures
    if figures is None:
        return f"not seen: {seen.failure}{alerts}"
    when = f"{utc_minute(figures.block.timestamp)} block {figures.block.number:,}"
    if figures.worst is None or figures.band is None:
        return f"{when}: worst case not known{alerts}"
    place = f"outside for {seen.outside_seconds} s" if figures.is_outside else "inside"
    worst, band = signed(from_wad(figures.worst), 2), signed(from_wad(figures.band), 2)
    return f"{when}: worst case {worst}, band {band}, {place}{alerts}"
