"""Figures that a test is read for, shown by ``pytest -s``."""

from __future__ import annotations

import sys


def show_figures(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(f"{text}\n")
