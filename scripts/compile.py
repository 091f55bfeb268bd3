"""Compile every contract with Brownie: ``python -m scripts.compile``."""

from __future__ import annotations

from scripts.project import load_project, quiet_unless_failing


def main() -> None:
    """Compile what has changed; build artifacts land in ``build/contracts``."""
    with quiet_unless_failing():
        load_project().close()


if __name__ == "__main__":
    main()
