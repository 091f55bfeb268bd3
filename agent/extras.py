"""Optional packages: what the keeper does without stands in extras, and says which one when it is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from agent.errors import DataError


@contextmanager
def extra(name: str, purpose: str) -> Iterator[None]:
    """Import the packages of one extra inside this block.

    Parameters
    ----------
    name
        Key of ``[project.optional-dependencies]`` in pyproject.toml that declares the packages.
    purpose
        What they are for, as the subject of a sentence: "Reading Parquet".

    Raises
    ------
    DataError
        A package is not installed; the line names the extra and the command that installs it.

    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or str(error)).partition(".")[0]
        raise DataError(
            f"{purpose} needs the extra '{name}' ({package} is not installed): pip install 'evenkeel[{name}]'"
        ) from None
