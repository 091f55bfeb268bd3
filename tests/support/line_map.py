"""Which test files run through which lines: a plugin of pytest, ``-p tests.support.line_map``.

Lines of the sources under ``EVENKEEL_TRACED`` (paths from the root, separated by ``:``) are noted for the test file
that is running, in any thread, with the seconds the file took; what fails is noted too. Written to
``EVENKEEL_LINE_MAP``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest


class LineMap:
    """Notes the lines of some sources by the test file that runs them."""

    def __init__(self, root: Path, traced: tuple[str, ...], output: Path) -> None:
        self._root = f"{root}{os.sep}"
        self._traced = tuple(self._root + one for one in traced)
        self._output = output
        self._names: dict[CodeType, str | None] = {}
        self._lines: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        self._seconds: dict[str, float] = defaultdict(float)
        self._failed: set[str] = set()
        self._running: dict[str, set[int]] = defaultdict(set)

    def trace(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        """Note the line of a frame of a traced source; other frames run untraced."""
        code = frame.f_code
        if code not in self._names:
            name = code.co_filename
            self._names[code] = name.removeprefix(self._root) if name.startswith(self._traced) else None
        source = self._names[code]
        if source is None:
            return None
        self._running[source].add(frame.f_lineno)
        return self.trace

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what one test runs, its fixtures with it."""
        file = item.nodeid.partition("::")[0]
        self._running = self._lines[file]
        started = time.monotonic()
        sys.settrace(self.trace)
        threading.settrace(self.trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)  # type: ignore[arg-type]
            self._seconds[file] += time.monotonic() - started

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the files whose tests fail as they stand."""
        if report.failed:
            self._failed.add(report.nodeid.partition("::")[0])

    def pytest_sessionfinish(self) -> None:
        """Write the map."""
        files = {
            file: {
                "seconds": round(self._seconds[file], 2),
                "failed": file in self._failed,
                "lines": {source: sorted(lines) for source, lines in sources.items()},
            }
            for file, sources in self._lines.items()
        }
        self._output.write_text(json.dumps(files), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Register the map of this run."""
    traced = tuple(os.environ["EVENKEEL_TRACED"].split(":"))
    config.pluginmanager.register(LineMap(Path.cwd(), traced, Path(os.environ["EVENKEEL_LINE_MAP"])))
