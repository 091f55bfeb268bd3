"""Mutants of a Solidity source: one operator at one place, and those that nobody can catch."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

SWAPS = (
    (r" < ", (" <= ", " >= ")),
    (r" <= ", (" < ", " > ")),
    (r" > ", (" >= ", " <= ")),
    (r" >= ", (" > ", " < ")),
    (r" == ", (" != ",)),
    (r" != ", (" == ",)),
    (r" && ", (" || ",)),
    (r" \|\| ", (" && ",)),
    (r" \+ ", (" - ",)),
    (r" - ", (" + ",)),
    (r" \* ", (" / ",)),
    (r" / ", (" * ",)),
    (r" \+= ", (" = ", " -= ")),
    (r" -= ", (" += ",)),
    (r" \|= ", (" = ",)),
    (r"(?<=[(\s])!(?=\w)", ("",)),
    (r"\bmin\(", ("max(",)),
    (r"\bmax\(", ("min(",)),
    (r"\btrue\b", ("false",)),
    (r"\bfalse\b", ("true",)),
    (r"Rounding\.Floor", ("Rounding.Ceil",)),
    (r"Rounding\.Ceil", ("Rounding.Floor",)),
    (r"\b(?:KEEPER|GUARDIAN|RELAY|ADMIN)_ROLE\b", ("KEEPER_ROLE", "GUARDIAN_ROLE", "RELAY_ROLE", "ADMIN_ROLE")),
)
PAIRS = (
    ("low", "high"),
    ("before", "after"),
    ("first", "last"),
    ("old", "current"),
    ("started", "updated"),
    ("mark", "index"),
    ("down", "up"),
    ("closed", "paused"),
    ("assets", "shares"),
    ("receiver", "owner"),
    ("primary", "secondary"),
)
"""Words of names that are easily mistaken for each other."""

CONSTANT = re.compile(r"(constant \w+ = )([\d_]+)(e\d+)?;")
MODIFIER = re.compile(r" (?:only[A-Z]|nonReentrant|while[A-Z])\w*(?= |$)")
STATEMENT = re.compile(
    r"^( +)(\w[\w.\[\]]* [+|-]?= .*;|(?:\+\+|--)\w+;|(?:emit |delete )?[\w.]+\(.*\);|require\w+\(.*\);"
    r"|if \(.*\) (?:revert|return|continue).*;)$"
)
DECLARATION = re.compile(r"^ +(?:[A-Z]\w*|u?int\d*|address|bool|bytes\d*)(?:\[\])?(?: \w+)*[;,]?$")
TYPE = re.compile(r"\b(?:u?int\d*|address|bool|bytes\d*|memory|calldata|storage|immutable|public|private|returns) \w*$")


REACH = 15
"""Lines before and after in which a name is near enough to be mistaken."""


class Mutant(NamedTuple):
    """One change of one line: line number from 1, the line before and after."""

    file: str
    line: int
    old: str
    new: str


def mutants_of(file: str, source: str) -> Iterator[Mutant]:
    """Yield every mutant of a source, comments, imports and types left alone."""
    lines = source.splitlines()
    for number, line in enumerate(lines, start=1):
        code = line.partition("//")[0].rstrip()
        if not code.startswith("    ") or code.lstrip().startswith(("*", "error ", "event ", "modifier ")):
            continue
        near = set(re.findall(r"\w+", " ".join(lines[max(0, number - REACH) : number + REACH])))
        changes = _unmodified(code) if code.lstrip().startswith("function ") else _changes(code, near)
        for new in dict.fromkeys(changes):
            if new != code:
                yield Mutant(file, number, line, new)


class Changed(Protocol):
    """What a mutant of any language says of itself."""

    @property
    def file(self) -> str: ...  # noqa: D102
    @property
    def old(self) -> str: ...  # noqa: D102
    @property
    def new(self) -> str: ...  # noqa: D102


AnyMutant = TypeVar("AnyMutant", bound=Changed)


def unjustified(mutants: list[AnyMutant], justified: Path) -> list[AnyMutant]:
    """Leave out the mutants that a file of TOML justifies: tables ``survivor`` of file, old, new and reason.

    Raises
    ------
    ValueError
        An entry has no reason, or is none of the mutants of a file that has any here.

    """
    files = {mutant.file for mutant in mutants}
    known = {(mutant.file, mutant.old.strip(), mutant.new.strip()) for mutant in mutants}
    excused = set()
    for entry in tomllib.loads(justified.read_text(encoding="utf-8")).get("survivor", []):
        key = (entry["file"], entry["old"], entry["new"])
        if not entry["reason"]:
            raise ValueError(f"{justified}: {key} has no reason")
        if entry["file"] in files and key not in known:
            raise ValueError(f"{justified}: {key} is no mutant of the source as it stands; remove the entry")
        excused.add(key)
    return [one for one in mutants if (one.file, one.old.strip(), one.new.strip()) not in excused]


def _unmodified(code: str) -> Iterator[str]:
    for match in MODIFIER.finditer(code):
        yield code[: match.start()] + code[match.end() :]


def _changes(code: str, near: set[str]) -> Iterator[str]:
    yield from _unmodified(code)
    for pattern, replacements in SWAPS:
        for match in re.finditer(pattern, code):
            for replacement in replacements:
                yield code[: match.start()] + replacement + code[match.end() :]
    if not DECLARATION.match(code):
        yield from _misnamed(code, near)
    if constant := CONSTANT.search(code):
        number = int(constant[2].replace("_", ""))
        for changed in (number + 1, number - 1):
            yield code.replace(constant[0], f"{constant[1]}{changed}{constant[3] or ''};")
    if statement := STATEMENT.match(code):
        yield f"{statement[1]}// removed"


def _misnamed(code: str, near: set[str]) -> Iterator[str]:
    """Put a name of the lines around, the other of a pair, in the place of one."""
    for word, other in (*PAIRS, *(pair[::-1] for pair in PAIRS)):
        for match in re.finditer(r"\b[A-Za-z_]\w*", code):
            name = re.sub(rf"(?<![a-z]){word}(?![a-z])", other, match[0])
            name = re.sub(rf"{word.capitalize()}(?![a-z])", other.capitalize(), name) if name == match[0] else name
            if name != match[0] and name in near and not TYPE.search(code[: match.start()]):
                yield code[: match.start()] + name + code[match.end() :]
