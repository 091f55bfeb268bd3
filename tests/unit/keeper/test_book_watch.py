"""The book's file while the keeper runs: read when it has changed, refused once for each change."""

from __future__ import annotations

import os

import pytest

from agent.errors import DataError
from agent.files.book_file import load_kept_book
from agent.keeper.book_watch import BookWatch

HELD = '[book]\nunderlying = "{}"\n[[holding]]\nquantity = {}\n'


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "book.toml"
    file.write_text(HELD.format("ETH", 1.0), encoding="utf-8")
    return file


@pytest.fixture
def watch(path):
    watch = BookWatch(path, load_kept_book, "ETH")
    assert watch.poll().holdings[0].quantity == 1.0  # once at first
    return watch


def rewrite(path, text):
    """Replace the file as editors do, in one step."""
    other = path.with_suffix(".new")
    other.write_text(text, encoding="utf-8")
    other.replace(path)


def test_poll__untouched__is_none(watch):
    assert watch.poll() is None
    assert watch.poll() is None


def test_poll__written_anew__is_the_new_book_once(watch, path):
    rewrite(path, HELD.format("ETH", 2.0))
    assert watch.poll().holdings[0].quantity == 2.0
    assert watch.poll() is None


def test_poll__same_size_in_place__is_noticed_by_its_time(watch, path):
    path.write_text(HELD.format("ETH", 7.0), encoding="utf-8")
    os.utime(path, ns=(1, 1))
    assert watch.poll().holdings[0].quantity == 7.0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "section"),
        (HELD.format("ETH", "nan"), "quantity"),
        (HELD.format("ETH", 1.0)[:-8], "not"),
        (HELD.format("BTC", 1.0), "underlying is 'BTC', but this keeper hedges ETH"),
    ],
)
def test_poll__broken__is_refused_once_and_read_again_when_mended(watch, path, text, words):
    rewrite(path, text)
    with pytest.raises(DataError, match=words):
        watch.poll()
    assert watch.poll() is None
    rewrite(path, HELD.format("ETH", 3.0))
    assert watch.poll().holdings[0].quantity == 3.0


def test_poll__file_gone__is_refused_once(watch, path):
    path.unlink()
    with pytest.raises(DataError, match="no such file"):
        watch.poll()
    assert watch.poll() is None
