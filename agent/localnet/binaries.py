"""The native forge and anvil of this machine: ``python -m agent.localnet.binaries forge test`` runs what it finds.

npm installs one package a platform (package.json, optionalDependencies). Where it has none, the same version on PATH
will do. The npm shims of the same names are never run: they exit 0 whatever happens.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.errors import DataError
from agent.localnet.artifacts import NODE_MODULES, PROJECT_ROOT

TOOLS = ("anvil", "forge")
EXIT_BAD_INPUT = 2

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
"""Names of the npm packages by those of the system, where the two differ."""
_VERSION = re.compile(r"\b(\d+\.\d+\.\d+)")
_VERSION_TIMEOUT_SECONDS = 20.0


def native_binary(tool: str) -> Path:
    """Return the path of a native Foundry binary, ``forge`` or ``anvil``.

    Raises
    ------
    DataError
        Another tool is asked for; or npm has installed none for this platform and PATH has none of the pinned version.

    """
    if tool not in TOOLS:
        raise DataError(f"tool is {tool!r}; choose one of {', '.join(TOOLS)}")
    package = package_of(tool, platform.system(), platform.machine())
    installed = NODE_MODULES / package / "bin" / tool
    if installed.is_file():
        return installed
    wanted = pinned_version(tool)
    others: list[str] = []
    for candidate in _on_path(tool):
        found = _version_of(candidate)
        if found == wanted:
            return candidate
        others.append(f"{candidate} is {found}")
    seen = "; ".join(others) or f"no {tool} is on PATH"
    raise DataError(
        f"{tool} {wanted} is missing: npm package {package} is not installed and {seen}; run `make setup`, or put "
        f"Foundry {wanted} on PATH"
    )


def package_of(tool: str, system: str, machine: str) -> str:
    """Return the npm package that holds a tool, from the names Python's `platform` gives a system and a machine."""
    return f"@foundry-rs/{tool}-{system.lower()}-{_MACHINES.get(machine, machine)}"


def pinned_version(tool: str, manifest: Path = PROJECT_ROOT / "package.json") -> str:
    """Return the version of a tool that package.json pins.

    Raises
    ------
    DataError
        The file cannot be read, or does not pin one version of the tool.

    """
    try:
        optional: dict[str, str] = json.loads(manifest.read_text(encoding="utf-8"))["optionalDependencies"]
    except (OSError, ValueError, KeyError):
        raise DataError(f"{manifest} pins no {tool}: the local chain needs a checkout of Evenkeel") from None
    versions = {version for name, version in optional.items() if name.startswith(f"@foundry-rs/{tool}-")}
    if len(versions) != 1:
        raise DataError(f"{manifest} pins {sorted(versions)} of {tool}; pin one version for every platform")
    return versions.pop()


def _on_path(tool: str) -> list[Path]:
    """Return every executable of this name on PATH, npm's shims left out."""
    found = [shutil.which(tool, path=directory) for directory in os.get_exec_path()]
    candidates = dict.fromkeys(Path(path).resolve() for path in found if path is not None)
    return [path for path in candidates if "node_modules" not in path.parts]


def _version_of(binary: Path) -> str:
    try:
        shown = subprocess.run(  # noqa: S603  (a file of the tool's name that the user has put on PATH)
            [str(binary), "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_SECONDS, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return "not runnable"
    version = _VERSION.search(shown)
    return "of an unknown version" if version is None else version[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Become the named tool: its output, its exit status, nothing of ours in between."""
    tool, *rest = (sys.argv[1:] if arguments is None else list(arguments)) or [""]
    try:
        binary = native_binary(tool)
    except DataError as error:
        sys.stderr.write(f"evenkeel: {error}\n")
        sys.exit(EXIT_BAD_INPUT)
    os.execv(binary, [tool, *rest])  # noqa: S606  (no shell: the arguments are passed on as they are)


if __name__ == "__main__":
    main()
