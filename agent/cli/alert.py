"""``evenkeel alert``: whether alerts reach people."""

from __future__ import annotations

import json
import logging
import os
from typing import Annotated

import typer

from agent.cli.keeper_inputs import AsJson
from agent.errors import DataError, TransientError
from agent.observability.alerts import Alert, Severity
from agent.observability.pager import ALERT_URLS_VARIABLE, load_pager

DELIVERY_SECONDS = 60.0
"""Five attempts with their pauses, and the services' own time-outs."""

app = typer.Typer(help="Alerts: test.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def _root() -> None:
    """Alerts: test."""


@app.command("test", epilog="Example: evenkeel alert test --text 'ignore me'")
def send_test(
    text: Annotated[str, typer.Option("--text", help="What the message says.")] = "a test: nothing is wrong",
    as_json: AsJson = False,
) -> None:
    """Send a message to every channel of EVENKEEL_ALERT_URLS, and say whether all have taken it."""
    pager = load_pager(os.environ)
    if pager is None:
        raise DataError(f"{ALERT_URLS_VARIABLE} is not set; put apprise URLs into it, such as slack://token/channel")
    logging.disable(logging.CRITICAL)  # what fails is said below, once
    pager.tell(Alert("alert_test", text, Severity.TEST))
    pager.drain(DELIVERY_SECONDS)
    count, failed = pager.channel_count, pager.undelivered_count
    if failed:
        raise TransientError(f"{failed} of {count} channels of {ALERT_URLS_VARIABLE} did not take the message")
    told = {"channels": count, "taken": count}
    typer.echo(json.dumps(told) if as_json else f"{count} of {count} channels have taken the message.")
