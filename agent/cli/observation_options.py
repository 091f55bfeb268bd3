"""How a long-running command shows itself: options that ``run`` and ``watch`` share."""

from __future__ import annotations

from typing import Annotated

import typer

from agent.observability.log import LogFormat

LogOption = Annotated[
    LogFormat | None,
    typer.Option("--log", help="Log every cycle to standard error; without it only warnings and worse."),
]
MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", min=0, max=65_535, help="Serve /metrics, /healthz and /readyz there; 0: any port."),
]
MetricsHost = Annotated[str, typer.Option("--metrics-host", help="Address to serve them at.")]
