"""Compile every contract with Brownie: ``python -m scripts.compile``."""

from __future__ import annotations

from scripts.project import load_project


def main() -> None:
    """Compile what has changed; build artifacts land in ``build/contracts``."""
    load_project(quiet=True).close()


if __name__ == "__main__":
    main()
