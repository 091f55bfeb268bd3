"""When the garbage collector works: between two cycles, and not over what was loaded before the first."""

from __future__ import annotations

import gc

_YOUNG_OBJECTS = 100_000
"""So many new ones in a cycle are looked through in it all the same: it reads more than cycles do, a ledger, say."""


class Housekeeping:
    """Keeps pauses of the collector out of cycles. What a process has loaded and compiled by its first cycle stays."""

    def __init__(self) -> None:
        self._is_settled = False

    def between_cycles(self) -> None:
        """Collect now, so that a cycle need not; the first time, leave out from then on all that there is."""
        gc.collect()
        if not self._is_settled:
            gc.freeze()
            gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
            self._is_settled = True
