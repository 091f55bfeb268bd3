"""Compile every contract that has changed with Brownie: ``python -m scripts.compile``."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def compile_changed(root: Path = ROOT) -> None:
    """Compile what has changed; build artifacts land in ``build/contracts``.

    Where nothing has, Brownie is not asked: it reads every artifact to say so, for seconds. One process at a time:
    Brownie removes and rewrites build files while it loads. The first load after a compilation drops the artifacts of
    imports' imports even when no source has changed, and a second process that has already listed them would fail to
    open them.
    """
    record = root / "build" / "brownie.record"
    record.parent.mkdir(exist_ok=True)
    with _lock(root).open("w") as lock, contextlib.chdir(root):  # where the compiler looks for imported packages
        fcntl.flock(lock, fcntl.LOCK_EX)
        if record.is_file() and record.read_text(encoding="ascii") == _fingerprint(root):
            return
        project = import_module("scripts.project")  # here, because Brownie takes seconds to import
        with project.quiet_unless_failing():
            project.load().close()
        record.write_text(_fingerprint(root), encoding="ascii")


def _lock(root: Path) -> Path:
    """Return the file that is held meanwhile; it stays, or two processes could lock two files of one name."""
    return root / "build" / "brownie.lock"


def _fingerprint(root: Path) -> str:
    """Return a digest of all that is compiled, by content, and of the artifacts, by name, size and time."""
    digest = hashlib.sha256()
    for path in (root / "brownie-config.yaml", root / "package-lock.json", *sorted(root.glob("contracts/**/*.sol"))):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    for path in sorted(root.glob("build/contracts/*.json")):
        found = path.stat()
        digest.update(f"{path.name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


if __name__ == "__main__":
    compile_changed()
