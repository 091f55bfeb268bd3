"""docs/parameters.md out of the table of parameters and the models: `python -m scripts.parameters_page` writes it.

A test compares the page with what this would write, so that neither can go its own way.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from agent.config import Section
from agent.deploy.dao import DaoSection, NewToken, VoteHolder
from agent.deploy.network import DeploySection, LiveVenue, VenueSection
from agent.policy.registry import MEANINGS, POLICIES
from agent.settings.decision import ImpactSettings, PolicySettings
from agent.settings.parameter import NO_LIMIT, Authority, Parameter, Tighter
from agent.settings.parameter_table import SECTIONS, UNCONFIGURED
from agent.settings.settings import ContractSettings, Settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "parameters.md"
NETWORK_FILE = "config/localnet.toml"
ASSET_DECIMALS = 6
"""USDC's, in which limits of the asset are shown."""
ABSENT = "no section"
"""Default of a number whose section the file does not have."""
INTRODUCTION = f"""# Parameters

Every number that can be set, with its unit, its default, its limit and what it brings about. A default is that of
[`{NETWORK_FILE}`](../{NETWORK_FILE}), which is made for a vault of $400,000 and about 100 ETH of options;
a book of another size needs numbers of its own.

<!-- Written by `python -m scripts.parameters_page` out of the code; changes by hand are lost. -->

## What the contracts enforce

Governance changes these on the chain (`evenkeel gov propose --set NAME=VALUE`); a running keeper follows without a
restart. The way that allows more is the governor's and waits for the delay, in which the guardian can veto it; the way
that allows less is the guardian's too, at once. A hard limit stands in the contracts' code: nobody can pass it.
"""
KEEPER = """## How the keeper behaves

The operator's own numbers, in the same file; the keeper reads them when it starts. None of them can widen what the
contracts allow.
"""
POLICY = """## Numbers of the policies

`[policy]` holds the name of a policy and the numbers of that policy, every one of them. [Policies](policies.md) says
which to choose.
"""
DEPLOYMENT = """## What a deployment stands on

Read by `evenkeel deploy` alone. `TODO-address` stands where an address is yours to write, `none` where there is
deliberately none, `market` where the stand-in market says it.
"""
LISTED: dict[str, type[Section]] = {
    "[[venue.live]]": LiveVenue,
    "[dao]": DaoSection,
    "[dao.new_token]": NewToken,
    "[[dao.new_token.holders]]": VoteHolder,
}
_SUFFIXES = {
    "_usd_per_unit": "USD per unit",
    "_per_usd": "1/USD",
    "_underlying": "underlying",
    "_usd": "USD",
    "_ratio": "times",
    "_bps": "bps",
    "_seconds": "seconds",
    "_hours": "hours",
    "_days": "days",
    "_annual": "per year",
    "_gas_units": "gas",
    "_gwei": "gwei",
    "_blocks": "blocks",
    "_percent": "percent",
    "votes": "votes",
}
_CONSTRAINTS = (
    ("gt", "above {}"),
    ("ge", "at least {}"),
    ("lt", "below {}"),
    ("le", "at most {}"),
    ("max_length", "at most {} long"),
)
_WAYS = {
    Tighter.LOWER: ("raised", "lowered"),
    Tighter.HIGHER: ("lowered", "raised"),
    Tighter.NEITHER: ("either way", ""),
}
"""How a parameter is loosened, and how it is tightened."""


class UndocumentedError(Exception):
    """A field of the configuration says nothing about itself."""


class Row(NamedTuple):
    """A line of a section that the keeper or a deployment reads."""

    key: str
    default: str
    unit: str
    limits: str
    consequence: str


def page(configured: dict[str, Any]) -> str:
    """Return the page; ``configured`` is what the network's file holds."""
    parts = [INTRODUCTION]
    for name, rows in SECTIONS.items():
        section = configured.get(name)
        defaults = {one.name: ABSENT if section is None else shown(section[one.name]) for one in rows}
        parts += [f"### [{name}]\n", _contract_table(rows, defaults)]
    started = {one.name: one.show(number, ASSET_DECIMALS) for one, number in UNCONFIGURED}
    parts += ["### On the chain alone\n", _contract_table([one for one, _ in UNCONFIGURED], started), KEEPER]
    for name, model in keeper_sections().items():
        parts += [f"### [{name}]\n", _table(rows_of(model, configured.get(name)))]
    parts += [POLICY, policy_table(configured["policy"]), DEPLOYMENT]
    for name, model in (("deploy", DeploySection), ("venue", VenueSection)):
        parts += [f"### [{name}]\n", _table(rows_of(model, configured.get(name, {})))]
    for name, one in LISTED.items():
        parts += [f"### {name}\n", _table(rows_of(one, {}))]
    return "\n".join(parts)


def keeper_sections() -> dict[str, type[Section]]:
    """Return the models of the sections that the keeper alone reads, and ``[chain]``."""
    names = ["chain", *(name for name in Settings.model_fields if name not in ContractSettings.model_fields)]
    found = {name: model_of(Settings.model_fields[name]) for name in names if name != "policy"}
    return {**found, "slicing.impact": ImpactSettings}


def model_of(field: FieldInfo) -> type[Section]:
    """Return the model of a section, which may be absent."""
    candidates = [field.annotation, *get_args(field.annotation)]
    return next(kind for kind in candidates if isinstance(kind, type) and issubclass(kind, Section))


def _contract_table(rows: Sequence[Parameter], defaults: dict[str, str]) -> str:
    head = "| Parameter | Default and hard limit | Who may change it | What it brings about |\n|---|---|---|---|\n"
    return head + "".join(
        f"| `{one.name}`<br>{_unit_and_type(one)} | {defaults[one.name]}<br>{_hard_limit(one)} | {who_may(one)} "
        f"| {one.consequence} |\n"
        for one in rows
    )


def _hard_limit(one: Parameter) -> str:
    limits = one.limits(ASSET_DECIMALS)
    return "no hard limit" if limits == NO_LIMIT else limits


def _unit_and_type(one: Parameter) -> str:
    return one.unit if one.unit == one.type else f"{one.unit}, {one.type}"


def who_may(one: Parameter) -> str:
    """Return who may loosen and who may tighten a parameter, and how soon."""
    if one.authority not in (Authority.GUARDIAN_TIGHTENS, Authority.GOVERNOR):
        return one.authority.value
    loosened, tightened = _WAYS[one.tighter]
    if one.authority is Authority.GOVERNOR:
        return f"{loosened}: governor, after the delay"
    return f"{loosened}: governor, after the delay<br>{tightened}: guardian, at once"


def rows_of(model: type[Section], configured: dict[str, Any] | None) -> Iterator[Row]:
    """Yield a row for each field; the default is the file's, else the model's own.

    Raises
    ------
    UndocumentedError
        A field without a description.

    """
    for key, field in model.model_fields.items():
        if not field.description:
            raise UndocumentedError(f"{model.__name__}.{key} has no description")
        if configured is None:
            default = ABSENT
        elif key in configured:
            default = shown(configured[key])
        else:
            default = "" if field.is_required() else shown(field.default)
        yield Row(key, default, unit_of(key, field.annotation), limits_of(field), field.description)


def policy_table(configured: dict[str, Any]) -> str:
    """Return a row for each number of any policy."""
    users = {name: [policy for policy, kind in POLICIES.items() if name in _numbers(kind)] for name in MEANINGS}
    rows = [
        Row("name", shown(configured["name"]), "text", "a policy", str(PolicySettings.model_fields["name"].description))
    ]
    for name, policies in users.items():
        default = shown(configured[name]) if name in configured else ""
        rows.append(Row(name, default, unit_of(name, float), ", ".join(f"`{one}`" for one in policies), MEANINGS[name]))
    return _table(rows, limits="policies")


def _numbers(policy: Any) -> list[str]:
    return [field.name for field in fields(policy)]


def _table(rows: Iterator[Row] | Sequence[Row], limits: str = "range") -> str:
    head = f"| Key | Default and {limits} | What it brings about |\n|---|---|---|\n"
    return head + "".join(
        f"| `{row.key}`<br>{row.unit} | {'<br>'.join(filter(None, (row.default, row.limits)))} | {row.consequence} |\n"
        for row in rows
    )


def unit_of(key: str, annotation: Any) -> str:
    """Return the unit that ends a key, else what kind of thing it holds."""
    for suffix, unit in _SUFFIXES.items():
        if key.endswith(suffix):
            return unit
    kinds = set(_kinds(annotation))
    if tuple in kinds:
        return "list"
    if str in kinds and dict not in kinds:
        return "text"
    return "number" if kinds & {int, float} else "table"


def _kinds(annotation: Any) -> Iterator[Any]:
    """Yield the types that an annotation is made of."""
    yield get_origin(annotation) or annotation
    for part in get_args(annotation):
        yield from _kinds(part)


def limits_of(field: FieldInfo) -> str:
    """Return the range that a field's own constraints allow."""
    words = [text.format(shown(number)) for name, text in _CONSTRAINTS for number in _constraints(field, name)]
    if any(_constraints(field, "min_length")) and not any(_constraints(field, "max_length")):
        words.append("not empty")
    return ", ".join(words)


def _constraints(field: FieldInfo, name: str) -> list[Any]:
    return [getattr(one, name) for one in field.metadata if getattr(one, name, None) is not None]


def shown(value: Any) -> str:
    """Return a value as the page has it."""
    if value is None or value in ((), []):
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(shown(one) for one in value)
    if isinstance(value, str):
        return f"`{value}`" if value else ""
    return f"{value:,}"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(tomllib.loads((ROOT / NETWORK_FILE).read_text(encoding="utf-8"))), encoding="utf-8")


if __name__ == "__main__":
    main()
