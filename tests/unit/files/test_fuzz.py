"""Ten thousand broken inputs: every reader answers, or refuses in one line; none ends in another error.

EVENKEEL_FUZZ_INPUTS sets another count for a longer run.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import polars as pl
import pytest

from agent.chain.deployment import load_deployment
from agent.errors import AgentError, PreflightError
from agent.files.book_file import load_any_book, load_book
from agent.files.deribit_chain import load_chain
from agent.files.iv_file import load_iv_path
from agent.files.market_file import load_market
from agent.files.price_file import load_prices
from agent.files.timestamps import parse_moment
from agent.localnet.manifest import LocalnetManifest
from agent.settings import load_settings
from tests.support.mutations import mutated
from tests.support.valid_files import NOW_UNIX, valid_files

SEED = 20_241_126
INPUTS = int(os.environ.get("EVENKEEL_FUZZ_INPUTS", "10000"))


def defects(read, valid: bytes, path: Path, count: int, draw: random.Random) -> list[str]:
    """Return what a reader raised beside expected failures of one line each."""
    found = []
    for number in range(count):
        path.write_bytes(mutated(valid, draw))
        try:
            read(path)
        except AgentError as error:
            lines = error.findings if isinstance(error, PreflightError) else (str(error),)
            if any("\n" in line or len(line) > 2_000 for line in lines):
                found.append(f"{path.name} input {number}: not one short line: {str(error)[:200]!r}")
        except Exception as error:
            found.append(f"{path.name} input {number}: {type(error).__name__}: {str(error)[:200]}")
    return found


def from_prices(path: Path) -> None:
    start = pl.datetime_range(pl.datetime(2024, 8, 1), pl.datetime(2024, 8, 2), "1d", time_zone="UTC", eager=True)
    load_prices(path, "ETHUSDT", *start.to_list())


READERS = {
    "book": lambda path: load_book(path, NOW_UNIX),
    "desk": lambda path: load_any_book(path, NOW_UNIX),
    "market": load_market,
    "localnet": lambda path: load_settings(path, {}),
    "chain": load_chain,
    "iv": load_iv_path,
    "prices": from_prices,
    "deployment": lambda path: load_deployment(path, 31337),
    "manifest": lambda path: LocalnetManifest.read(path.parent),
}


def test_readers__ten_thousand_broken_files__one_line_each(repository, tmp_path):
    files = valid_files(repository, tmp_path)
    draw = random.Random(SEED)
    found = []
    for name, valid in files.items():
        found += defects(READERS[Path(name).stem], valid, tmp_path / name, -(-INPUTS // len(files)), draw)
    assert not found, "\n".join(found[:40])


def test_readers__files_as_they_are__are_read(repository, tmp_path):
    for name, valid in valid_files(repository, tmp_path).items():
        (tmp_path / name).write_bytes(valid)
        assert READERS[Path(name).stem](tmp_path / name) is not None or name == "prices.parquet"


def test_harness__reader_with_a_defect__is_caught(tmp_path):
    def read(path):
        raise KeyError("canary")

    assert len(defects(read, b"x = 1\n", tmp_path / "canary.toml", 3, random.Random(SEED))) == 3


@pytest.mark.parametrize("written", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "1722502805"])
def test_parse_moment__outside_believable_years__is_refused(written):
    with pytest.raises(AgentError):
        parse_moment(written, "here")
