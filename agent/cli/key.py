"""``evenkeel key``: a keeper's key in a keystore, and what takes the role from one key to the next."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from coincurve import PrivateKey
from eth_utils.address import is_checksum_address

from agent.chain.abi import load_abi
from agent.chain.client import ChainClient
from agent.chain.config import ChainSettings
from agent.chain.deployment import Deployment, load_deployment
from agent.cli.keeper_inputs import DEFAULT_NETWORK, AsJson, Network
from agent.errors import DataError
from agent.execution.config import (
    KEEPER_KEYSTORE_VARIABLE,
    KEEPER_PASSWORD_FILE_VARIABLE,
    KEEPER_PASSWORD_VARIABLE,
)
from agent.execution.keystore import read_password, write_keystore
from agent.execution.transaction import address_of
from agent.settings import config_path, load_settings
from agent.units import Address

KEEPER_ROLE = 1
"""``VaultAccess.KEEPER_ROLE``."""
GRANT_FILE = "grant.json"
"""Where the governor's proposal is kept until it is executed."""

app = typer.Typer(
    help="Keys of keepers: new, grant, rotate.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_Out = Annotated[Path, typer.Option("--out", help="Keystore to be written; never over a file that is there.")]


class RoleStep(NamedTuple):
    """One step of a rotation: who does it, what, and where it is a transaction its target and call data."""

    who: str
    what: str
    target: Address | None = None
    data: str | None = None


@app.command(epilog="Example: evenkeel key new --out keeper.json")
def new(out: _Out, as_json: AsJson = False) -> None:
    """Make a key and write it into an encrypted keystore; shows its address alone.

    The password comes from EVENKEEL_KEEPER_PASSWORD_FILE or EVENKEEL_KEEPER_PASSWORD.
    """
    address = _make(out, os.environ)
    told = {"address": address, "keystore": str(out)}
    typer.echo(json.dumps(told) if as_json else f"{address} is in {out}.")


@app.command(epilog="Example: evenkeel key grant 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --network localnet")
def grant(
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="Of the key that is to be a keeper.")],
    network: Network = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """Show how a key becomes a keeper: the governor's proposal and its call data. Sends nothing."""
    _show({"address": _checksummed(address)}, grant_steps(_deployment(network), _checksummed(address)), as_json)


@app.command(epilog="Example: evenkeel key rotate --out keeper-2.json --network localnet")
def rotate(
    out: _Out,
    old: Annotated[
        str | None,
        typer.Option("--old", help="Address to be dismissed; the manifest's keeper unless given, if it still is one."),
    ] = None,
    network: Network = DEFAULT_NETWORK,
    as_json: AsJson = False,
) -> None:
    """Make the next key, and show the steps and call data that take the role from the old one to it. Sends nothing.

    The password of the new keystore comes from EVENKEEL_KEEPER_PASSWORD_FILE or EVENKEEL_KEEPER_PASSWORD.
    """
    chain = load_settings(config_path(network)).chain
    deployment = load_deployment(chain.manifest_file, chain.chain_id)
    before = _present_keeper(deployment, chain) if old is None else _checksummed(old)
    after = _make(out, os.environ)
    steps = [
        *grant_steps(deployment, after),
        RoleStep(
            "operator",
            f"stop the keeper (SIGTERM), set {KEEPER_KEYSTORE_VARIABLE}={out} in place of the old key, write {after} "
            f"in place of {before} into the roles of {chain.manifest_file}, start keeper and watcher again",
        ),
        *_handover_steps(deployment, before),
    ]
    _show({"address": after, "keystore": str(out), "old": before}, steps, as_json)


def grant_steps(deployment: Deployment, address: Address) -> list[RoleStep]:
    """Return how an address becomes a keeper."""
    access = deployment.contract("VaultAccess")
    data = load_abi("VaultAccess").function("grantRole").encode(KEEPER_ROLE, address, 0)
    days = deployment.governor_delay_seconds / 86_400
    return [
        RoleStep("anyone", f"send gas money to {address}"),
        RoleStep(
            "governor",
            f"evenkeel gov propose --network {deployment.network} --save {GRANT_FILE} --call 'VaultAccess.grantRole "
            f'[{KEEPER_ROLE}, "{address}", 0]\'',
            access,
            data,
        ),
        RoleStep(
            "governor",
            f"evenkeel gov execute {GRANT_FILE} --network {deployment.network}, after the delay of {days:g} days "
            "('evenkeel gov list' shows it)",
        ),
    ]


def _present_keeper(deployment: Deployment, settings: ChainSettings) -> Address:
    """Return the manifest's keeper; `DataError` where the chain knows it as one no longer, as after a rotation."""
    named, is_keeper = deployment.role("keeper"), load_abi("VaultAccess").function("isKeeper")
    with closing(ChainClient(settings)) as client:
        client.require_chain()
        [[is_one]] = client.read([is_keeper.at(deployment.contract("VaultAccess"), named)], client.head(time.time()))
    if not is_one:
        raise DataError(
            f"{named}, the keeper in the roles of {settings.manifest_file}, is none on the chain: give --old ADDRESS, "
            "or where no keeper is left use 'evenkeel key new' and 'evenkeel key grant'"
        )
    return named


def _handover_steps(deployment: Deployment, before: Address) -> list[RoleStep]:
    data = load_abi("VaultAccess").function("dismissKeeper").encode(before)
    return [
        RoleStep("operator", f"evenkeel doctor --network {deployment.network}: the check 'key' must be good"),
        RoleStep(
            "guardian",
            f"evenkeel gov dismiss {before} --network {deployment.network}",
            deployment.contract("VaultAccess"),
            data,
        ),
    ]


def _make(out: Path, environment: Mapping[str, str]) -> Address:
    private = PrivateKey()
    write_keystore(out, private.secret, _password(environment))
    return address_of(private.public_key)


def _password(environment: Mapping[str, str]) -> str:
    password, file = environment.get(KEEPER_PASSWORD_VARIABLE, ""), environment.get(KEEPER_PASSWORD_FILE_VARIABLE, "")
    if bool(password) == bool(file):
        raise DataError(
            f"a keystore needs a password: set {KEEPER_PASSWORD_FILE_VARIABLE} or {KEEPER_PASSWORD_VARIABLE}, one of "
            "the two"
        )
    return password or read_password(Path(file))


def _deployment(network: str) -> Deployment:
    chain = load_settings(config_path(network)).chain
    return load_deployment(chain.manifest_file, chain.chain_id)


def _checksummed(written: str) -> Address:
    if not is_checksum_address(written):
        raise DataError(f"{written!r:.60} is no checksummed address")
    return Address(written)


def _show(told: dict[str, Any], steps: list[RoleStep], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(told | {"steps": [step._asdict() for step in steps]}, indent=2))
        return
    typer.echo("\n".join(f"{name}: {value}" for name, value in told.items()))
    for number, step in enumerate(steps, 1):
        typer.echo(f"{number}. {step.who}: {step.what}")
        if step.data is not None:
            typer.echo(f"   to {step.target}, data {step.data}")
