"""Code is compared byte by byte, and what explorers are given compiles to the very same code."""

from __future__ import annotations

import json
import subprocess

import pytest

from agent.deploy.artifact import load_artifact
from agent.deploy.explorers import compiler_version, standard_input
from agent.deploy.verification import is_same_code
from agent.localnet.artifacts import PROJECT_ROOT

WORD = bytes(range(1, 33))
COMPILED = b"\x60\x80\x7f" + bytes(32) + b"\x00\x56"


def test_is_same_code__immutable_filled_in__is_the_same():
    assert is_same_code(COMPILED, COMPILED)
    assert is_same_code(b"\x60\x80\x7f" + WORD + b"\x00\x56", COMPILED)


# HEDGE-065
@pytest.mark.parametrize(
    "code",
    [
        b"",
        COMPILED[:-1],
        COMPILED + b"\x00",
        b"\x61\x80\x7f" + WORD + b"\x00\x56",
        b"\x60\x80\x7e" + WORD + b"\x00\x56",
        b"\x60\x80\x7f" + WORD + b"\x01\x56",
        b"\x60\x80\x7f" + WORD + b"\x00\x57",
    ],
)
def test_is_same_code__one_byte_elsewhere__differs(code):
    assert not is_same_code(code, COMPILED)


def test_is_same_code__constant_pushed__must_be_that_constant():
    compiled = b"\x7f" + WORD
    assert is_same_code(compiled, compiled)
    assert not is_same_code(b"\x7f" + WORD[:-1] + b"\x00", compiled)


# HEDGE-065
def test_standard_input__compiled_anew__gives_the_contracts_own_code():
    artifact = load_artifact("MemberGate")
    (solc,) = (PROJECT_ROOT / "build" / "toolchain").glob("solc-v*")
    compiled = subprocess.run(
        [str(solc), "--standard-json"],
        input=json.dumps(standard_input(artifact)),
        capture_output=True,
        text=True,
        check=True,
        cwd=PROJECT_ROOT,
    )
    output = json.loads(compiled.stdout)["contracts"][artifact.source_path]["MemberGate"]
    assert bytes.fromhex(output["evm"]["bytecode"]["object"]) == artifact.creation_code
    metadata = json.loads(output["metadata"])
    assert metadata["compiler"]["version"] == compiler_version(artifact)
