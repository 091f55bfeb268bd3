"""``evenkeel doctor``: whether a keeper could run here, and what to mend where it could not."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from agent.cli.keeper_inputs import DEFAULT_NETWORK, AsJson, Network
from agent.doctor.check import Check, Verdict
from agent.doctor.examination import Patient, examine
from agent.settings import config_path, load_settings

EXAMPLE = "Example: evenkeel doctor --network localnet --book examples/book.toml"
_SIGNS = {Verdict.GOOD: "✓", Verdict.WARNING: "!", Verdict.FAILED: "✗", Verdict.UNKNOWN: "?"}


def doctor(
    network: Network = DEFAULT_NETWORK,
    book: Annotated[Path | None, typer.Option("--book", help="Also compare this book with the chain's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check machine, endpoints, vault, key and ledger, and say how to mend what fails. Sends nothing.

    Exit status 1 when any check fails; a warning is no failure.
    """
    config = config_path(network)
    patient = Patient(load_settings(config), config, book, os.environ)
    checks = []
    for check in examine(patient, time.time):
        checks.append(check)
        if not as_json:
            typer.echo(_line(check))
    failed = sum(check.verdict is Verdict.FAILED for check in checks)
    warned = sum(check.verdict is Verdict.WARNING for check in checks)
    if as_json:
        rows = [asdict(check) | {"verdict": check.verdict.value} for check in checks]
        typer.echo(json.dumps({"checks": rows, "failed": failed, "warnings": warned}, indent=2))
    else:
        typer.echo(f"{len(checks)} checks, {failed} failed, {warned} warnings.")
    if failed:
        raise typer.Exit(1)


def _line(check: Check) -> str:
    mend = "" if not check.mend else f"\n    mend: {check.mend}"
    return f"{_SIGNS[check.verdict]} {check.subject}: {check.found}{mend}"
