"""The contracts' interfaces as one page of the documentation, out of the compiled ABIs and their NatSpec."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

INTERFACES = (
    "IHedgeVault", "IRebalanceGuard", "IDeltaBook", "IDeltaSource", "IOptionBook", "ISignedReports", "IIvReporting",
    "IPriceOracle", "IPriceSource", "IPerpVenue", "IOrderTerms", "IFundingSpeed", "IOptionVenue", "IVenueRegistry",
    "RedemptionQueue", "IShareFees", "IMemberGate",
    "IntentRelay", "RescueDesk", "IVaultAccess", "IVaultBound", "VaultGovernor",
)  # fmt: skip
"""In the order in which a reader meets them; contracts without an interface of their own by themselves."""
INTRODUCTION = """# Contract interfaces

Every function, event and error that an integrator, a keeper or a governor meets, as the compiled contracts have them.
Numbers are WAD (1e18) unless a name says otherwise; [units and signs](../units-and-signs.md) holds for all.

<!-- Written at every build of the site, out of build/contracts. -->
"""
_HEADINGS = {"function": "Functions", "event": "Events", "error": "Errors"}


def page(artifacts: Path) -> str:
    """Return the page; ``artifacts`` is the directory of compiled contracts."""
    return "\n".join([INTRODUCTION, *(line for name in INTERFACES for line in contract_lines(artifacts, name))])


def contract_lines(artifacts: Path, name: str) -> Iterator[str]:
    """Yield the section of one contract."""
    compiled = json.loads((artifacts / f"{name}.json").read_text(encoding="utf-8"))
    natspec = compiled.get("natspec") or {}
    yield f"## {name}\n"
    yield from (f"{text(natspec[key])}\n" for key in ("title", "notice", "details") if natspec.get(key))
    yield f"Source: `{compiled['sourcePath']}`\n"
    for kind, heading in _HEADINGS.items():
        entries = [one for one in compiled["abi"] if one["type"] == kind]
        if entries:
            yield f"### {name}: {heading.lower()}\n"
        for entry in sorted(entries, key=lambda one: str(one["name"])):
            yield from entry_lines(entry, told(natspec, entry))


def entry_lines(entry: Mapping[str, Any], notes: Mapping[str, Any]) -> Iterator[str]:
    """Yield signature and notes of a function, an event or an error."""
    returned = ", ".join(declared(one) for one in entry.get("outputs", ()))
    state = "" if entry.get("stateMutability") in (None, "nonpayable") else f" {entry['stateMutability']}"
    signature = f"{entry['name']}({', '.join(declared(one) for one in entry['inputs'])})"
    yield f"```solidity\n{signature}{state}{f' returns ({returned})' if returned else ''}\n```\n"
    for key in ("notice", "details"):
        if notes.get(key):
            yield f"{text(notes[key])}\n"
    arguments = {**notes.get("params", {}), **{f"returns {key}": one for key, one in notes.get("returns", {}).items()}}
    if arguments:
        yield "\n".join(f"- `{key}`: {text(one)}" for key, one in arguments.items()) + "\n"


def told(natspec: Mapping[str, Any], entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the notes of an ABI entry; the compiler keeps errors' notes in lists."""
    signature = f"{entry['name']}({','.join(canonical(one) for one in entry['inputs'])})"
    group = {"function": "methods", "event": "events", "error": "errors"}[str(entry["type"])]
    notes = natspec.get(group, {}).get(signature, {})
    return notes[0] if isinstance(notes, list) else notes


def canonical(argument: Mapping[str, Any]) -> str:
    """Return an argument's type as signatures have it, structs spelled out."""
    kind = str(argument["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(canonical(one) for one in argument['components'])}){kind.removeprefix('tuple')}"


def declared(argument: Mapping[str, Any]) -> str:
    """Return an argument as the source declares it."""
    kind = re.sub(r"^(?:struct|enum|contract) ", "", str(argument.get("internalType") or argument["type"]))
    return f"{kind} {argument['name']}".rstrip()


def text(written: str) -> str:
    """Return a comment as one paragraph; invariants' and requirements' names stay as they are."""
    return " ".join(written.split()).replace("<", "&lt;").replace("[", "\\[")
