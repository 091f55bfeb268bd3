"""Each gate of `make lint` and `make test` is shown something bad and must refuse it, and something good and must not.

A gate that cannot fail proves nothing; the npm shims of forge and anvil, for one, exit 0 whatever happens.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent.localnet.binaries import native_binary
from tests.support import postgresql

SOLHINT = Path("node_modules/solhint/solhint.js")


def run(arguments: list[str | Path], cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(argument) for argument in arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


@pytest.mark.parametrize(
    ("source", "code"),
    [("import os\n", "F401"), ("def f(x):\n    eval(x)\n", "S307"), ("print('x')\n", "T201"), ("x = 1 \n", "W291")],
)
def test_ruff_check__bad_line__fails(repository: Path, tmp_path: Path, source: str, code: str) -> None:
    (tmp_path / "bad.py").write_text(source)
    result = run([tool("ruff"), "check", "--no-cache", "--config", repository / "pyproject.toml", "."], tmp_path)
    assert result.returncode == 1
    assert code in result.stdout


def test_ruff_format__badly_formatted__fails(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("x = {  'a':1 }\n")
    arguments = ["format", "--no-cache", "--check", "--config", repository / "pyproject.toml", "."]
    assert run([tool("ruff"), *arguments], tmp_path).returncode == 1


@pytest.mark.parametrize(
    "source",
    [
        "def f(x):\n    return x\n",
        "from agent.units import Wad, Wei\n\n\ndef f(x: Wad) -> Wei:\n    return x\n",
    ],
)
def test_mypy__untyped_or_mixed_units__fails(repository: Path, tmp_path: Path, source: str) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text(source)
    arguments = ["--config-file", repository / "pyproject.toml", "--cache-dir", tmp_path / "cache", bad]
    result = run([tool("mypy"), *arguments], repository)
    assert result.returncode == 1
    assert "bad.py" in result.stdout


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("keeper/keeper.py", "import brownie", "the agent never imports Brownie"),
        ("guard.py", "import agent.chain", "one-way flow"),
        ("decision/decide.py", "import time", "the core does no input or output"),
    ],
)
def test_import_linter__forbidden_import__fails(
    repository: Path, tmp_path: Path, module: str, line: str, broken: str
) -> None:
    shutil.copytree(repository / "agent", tmp_path / "agent", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repository / "pyproject.toml", tmp_path)
    environment = {"PYTHONPATH": str(tmp_path)}
    arguments = [tool("lint-imports"), "--no-cache", "--config", "pyproject.toml"]
    assert run(arguments, tmp_path, **environment).returncode == 0
    target = tmp_path / "agent" / module
    target.write_text(f"{target.read_text()}\n{line}\n")
    result = run(arguments, tmp_path, **environment)
    assert result.returncode == 1
    assert f"{broken} BROKEN" in " ".join(result.stdout.split())


def test_forge_fmt__badly_formatted__fails(repository: Path, tmp_path: Path) -> None:
    bad = tmp_path / "Bad.sol"
    bad.write_text("contract Bad{uint x;}\n")
    assert run([native_binary("forge"), "fmt", "--check", bad], repository).returncode == 1


def test_solhint__bad_rule__fails(repository: Path, tmp_path: Path) -> None:
    shutil.copy(repository / ".solhint.json", tmp_path)
    (tmp_path / "Bad.sol").write_text(
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.28;\n\ncontract Bad {\n"
        "    function f() external view returns (bool) {\n        return tx.origin == msg.sender;\n    }\n}\n"
    )
    result = run(["node", repository / SOLHINT, "--max-warnings", "0", "Bad.sol"], tmp_path)
    assert result.returncode != 0
    assert "avoid-tx-origin" in result.stdout


@pytest.fixture
def solidity_project(repository: Path, tmp_path: Path) -> Path:
    """Smallest project that uses this repository's compiler, forge settings and libraries."""
    forge_std = Path("node_modules/@layerzerolabs/toolbox-foundry/lib/forge-std")
    shutil.copytree(repository / forge_std, tmp_path / forge_std)  # forge does not follow a link out of the project
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "toolchain").symlink_to(repository / "build" / "toolchain")
    shutil.copy(repository / "foundry.toml", tmp_path)
    (tmp_path / "contracts").mkdir()
    (tmp_path / "tests" / "contracts").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(("expected", "returncode"), [("4", 0), ("5", 1)])
def test_forge_test__wrong_sum__fails(repository: Path, solidity_project: Path, expected: str, returncode: int) -> None:
    (solidity_project / "tests" / "contracts" / "Sum.t.sol").write_text(
        '// SPDX-License-Identifier: MIT\npragma solidity ^0.8.28;\n\nimport {Test} from "forge-std/Test.sol";\n\n'
        "contract SumTest is Test {\n    function test_sum() external pure {\n"
        f"        assertEq(uint256(2 + 2), {expected});\n    }}\n}}\n"
    )
    assert run([native_binary("forge"), "test"], solidity_project).returncode == returncode


def test_forge_build__type_error__fails(repository: Path, solidity_project: Path) -> None:
    (solidity_project / "contracts" / "Bad.sol").write_text(
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.28;\n\ncontract Bad {\n    uint8 public x = 256;\n}\n"
    )
    result = run([native_binary("forge"), "build"], solidity_project)
    assert result.returncode == 1
    assert "not implicitly convertible" in result.stdout + result.stderr


def test_brownie_compile__type_error__fails(repository: Path, solidity_project: Path) -> None:
    shutil.copy(repository / "brownie-config.yaml", solidity_project)
    shutil.copytree(repository / "scripts", solidity_project / "scripts")
    (solidity_project / "contracts" / "Bad.sol").write_text(
        "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.28;\n\ncontract Bad {\n    uint8 public x = 256;\n}\n"
    )
    environment = {"SOLCX_BINARY_PATH": str(solidity_project / "build" / "toolchain")}
    result = run([sys.executable, "-m", "scripts.compile"], solidity_project, **environment)
    assert result.returncode != 0
    assert "not implicitly convertible" in result.stdout + result.stderr


@pytest.mark.parametrize(("condition", "returncode"), [("True", 0), ("False", 1)])
def test_pytest__false_assertion__fails(repository: Path, tmp_path: Path, condition: str, returncode: int) -> None:
    (tmp_path / "test_canary.py").write_text(f"def test_canary():\n    assert {condition}\n")
    arguments = ["-m", "pytest", "-c", repository / "pyproject.toml", "--rootdir", tmp_path, tmp_path]
    assert run([sys.executable, *arguments], tmp_path).returncode == returncode


def test_check_prerequisites__python_missing__fails_with_one_line(repository: Path) -> None:
    script = repository / "scripts" / "toolchain" / "check-prerequisites.sh"
    result = run([script, "no-such-python"], repository)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "make PYTHON=" in result.stderr


def prerequisites(repository: Path, path: Path, *machine: str, **tools: str) -> subprocess.CompletedProcess[str]:
    """Check a machine whose PATH holds bash and the named tools alone, each a shell script of one line."""
    for name in ("bash", "env"):
        (path / name).symlink_to(f"/usr/bin/{name}")
    for name, line in tools.items():
        (path / name).write_text(f"#!/bin/sh\n{line}\n")
        (path / name).chmod(0o755)
    script = repository / "scripts" / "toolchain" / "check-prerequisites.sh"
    return run([script, sys.executable, *machine], path, PATH=str(path))


def test_check_prerequisites__node_missing__fails_with_one_line(repository: Path, tmp_path: Path) -> None:
    result = prerequisites(repository, tmp_path)
    assert result.returncode == 1
    assert result.stderr.strip() == "Evenkeel needs Node 20 or newer, and 'node' was not found: install Node.js."


NODE = {"node": "exit 0", "npm": "echo 10.8.2"}
ON_ARM = "eth-brownie, eth-event, faster-eth-abi, faster-hexbytes, psutil, safe-pysha3"


@pytest.mark.parametrize(("version", "returncode"), [("9.2.0", 1), ("10.0.0", 0), ("11.6.2", 0)])
def test_check_prerequisites__npm_before_10__is_refused(
    repository: Path, tmp_path: Path, version: str, returncode: int
) -> None:
    tools = NODE | {"npm": f"echo {version}"}
    result = prerequisites(repository, tmp_path, "3.12", "Linux", "x86_64", **tools)
    assert result.returncode == returncode
    assert ("npm install --global npm@10" in result.stderr) is (returncode == 1)


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_check_prerequisites__wheels_for_all__needs_no_compiler(repository: Path, tmp_path: Path, version: str) -> None:
    result = prerequisites(repository, tmp_path, version, "Linux", "x86_64", **NODE)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("machine", "packages", "way_out"),
    [
        (("3.14", "Linux", "x86_64"), "immutables, safe-pysha3", "or name Python 3.11, 3.12 or 3.13 with"),
        (("3.12", "Linux", "aarch64"), ON_ARM, "run 'apt-get install build-essential python3-dev'."),
        (("3.14", "Linux", "aarch64"), f"immutables, {ON_ARM}", "run 'apt-get install build-essential python3-dev'."),
        (("3.13", "Darwin", "arm64"), "safe-pysha3", "run 'xcode-select --install'."),
    ],
)
def test_check_prerequisites__no_wheel_and_no_compiler__one_line(
    repository: Path, tmp_path: Path, machine: tuple[str, str, str], packages: str, way_out: str
) -> None:
    result = prerequisites(repository, tmp_path, *machine, **NODE)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert f"no wheel for Python {machine[0]} on {machine[1]} {machine[2]}: {packages}: " in result.stderr
    assert way_out in result.stderr


def test_check_prerequisites__no_wheel_but_a_compiler__names_what_it_builds(repository: Path, tmp_path: Path) -> None:
    result = prerequisites(repository, tmp_path, "3.12", "Linux", "aarch64", **NODE, cc="exit 0")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"Compiles what has no wheel for Python 3.12 on Linux aarch64: {ON_ARM}.\n"


@pytest.mark.parametrize("machine", [("3.12", "Darwin", "x86_64"), ("3.12", "Windows", "AMD64")])
def test_check_prerequisites__machine_it_cannot_serve__names_the_container(
    repository: Path, tmp_path: Path, machine: tuple[str, str, str]
) -> None:
    result = prerequisites(repository, tmp_path, *machine, **NODE, cc="exit 0")
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "Containerfile" in result.stderr
    assert (repository / "Containerfile").is_file()


def test_postgresql__missing_and_not_to_be_installed__fails_with_one_line(repository: Path, tmp_path: Path) -> None:
    for name in ("bash", "env"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    (tmp_path / "id").write_text("#!/bin/sh\necho 1000\n")
    (tmp_path / "id").chmod(0o755)
    script = repository / "scripts" / "toolchain" / "postgresql.sh"
    result = run([script, tmp_path / "none"], repository, PATH=str(tmp_path))
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert "PostgreSQL 14 or newer, and no initdb was found: on Debian and Ubuntu run" in result.stderr


def test_postgresql_server__missing__fails_the_tests_that_need_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql.shutil, "which", lambda _: None)
    monkeypatch.setattr(postgresql, "DEBIAN_VERSIONS", Path("/nowhere"))
    with pytest.raises(AssertionError, match="PostgreSQL's initdb is not installed; run scripts/toolchain"):
        postgresql.binary("initdb")
