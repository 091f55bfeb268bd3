"""A failure's text may repeat what a node, a signer or a file says; shown at a terminal, it only reads."""

from __future__ import annotations

from agent.errors import TransientError


def test_str__error_that_repeats_control_characters__shows_none():
    said = "no\x1b[2J way\x9b1m\x00 é here\nand there"
    assert str(TransientError(said)) == "no?[2J way?1m? é here\nand there"
