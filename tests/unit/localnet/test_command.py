from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from agent.cli.localnet import app, drop_old_ledger
from agent.errors import DataError
from agent.localnet.manifest import LocalnetManifest


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_status__nothing_started__says_so_with_status_1(tmp_path):
    result = run("status", "--state-directory", tmp_path)
    assert result.exit_code == 1
    assert "No local chain runs" in result.stdout


def test_status__process_died__says_so_with_status_1(tmp_path, manifest_of_a_dead_chain):
    manifest_of_a_dead_chain.write(tmp_path)
    result = run("status", "--state-directory", tmp_path, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["state"] == "died"


def test_down__nothing_started__data_error(tmp_path):
    assert isinstance(run("down", "--state-directory", tmp_path).exception, DataError)


def test_down__nothing_started_if_running__silent_success(tmp_path):
    result = run("down", "--if-running", "--state-directory", tmp_path)
    assert (result.exit_code, result.output) == (0, "")


def test_down__process_died__removes_the_manifest_and_says_so(tmp_path, manifest_of_a_dead_chain):
    manifest_of_a_dead_chain.write(tmp_path)
    result = run("down", "--state-directory", tmp_path)
    assert result.exit_code == 0
    assert "had died" in result.stdout
    assert LocalnetManifest.read(tmp_path) is None


def test_step__nothing_started__data_error_says_how_to_start(tmp_path):
    error = run("step", "--state-directory", tmp_path).exception
    assert isinstance(error, DataError)
    assert "evenkeel localnet up" in str(error)


def test_up__book_without_vault__data_error_before_anything_starts(tmp_path):
    error = run("up", "--without-vault", "--book", "book.toml", "--state-directory", tmp_path).exception
    assert isinstance(error, DataError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [("--start-price", "-1"), ("--depth-bps", "0"), ("--start", "yesterday")])
def test_up__bad_number_or_time__data_error_before_anything_starts(tmp_path, arguments):
    error = run("up", *arguments, "--state-directory", tmp_path).exception
    assert isinstance(error, DataError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["up", "down", "status", "step"])
def test_help__every_command__shows_an_example(command):
    result = run(command, "--help")
    assert result.exit_code == 0
    assert f"Example: evenkeel localnet {command}" in result.stdout


def test_drop_old_ledger__books_of_the_last_chain__are_gone_and_the_rest_stays(tmp_path):
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite.lock", "manifest.json"):
        (tmp_path / name).write_text("x")
    drop_old_ledger(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
