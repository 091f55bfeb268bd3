"""What a keeper needs of its own machine: versions, ledger, disk, and somebody who is told."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from agent.doctor.check import Check, Verdict, attempted, good, judged
from agent.errors import DataError
from agent.ledger.config import LedgerSettings
from agent.ledger.engines import (
    REACHED,
    REBUILT,
    is_away,
    is_damaged,
    open_engine,
    rebuilt,
    said_by,
    shown,
    sqlite_path,
)
from agent.ledger.pooler import require_own_session
from agent.ledger.schema import SCHEMA_VERSION
from agent.ledger.upgrade import loss, schema_version, unfit
from agent.observability.pager import ALERT_URLS_VARIABLE, load_pager

MIN_FREE_BYTES = 100 * 2**20
"""Below it a ledger may fail to write within a day: it grows by about 8 MB a day at a cycle every 5 s."""
USUAL_FREE_BYTES = 2**30
_LEAST_PYTHON = (3, 11)
_SHOWN_PACKAGES = ("evenkeel", "web3", "eth-account", "coincurve", "sqlalchemy", "numba")


def host_checks(ledger: LedgerSettings, environment: Mapping[str, str]) -> Iterator[Check]:
    """Yield the checks of this machine."""
    yield _versions()
    yield attempted("ledger", REACHED, lambda: _ledger(ledger.url))
    yield from _disk(ledger.url)
    yield attempted("alerts", f"correct {ALERT_URLS_VARIABLE}", lambda: _alerts(environment))


def _versions() -> Check:
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < _LEAST_PYTHON:
        return Check("versions", Verdict.FAILED, f"Python {python}", "use Python 3.11 or later")
    missing = sorted(name for name in _base_packages() if not _is_installed(name))
    if missing:
        mend = "install the lock of the keeper: pip install --require-hashes -r requirements-keeper.lock"
        return Check("versions", Verdict.FAILED, f"not installed: {', '.join(missing)}", mend)
    shown = ", ".join(f"{name} {version(name)}" for name in _SHOWN_PACKAGES)
    return good("versions", f"Python {python}, {shown}")


def _base_packages() -> Iterator[str]:
    """Yield the distributions that the keeper needs, without those of extras."""
    for requirement in requires("evenkeel") or ():
        if "extra ==" not in requirement:
            yield next(part for part in requirement.replace("<", ">").replace("=", ">").replace(";", ">").split(">"))


def _is_installed(name: str) -> bool:
    try:
        version(name.strip())
    except PackageNotFoundError:
        return False
    return True


def _sqlite_file(url: str) -> Path | None:
    """Return the file of a ledger that is one; None for a server's, and for a URL of nothing."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        return None
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _ledger(url: str) -> Check:
    """Open the ledger to read; its lease stays with whoever holds it."""
    file = _sqlite_file(url)
    if file is not None:
        _require_writable(sqlite_path(make_url(url)))
        if not file.exists():
            return good("ledger", f"{make_url(url)} will be made")
    engine = open_engine(url)
    where = shown(engine.url)
    try:
        try:
            if file is None:
                require_own_session(engine)
            with engine.connect() as connection:
                question = "SELECT 1" if file is None else "PRAGMA quick_check(1)"
                answer = connection.execute(text(question)).scalar_one()
                version = schema_version(connection)
                lost = loss(connection) if version == SCHEMA_VERSION else ""
        finally:
            engine.dispose()
    except SQLAlchemyError as error:
        reason = said_by(error)
        if is_damaged(reason):
            return Check("ledger", Verdict.FAILED, f"{where} cannot be read: {reason}", REBUILT)
        if is_away(engine, reason):
            return Check("ledger", Verdict.FAILED, f"{where}: {reason}", "start the server, or correct [ledger] url")
        raise DataError(f"{where} cannot be read: {reason}") from None
    if answer not in (1, "ok"):
        return Check("ledger", Verdict.FAILED, f"{where} is damaged: {answer!s:.80}", REBUILT)
    if lost:
        return Check("ledger", Verdict.FAILED, f"{where} {lost}", rebuilt(engine))
    if version is not None and version > SCHEMA_VERSION:
        raise DataError(unfit(engine, version))
    return good("ledger", f"{where} can be read")


def _require_writable(file: Path) -> None:
    place = _nearest(file.parent)
    if not place.is_dir() or not os.access(place, os.W_OK) or (file.exists() and not os.access(file, os.W_OK)):
        raise DataError(f"{file} cannot be written by this user")


def _nearest(directory: Path) -> Path:
    """Return the directory, or the nearest above it that is there."""
    return next(place for place in (directory.absolute(), *directory.absolute().parents) if place.exists())


def _disk(url: str) -> Iterator[Check]:
    file = _sqlite_file(url)
    place = _nearest(Path.cwd() if file is None else file.parent)
    free = shutil.disk_usage(place).free
    verdict = Verdict.FAILED if free < MIN_FREE_BYTES else Verdict.WARNING
    found = f"{free // 2**20:,} MiB free at {place}"
    mend = f"make room: {USUAL_FREE_BYTES // 2**20:,} MiB, {MIN_FREE_BYTES // 2**20} at the very least"
    yield judged("disk", free >= USUAL_FREE_BYTES, found, mend, verdict)


def _alerts(environment: Mapping[str, str]) -> Check:
    pager = load_pager(environment)
    if pager is None:
        mend = f"put an apprise URL into {ALERT_URLS_VARIABLE}, and try it with 'evenkeel alert test'"
        return Check("alerts", Verdict.WARNING, "nobody is told when something breaks", mend)
    return good("alerts", f"{pager.channel_count} channels; 'evenkeel alert test' tries them")
