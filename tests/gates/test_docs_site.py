"""The site builds without a warning, a warning fails it, and who reads it asks nobody else for anything."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.support.pages import checkout_copy

FOREIGN = re.compile(
    r'<(?:script|img|iframe|source|link(?![^>]*rel="?canonical))[^>]+(?:src|href)="?(?:https?:)?//[^">]+'
    r"|url\(\s*[\"']?(?:https?:)?//[^)]+|@import[^;]+//"
)
"""What a browser would load from elsewhere by itself."""
LOADED_FOR = 'class="mermaid"'
"""The theme would load a library from elsewhere for such a block."""


@pytest.fixture(scope="module")
def checkout(repository, tmp_path_factory):
    return checkout_copy(repository, tmp_path_factory.mktemp("site") / "evenkeel")


def build(repository, checkout):
    mkdocs = repository / "build" / "docs-venv" / "bin" / "mkdocs"
    assert mkdocs.exists(), "run `make docs` once"
    environment = os.environ | {"PYTHONPATH": str(checkout), "NO_MKDOCS_2_WARNING": "1"}
    command = [mkdocs, "build", "--strict"]
    return subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def test_site__as_it_is__builds_whole_and_loads_nothing_from_elsewhere(repository, checkout):
    built = build(repository, checkout)
    assert built.returncode == 0, built.stderr
    site = checkout / "build" / "site"
    contracts = (site / "reference" / "contracts.html").read_text()
    assert "Moves the hedge. Keeper only." in contracts
    assert "mul_div_up" not in contracts
    assert "whalley_wilmott" in (site / "reference" / "agent.policy.html").read_text()
    assert (site / "checkout" / "config" / "localnet.toml").exists()
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(pages) > 40
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert FOREIGN.search(text) is None, f"{page.name}: {FOREIGN.search(text)}"
        assert LOADED_FOR not in text, page.name


def test_site__links_to_nowhere__fail_each_by_name(repository, checkout):
    page = checkout / "docs" / "glossary.md"
    links = ("nowhere.md", "parameters.md#no-such-part", "../config/no-such-network.toml")
    with page.open("a", encoding="utf-8") as text:
        text.writelines(f"\n[here]({link})\n" for link in links)
    built = build(repository, checkout)
    assert built.returncode != 0
    for link in links:
        assert link in built.stderr


@pytest.mark.parametrize(
    "line",
    [
        '<script src="https://cdn.example/x.js">',
        '<link rel="stylesheet" href="//fonts.example/x.css">',
        "a { background: url(https://example/x.png) }",
    ],
)
def test_foreign__what_a_browser_would_load__is_found(line):
    assert FOREIGN.search(line)


def test_foreign__link_that_is_only_shown__is_not():
    assert not FOREIGN.search('<a href="https://example.org">x</a><link rel="canonical" href="https://example.org">')
