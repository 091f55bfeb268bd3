"""Options that the governance commands share, and what they mean: a desk to govern from, and where the result goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.gov_output import Output
from agent.cli.keeper_inputs import DEFAULT_NETWORK
from agent.cli.shared_options import Command, sharing
from agent.governance.calls import parse_address
from agent.governance.desk import GovernanceDesk, open_desk
from agent.governance.governors import GovernorKind
from agent.settings import config_path, load_settings

NetworkName = Annotated[str, typer.Option("--network", help="Name of a file in config/, without .toml.")]
GovernorAddress = Annotated[
    str | None, typer.Option("--governor", help="Who governs, if not the manifest's governor: its address.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Ask no node: compare with the configuration, send nothing.")]
Kind = Annotated[
    GovernorKind, typer.Option("--kind", help="With --offline: what the governor is; with a node it is asked.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]
_Calldata = Annotated[bool, typer.Option("--calldata", help="Print the transactions instead of sending them.")]
_SafeFile = Annotated[
    Path | None, typer.Option("--safe", help="Write the transactions for Safe's Transaction Builder, send nothing.")
]
_Sender = Annotated[
    str | None,
    typer.Option("--from", help="Local chain: an account of its node that sends; else EVENKEEL_GOVERNANCE_KEY does."),
]
_Yes = Annotated[bool, typer.Option("--yes", help="Send without asking for the checksum.")]


@contextmanager
def desk_at(network: str, governor: str | None, is_offline: bool, kind: GovernorKind) -> Iterator[GovernanceDesk]:
    """Open the desk that the options name."""
    settings = load_settings(config_path(network))
    address = None if governor is None else parse_address(governor, "--governor")
    with open_desk(settings, address, kind if is_offline else None) as desk:
        yield desk


def sending(kind: GovernorKind = GovernorKind.ACCOUNT) -> Callable[[Command], Command]:
    """Give a command that may send the shared options after its own, and hand it the desk and the output they mean.

    ``kind`` is what the governor is taken for offline, unless it is said.
    """
    shared: dict[str, tuple[Any, Any]] = {
        "network": (NetworkName, DEFAULT_NETWORK),
        "governor": (GovernorAddress, None),
        "offline": (Offline, False),
        "kind": (Kind, kind),
        "calldata": (_Calldata, False),
        "safe": (_SafeFile, None),
        "sender": (_Sender, None),
        "yes": (_Yes, False),
        "as_json": (AsJson, False),
    }

    def run(command: Command, values: dict[str, Any], own: dict[str, Any]) -> None:
        network, governor, offline, as_kind, *where = values.values()
        with desk_at(network, governor, offline, as_kind) as desk:
            command(desk, Output(offline, *where), **own)

    return sharing(shared, 2, run)
