"""The long campaigns, slice by slice: ``python -m scripts.campaigns`` (make audit-campaigns).

Each slice runs tests/contracts/invariants under a new random seed and is recorded in build/campaigns/slices.jsonl when
it ends, so that a run that is stopped goes on where it was. ``--keep`` adds what is on record here to
scripts/campaigns_record.json, from where another machine goes on. Ends with 1 when an invariant broke, now or in a
slice of the same sources before.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from multiprocessing.pool import ThreadPool
from pathlib import Path

from agent.localnet.binaries import native_binary
from scripts.slices import GOALS, Asked, Slice, Sum, complaint, digest_of, figures, keep, kept, record, recorded, sum_of

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("build/campaigns")
RECORD = FOLDER / "slices.jsonl"
KEPT = Path("scripts/campaigns_record.json")
TESTS = "tests/contracts/invariants/*"
SLICE = Asked(calls=40_000, climb=668)
"""About two minutes of one idle core; 500 of them are the whole."""
FORGE_RUNS = 1
FORGE_DEPTH = 100
"""Sequences and calls of forge's own runner in each slice, beside the campaign's."""
LEAST_IN_SLICE_PERCENT = 15
"""Least acceptance of an action in one slice; the sum has to come to `slices.LEAST_ACCEPTED`."""


class NothingJudgedError(Exception):
    """forge could not compile, or was stopped: a slice that is none."""


def environment(seed: int, asked: Asked, best: dict[str, str]) -> dict[str, str]:
    """Return what tells forge which slice to run. Every other seed climbs on from the best attacks there are."""
    goals = {f"EVENKEEL_CHAMPION_{number}": best[goal] for number, goal in enumerate(GOALS) if goal in best}
    return {
        "EVENKEEL_SEED": str(seed),
        "EVENKEEL_CALLS": str(asked.calls),
        "EVENKEEL_ATTACKS": str(asked.climb),
        "EVENKEEL_LEAST_ACCEPTED_PERCENT": str(LEAST_IN_SLICE_PERCENT),
        "FOUNDRY_FUZZ_SEED": hex(seed),
        "FOUNDRY_INVARIANT_RUNS": str(FORGE_RUNS),
        "FOUNDRY_INVARIANT_DEPTH": str(FORGE_DEPTH),
        "FOUNDRY_INVARIANT_FAILURE_PERSIST_DIR": str(FOLDER / "failures" / str(seed)),
    } | (goals if seed % 2 else {})


def run(seed: int, asked: Asked, sources: str) -> Slice:
    """Run one slice on one core.

    Raises
    ------
    NothingJudgedError
        forge printed no verdicts, or nobody knows on what: a source was changed.

    """
    started = time.monotonic()
    arguments = [str(native_binary("forge")), "test", "--json", "-vv", "-j", "1", "--match-path", TESTS]
    setting = os.environ | environment(seed, asked, _total(sources).champions)
    result = subprocess.run(arguments, cwd=ROOT, env=setting, capture_output=True, text=True, check=False)
    try:
        report = json.loads(result.stdout)
        counted = figures(report)
        broken = complaint(report, result.returncode, asked, counted)
    except (ValueError, KeyError, AttributeError):
        printed = (result.stderr + result.stdout).strip()[-2000:]
        raise NothingJudgedError(f"seed {seed}: forge ended with {result.returncode}: {printed}") from None
    if broken:
        (FOLDER / f"{seed}.json").write_text(result.stdout, encoding="utf-8")
    if digest_of(ROOT) != sources:
        raise NothingJudgedError(f"seed {seed}: the sources changed meanwhile; run again to judge what is there now")
    finished_at = datetime.now(UTC).isoformat(timespec="seconds")
    return Slice(seed, sources, finished_at, round(time.monotonic() - started, 1), broken=broken, **counted)


def _total(sources: str) -> Sum:
    return sum_of((one for one in recorded(RECORD) if one.sources == sources), kept(KEPT, sources))


def build() -> None:
    """Compile once, before several processes would."""
    result = subprocess.run([str(native_binary("forge")), "build", "--quiet"], cwd=ROOT, check=False)
    if result.returncode != 0:
        raise NothingJudgedError(f"forge build ended with {result.returncode}")


def run_all(seeds: Sequence[int], asked: Asked, processes: int, sources: str) -> Iterator[Slice]:
    """Run slices side by side, each recorded when it ends. After one that failed no other begins; those under way end.

    Raises
    ------
    NothingJudgedError
        A slice was none.

    """
    stopped = False

    def one(seed: int) -> Slice | NothingJudgedError | None:
        nonlocal stopped
        if stopped:
            return None
        try:
            ended = run(seed, asked, sources)
        except NothingJudgedError as error:
            stopped = True
            return error
        stopped = stopped or bool(ended.broken)
        return ended

    failure = None
    with ThreadPool(processes) as pool:
        for ended in pool.imap_unordered(one, seeds):
            if isinstance(ended, NothingJudgedError):
                failure = ended
            elif ended is not None:
                record(RECORD, ended)
                yield ended
    if failure is not None:
        raise failure


def missing(total: Sum, asked: Asked, calls: int, attacks: int) -> int:
    """Return how many slices the two targets still need."""
    of_calls = -(-(calls - total.calls) // asked.calls)
    of_attacks = -(-(attacks - total.attacks) // (asked.climb * len(GOALS)))
    return max(of_calls, of_attacks, 0)


def told(total: Sum) -> str:
    """Return the sum in words."""
    lines = [
        f"{total.slices} slices, {total.calls:,} calls, {total.attacks:,} attacks, {total.hours:.1f} hours one by one"
    ]
    if total.accepted:
        least, part = total.least_accepted()
        lines.append(f"least accepted: {least}, {part:.1%} of {total.accepted[least][0]:,} calls")
    lines += [f"best attack on {goal}: {ratio:.4f} of its bound" for goal, ratio in total.ratios.items()]
    return "\n".join(lines)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(prog="python -m scripts.campaigns", description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20_000_000, help="calls that all slices make together")
    parser.add_argument("--attacks", type=int, default=1_000_000, help="attack sequences that they make together")
    parser.add_argument("--slices", type=int, help="slices of this go, if fewer than are missing")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="slices at a time")
    parser.add_argument("--seed", type=int, help="run one slice, this one")
    parser.add_argument("--sum", action="store_true", help="only say what is on record")
    parser.add_argument("--keep", action="store_true", help=f"hand it on in {KEPT}, and do no more")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, say what all slices of these sources come to, return the exit status."""
    options = parsed(arguments)
    os.chdir(ROOT)
    sources = digest_of(ROOT)
    count = missing(_total(sources), SLICE, options.calls, options.attacks)
    seeds = [secrets.randbits(63) for _ in range(min(count, options.slices or count))]
    if options.seed is not None:
        seeds = [options.seed]
    if seeds and not options.sum and not options.keep:
        try:
            build()
            for one in run_all(seeds, SLICE, options.processes, sources):
                print(f"seed {one.seed}: {one.broken or 'held'} ({one.calls:,} calls, {one.seconds:.0f} s)", flush=True)
        except NothingJudgedError as error:
            sys.exit(f"campaigns: {error}")
    total = _total(sources)
    print(f"Sources {sources}: {told(total)}")
    others = sum_of(one for one in recorded(RECORD) if one.sources != sources)
    if others.slices or others.broken:
        print(
            f"Other sources, not counted: {others.slices} slices, {others.calls:,} calls, {len(others.broken)} broken"
        )
    wrong = total.complaints()
    if options.keep and not total.broken:
        keep(KEPT, sources, total)
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
