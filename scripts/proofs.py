"""Run the symbolic proofs of tests/contracts/proofs: ``python -m scripts.proofs`` (make audit-proofs).

Every ``check_`` function must be proved; none may time out, and the one false claim must be refuted. halmos comes from
the environment that ``make audit`` builds.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from agent.localnet.binaries import native_binary

HALMOS = Path("build/audit-venv/bin/halmos")
FOLDER = Path("tests/contracts/proofs")
CANARY = "Canary"
LEAST_PROOFS = 25
VERDICT = re.compile(r"\[(PASS|FAIL|ERROR|TIMEOUT)\]\S* (check_\w+)\(.*?time: ([\d.]+)s")
COLOUR = re.compile(r"\x1b\[[\d;]*m")


class Verdict(NamedTuple):
    """What halmos said of one proof, and the seconds it took."""

    word: str
    name: str
    seconds: float


def verdicts(output: str) -> list[Verdict]:
    """Return the verdicts in what halmos printed."""
    return [Verdict(word, name, float(seconds)) for word, name, seconds in VERDICT.findall(COLOUR.sub("", output))]


def claims(folder: Path) -> dict[str, set[str]]:
    """Return the names of the ``check_`` functions of each contract."""
    found: dict[str, set[str]] = {}
    for file in sorted(folder.glob("*.t.sol")):
        source = file.read_text(encoding="utf-8")
        names = set(re.findall(r"function (check_\w+)\(", source))
        for contract in re.findall(r"^contract (\w+(?:Proof|Canary)|Canary)\b", source, flags=re.MULTILINE):
            found[contract] = names
    return found


def prove(contract: str) -> list[Verdict]:
    """Let halmos judge one contract."""
    path = f"{native_binary('forge').resolve().parent}{os.pathsep}{HALMOS.resolve().parent}{os.pathsep}"
    environment = os.environ | {"FOUNDRY_PROFILE": "proofs", "PATH": path + os.environ["PATH"]}
    arguments = [str(HALMOS), "--contract", contract]
    result = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
    found = verdicts(result.stdout)
    if not found:
        sys.exit(f"{contract}: halmos judged nothing: {(result.stdout + result.stderr).strip()[-2000:]}")
    return found


def complaints(judged: dict[str, list[Verdict]], claimed: dict[str, set[str]]) -> list[str]:
    """Return what is not as it must be: a claim without a proof, a canary that passed, too few proofs."""
    wrong = []
    for contract, names in claimed.items():
        by_name = {verdict.name: verdict.word for verdict in judged.get(contract, [])}
        wanted = "FAIL" if contract == CANARY else "PASS"
        wrong += [
            f"{contract}.{name}: {by_name.get(name, 'not run')}, not {wanted}"
            for name in sorted(names)
            if by_name.get(name) != wanted
        ]
    count = sum(len(names) for contract, names in claimed.items() if contract != CANARY)
    if count < LEAST_PROOFS:
        wrong.append(f"{count} proofs, fewer than {LEAST_PROOFS}")
    if not claimed.get(CANARY):
        wrong.append("no canary")
    return wrong


def main() -> int:
    """Prove everything, or the contracts named; print the seconds of each; return the exit status."""
    claimed = claims(FOLDER)
    parser = argparse.ArgumentParser(prog="python -m scripts.proofs", description=__doc__.splitlines()[0])
    parser.add_argument("contracts", nargs="*", help="all by default")
    named = parser.parse_args().contracts or [*claimed]
    if unknown := [one for one in named if one not in claimed]:
        parser.error(f"no proofs {', '.join(unknown)}; choose among {', '.join(claimed)}")
    claimed = {contract: claimed[contract] for contract in named}
    judged = {}
    started = time.monotonic()
    for contract in claimed:
        judged[contract] = prove(contract)
        for verdict in judged[contract]:
            print(f"{verdict.word:5} {verdict.seconds:7.2f} s  {contract}.{verdict.name}", flush=True)
    wrong = complaints(judged, claimed)
    proved = sum(v.word == "PASS" for contract, found in judged.items() if contract != CANARY for v in found)
    print(f"{proved} proofs in {time.monotonic() - started:.0f} s")
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
