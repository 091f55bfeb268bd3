"""What README and pages tell people to type and to write is there; the tutorials are run by tests/e2e."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from agent.cli.main import COMMANDS, app, load_command
from agent.files.book_file import load_book
from tests.support.pages import FILE, blocks

NOW_UNIX = 1_722_470_400  # 2024-08-01T00:00:00Z


@pytest.fixture(scope="module")
def readme(repository):
    return (repository / "README.md").read_text(encoding="utf-8")


def test_page__book_shown__is_a_book(repository, tmp_path):
    page = (repository / "docs" / "hedge-your-book.md").read_text(encoding="utf-8")
    (shown,) = [block.text for block in blocks(page) if FILE in block.attributes]
    path = tmp_path / "book.toml"
    path.write_text(shown, encoding="utf-8")
    book = load_book(path, NOW_UNIX)
    assert [leg.quantity for leg in book.options] == [-60]
    assert [leg.quantity for leg in book.holdings] == [12.5]


def test_pages__commands_shown__exist_with_their_options(repository):
    pages = [repository / "README.md", *(repository / "docs").rglob("*.md")]
    shown = [block.text for page in pages for block in blocks(page.read_text("utf-8")) if block.language == "bash"]
    commands = re.findall(r"(?:^|bin/|\()evenkeel ([^`#\n]+)", "\n".join(shown), re.MULTILINE)
    assert len(commands) > 30
    for command in commands:
        words = command.split()
        path = words[:2] if words[0] in ("localnet", "gov", "deploy", "ledger", "key", "alert", "bounds") else words[:1]
        told = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"})
        assert told.exit_code == 0, command
        for option in (word for word in words if word.startswith("--")):
            assert option in told.stdout, command


def test_readme__links__lead_somewhere(readme, repository):
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    assert len(links) > 8
    for link in links:
        assert (repository / link).exists(), link


def test_readme__make_targets_shown__exist(readme, repository):
    makefile = (repository / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test", "lint", "docs", "bench", "wheel", "setup", "clean"):
        assert f"`{target}`" in readme or f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_texts__commands_named__exist(repository):
    texts = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]
    texts += [path for folder in ("agent", "scripts") for path in (repository / folder).rglob("*.py")]
    texts += (repository / "examples").glob("*.toml")
    named = {
        (command, leaf)
        for path in texts
        for command, leaf in re.findall(r"(?:[`'(]|bin/|: )evenkeel ([a-z]+)(?: ([a-z]+))?", path.read_text("utf-8"))
    }
    assert len(named) > 5
    leaves = {group: set(load_command(group).commands) for group in ("localnet", "gov", "ledger")}
    for command, leaf in named:
        assert command in COMMANDS, command
        assert not leaf or leaf in leaves.get(command, {leaf}), leaf
