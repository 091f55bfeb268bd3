"""Options that several commands share: written once, read by Typer as if each command had them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

Command = Callable[..., None]
REQUIRED = inspect.Parameter.empty
"""Default of an option that has none."""


def sharing(
    shared: Mapping[str, tuple[Any, Any]], handed: int, run: Callable[[Command, dict[str, Any], dict[str, Any]], None]
) -> Callable[[Command], Command]:
    """Give commands the shared options after their own.

    ``shared`` holds annotation and default by name. A command's first ``handed`` parameters are no options: ``run``
    hands them over, given the command, the values of the shared options, and those of the command's own.
    """

    def give(command: Command) -> Command:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[handed:]

        @functools.wraps(command)
        def called(**options: Any) -> None:
            values = {name: options.pop(name) for name in shared}
            run(command, values, options)

        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in shared.items()
        ]
        called.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]  # what Typer reads
        return called

    return give
