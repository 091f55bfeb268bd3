"""``evenkeel ledger``: a keeper's records, read while it may be at work."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.keeper_inputs import DEFAULT_NETWORK, AsJson, Network
from agent.errors import DataError
from agent.formatting import figure
from agent.ledger.records import Acknowledgement, Subject
from agent.settings import config_path, load_settings
from agent.units import Seconds

app = typer.Typer(
    help="A keeper's records: export to Parquet; impact of own trades on prices; what options cost; acknowledge.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command(epilog="Example: evenkeel ledger export --network localnet --to ledger-2024-09")
def export(
    directory: Annotated[Path, typer.Option("--to", help="Directory for the files, one a table; made when missing.")],
    network: Network = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """Write the ledger as Parquet. Integers beyond 63 bits, such as WAD amounts, are decimal text."""
    from agent.ledger.export import export as write  # noqa: PLC0415 - its packages are an extra

    written = write(load_settings(config_path(network)).ledger.url, directory)
    if as_json:
        typer.echo(json.dumps({"directory": str(directory), "rows": written}))
    else:
        for table, rows in written.items():
            typer.echo(f"{directory / table}.parquet: {rows:,} rows")


@app.command(epilog="Example: evenkeel ledger impact --network localnet --spread-usd 3 --temporary-usd-per-unit 0.14")
def impact(
    spread_usd: Annotated[float, typer.Option(help="What quotes say: cost of a small trade, USD per unit.")],
    temporary_usd_per_unit: Annotated[
        float, typer.Option(help="What quotes say: how much that rises with each unit traded at once, USD.")
    ],
    network: Network = DEFAULT_NETWORK,
    relative_stdev: Annotated[float, typer.Option(help="How far the quotes may be wrong, as a part of them.")] = 1.0,
    vol_annual: Annotated[float, typer.Option(help="Volatility of the price; 1.0 is 100 % a year.")] = 0.7,
    price_noise_usd: Annotated[float, typer.Option(help="Standard deviation of a price as observed, USD.")] = 0.1,
    as_json: AsJson = False,
) -> None:
    """Estimate spread, temporary and permanent impact from the desk's own fills, drawn toward what quotes say."""
    from agent.costs.impact import ImpactCoefficients, estimate_impact, quoted_prior  # noqa: PLC0415 - loads numpy
    from agent.ledger.reading import reading, vaults_of  # noqa: PLC0415
    from agent.report.own_impact import own_fills  # noqa: PLC0415

    with reading(load_settings(config_path(network)).ledger.url) as engine:
        fills = own_fills([trade for ledger in vaults_of(engine) for trade in ledger.trades()])
    if not fills:
        raise DataError("the ledger holds no trade with the prices around it yet; run the keeper until it has traded")
    prior = quoted_prior(ImpactCoefficients(spread_usd, temporary_usd_per_unit, 0.0), relative_stdev)
    estimate = estimate_impact(fills, prior, vol_annual, price_noise_usd)
    found: dict[str, Any] = asdict(estimate.coefficients)
    errors: dict[str, Any] = asdict(estimate.standard_errors)
    if as_json:
        typer.echo(json.dumps({"fills": estimate.fills, "coefficients": found, "standard_errors": errors}))
        return
    typer.echo(f"From {estimate.fills:,} fills; as [slicing.impact] takes it:")
    for name, usd in found.items():
        typer.echo(f"{name} = {figure(usd, 6)}  # standard error {figure(errors[name], 6)}")


@app.command(epilog="Example: evenkeel ledger options --network localnet")
def options(
    network: Network = DEFAULT_NETWORK,
    vault: Annotated[str | None, typer.Option(help="Whose; the only one unless the ledger holds several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what options have cost and brought: premiums, fees and payoffs, position by position."""
    from agent.ledger.reading import reading, vault_of  # noqa: PLC0415 - loads the database's packages
    from agent.report.option_results import option_results, result_lines, results_document  # noqa: PLC0415

    settings = load_settings(config_path(network))
    with reading(settings.ledger.url) as engine:
        results = option_results(vault_of(engine, settings.chain.chain_id, vault).option_events())
    typer.echo(json.dumps(results_document(results)) if as_json else "\n".join(result_lines(results)))


@app.command(epilog='Example: evenkeel ledger acknowledge nav --network localnet --reason "paid in by hand, ticket 12"')
def acknowledge(
    subject: Annotated[Subject, typer.Argument(help="What you have looked at.")],
    reason: Annotated[str, typer.Option(help="What it was, for whoever asks later.")],
    network: Network = DEFAULT_NETWORK,
    vault: Annotated[str | None, typer.Option(help="Whose; the only one unless the ledger holds several.")] = None,
    as_json: AsJson = False,
) -> None:
    """Answer for what a keeper stopped at, so that it goes on with its next cycle; it need not be restarted.

    reverts: rebalances that reverted in a row. nav: the ledger's NAV that is not the chain's; the keeper brings its
    ledger to the chain's accounts. orders: orders that failed in a row on a venue. What comes later is not covered.
    """
    from agent.ledger.acknowledging import WHAT_FOLLOWS, find  # noqa: PLC0415 - loads the database's packages
    from agent.ledger.reading import reading, vault_of  # noqa: PLC0415

    if not reason.strip():
        raise DataError("--reason is empty; say what it was")
    settings = load_settings(config_path(network))
    with reading(settings.ledger.url) as engine:
        ledger = vault_of(engine, settings.chain.chain_id, vault)
        found = find(ledger, subject, settings.keeper.max_nav_error_bps)
        for reference in found.references:
            ledger.acknowledge(Acknowledgement(subject, reference, Seconds(int(time.time())), reason.strip()))
    if as_json:
        typer.echo(json.dumps({"subject": subject.value, "references": found.references, "what": found.words}))
    else:
        typer.echo(f"Acknowledged: {found.words}. {WHAT_FOLLOWS[subject]}; what comes later counts in full.")
