"""Reads a configuration file, and complains in one line: file, key, what is wrong, how to mend it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from agent.chain.config import MANIFEST_PATH_VARIABLE, RPC_URLS_VARIABLE, WS_URLS_VARIABLE
from agent.errors import DataError, PreflightError
from agent.files.entry import read_toml
from agent.input_file import require_file
from agent.ledger.config import LEDGER_URL_VARIABLE
from agent.policy.registry import POLICIES
from agent.settings.consistency import contradictions
from agent.settings.keeper import PRICE_SERVICE_URL_VARIABLE
from agent.settings.settings import Settings

CONFIG_DIRECTORY = Path("config")
"""Configurations of the working directory, which come first."""
PACKAGED_CONFIG_DIRECTORY = Path(__file__).resolve().parents[1] / "_config"
"""Those that a wheel brings; a checkout has none."""
_MAY_HOLD_SECRETS = (
    ("chain", "rpc_urls", RPC_URLS_VARIABLE),
    ("chain", "ws_urls", WS_URLS_VARIABLE),
    ("ledger", "url", LEDGER_URL_VARIABLE),
    ("keeper", "price_service_url", PRICE_SERVICE_URL_VARIABLE),
)
"""Section and key of the URLs that may hold a password or a token, and the variable that is the place for one."""
DEPLOYMENT_SECTIONS = ("deploy", "venue", "dao")
"""Read by `agent.deploy` alone."""


def config_path(network: str) -> Path:
    """Return the configuration file of a network: ``config/<network>.toml`` here, or else the one of the wheel.

    What ends in ``.toml`` is a path and is taken as it is.

    Raises
    ------
    DataError
        No such file; the message lists the networks there are.

    """
    if network.endswith(".toml"):
        require_file(Path(network))
        return Path(network)
    for directory in (CONFIG_DIRECTORY, PACKAGED_CONFIG_DIRECTORY):
        path = directory / f"{network}.toml"
        if path.is_file():
            return path
    listed = ", ".join(configured_networks()) or f"none; run this where the directory {CONFIG_DIRECTORY} is"
    raise DataError(f"{CONFIG_DIRECTORY / network}.toml: no such file; networks configured here: {listed}")


def configured_networks() -> list[str]:
    """Return the names that `config_path` knows, sorted."""
    directories = (CONFIG_DIRECTORY, PACKAGED_CONFIG_DIRECTORY)
    return sorted({file.stem for directory in directories for file in directory.glob("*.toml")})


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Read and check a network's configuration.

    Parameters
    ----------
    path
        A file that `config_path` names; the stem is the network's name.
    environment
        ``EVENKEEL_RPC_URLS``, ``EVENKEEL_WS_URLS``, ``EVENKEEL_LEDGER_URL``, ``EVENKEEL_MANIFEST_PATH`` and
        ``EVENKEEL_PRICE_SERVICE_URL`` replace what the file says.

    Raises
    ------
    DataError
        One line: file, key, what is wrong and how to mend it.
    PreflightError
        Such a line for each pair of numbers that contradict one another.

    """
    document = read_network_file(path, environment)
    if url := environment.get(LEDGER_URL_VARIABLE):
        _section(document, "ledger", path)["url"] = url
    if url := environment.get(PRICE_SERVICE_URL_VARIABLE):
        _section(document, "keeper", path)["price_service_url"] = url
    document["policy"] = _policy(_section(document, "policy", path), path)
    kept = {name: section for name, section in document.items() if name not in DEPLOYMENT_SECTIONS}
    try:
        settings = Settings.model_validate({**kept, "network": path.stem})
    except ValidationError as error:
        raise DataError(one_line(error, path, Settings)) from None
    if found := contradictions(settings):
        raise PreflightError([f"{path}: {finding}" for finding in found])
    return settings


def read_network_file(path: Path, environment: Mapping[str, str]) -> dict[str, object]:
    """Return the sections of a network's file, with what the environment says of its chain in place of the file's.

    Raises
    ------
    DataError
        No TOML, a secret in it, no ``[chain]``, or a key ``network``.

    """
    document = read_toml(path, "check --network or --config", Decimal)
    _refuse_secrets(document, path)
    for key, variable in (("rpc_urls", RPC_URLS_VARIABLE), ("ws_urls", WS_URLS_VARIABLE)):
        if urls := environment.get(variable):
            _section(document, "chain", path)[key] = [url.strip() for url in urls.split(",") if url.strip()]
    if manifest_path := environment.get(MANIFEST_PATH_VARIABLE):
        _section(document, "chain", path)["manifest_path"] = manifest_path
    if "network" in document:
        raise DataError(f"{path}: network: the file's name is the network's name; remove the key")
    return document


def _section(document: dict[str, object], name: str, path: Path) -> dict[str, object]:
    section = document.get(name)
    if not isinstance(section, dict):
        raise DataError(f"{path}: [{name}]: section is missing; add it")
    return section


def _refuse_secrets(document: Mapping[str, object], path: Path) -> None:
    """Refuse URLs with a password in a file that belongs in version control."""
    for section, key, variable in _MAY_HOLD_SECRETS:
        entries = document.get(section)
        written = entries.get(key) if isinstance(entries, dict) else None
        for url in written if isinstance(written, list) else [written]:
            if isinstance(url, str) and _holds_password(url):
                raise DataError(f"{path}: [{section}] {key}: holds a password; put the URL into {variable} instead")


def _holds_password(url: str) -> bool:
    try:
        return urlsplit(url).password is not None
    except ValueError:  # no URL at all, which the field itself complains about
        return False


def _policy(section: Mapping[str, object], path: Path) -> dict[str, object]:
    """Split the policy's name from its numbers, which each policy names itself."""
    name = section.get("name")
    if not isinstance(name, str) or name not in POLICIES:
        known = ", ".join(sorted(POLICIES))
        raise DataError(f"{path}: [policy] name: {name!r:.80} is not a policy; choose one of {known}")
    expected = [field.name for field in fields(POLICIES[name])]
    numbers = {key: number for key, number in section.items() if key != "name"}
    for key in numbers:
        if key not in expected:
            raise DataError(f"{path}: [policy] {key:.80}: unknown key{_did_you_mean(key, expected)}")
    for key in expected:
        if key not in numbers:
            raise DataError(f"{path}: [policy] {key}: missing; policy {name} needs it")
    return {"name": name, "parameters": numbers}


def one_line(error: ValidationError, path: Path, model: type[BaseModel]) -> str:
    """Return the first complaint as file, key, what and how to mend; a misspelt key before the one it replaces."""
    first = min(error.errors(), key=lambda complaint: complaint["type"] != "extra_forbidden")
    location = [str(part) for part in first["loc"]]
    section, keys = (location[0], location[1:]) if location else ("", [])
    section = f"{section:.80}"
    where = f"{path}: [{section}] {'.'.join(keys):.80}".rstrip()
    if first["type"] == "extra_forbidden":
        known = _known_keys(location[:-1], model)
        if len(location) == 1:
            return f"{path}: [{section}]: unknown section{_did_you_mean(section, known)}"
        return f"{where}: unknown key{_did_you_mean(location[-1], known)}"
    if first["type"] == "missing":
        return f"{where}: missing; add it"
    message = first["msg"].removeprefix("Value error, ")
    variables = {(name, key): variable for name, key, variable in _MAY_HOLD_SECRETS}
    if variable := variables.get((section, keys[0] if keys else "")):
        message = f"{message}, there or in {variable}"
    elif isinstance(first["input"], str | int | float | Decimal):
        message = f"{message}, not {first['input']!s:.80}"
    return f"{where}: {message}"


def _known_keys(location: list[str], model: type[BaseModel]) -> list[str]:
    """Return the keys that may stand at a place of the file that ``model`` describes."""
    for part in location:
        annotation = model.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        model = next(kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel))
    return [key for key in model.model_fields if key != "network"]


def _did_you_mean(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else f"; known keys: {', '.join(known)}"
