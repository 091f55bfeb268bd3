"""How the benchmark of a replay's memory tells growth from what is taken once."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import pytest

from benchmarks.replay_memory import resident, slope


def test_slope__caches_fill_first__counts_the_second_half_alone():
    steps = list(range(100, 2_100, 100))
    held = [1_000_000 + 50_000 * min(step, 1_000) + 25 * step for step in steps]
    assert slope(steps, held) == pytest.approx(25.0)


def test_slope__memory_stands_still__is_nothing():
    assert slope([1, 2, 3, 4], [7, 5, 9, 5]) == pytest.approx(0.0)


def test_slope__table_that_doubles__counts_as_much_a_step_as_in_the_long_run():
    steps = list(range(64, 8_193, 64))
    held = [24 * 2 ** (step - 1).bit_length() for step in steps]
    assert slope(steps, held) == pytest.approx(24.0)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's memory in /proc")
def test_resident__forty_megabytes_written__are_seen():
    before = resident(os.getpid())
    with mmap.mmap(-1, 40_000_000) as pages:  # the system's own: a list might fit into what the process has freed
        pages.write(b"\1" * len(pages))
        assert resident(os.getpid()) - before > 0.9 * len(pages)
