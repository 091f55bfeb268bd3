"""Machine code that is kept between runs, and never trusted: damaged code is compiled anew, not loaded."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from collections.abc import Iterator
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile


class SummedCache(FunctionCache):
    """Numba's cache of one function, with a checksum before each piece of code.

    Numba unpickles what it finds and hands it to the processor: a file cut short, as by a full disk, ends the process,
    and a bit that flipped in it may do anything. Here code whose checksum differs is as good as none, and so are an
    index that cannot be read and a folder that cannot be written.
    """

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file = _SummedFile(
            self._cache_path, self._impl.filename_base, self._impl.locator.get_source_stamp()
        )

    @contextlib.contextmanager
    def _guard_against_spurious_io_errors(self) -> Iterator[None]:
        with contextlib.suppress(OSError):
            yield


class _SummedFile(IndexDataCacheFile):
    def _load_index(self) -> dict[Any, str]:
        try:
            return dict(super()._load_index())
        except Exception:
            return {}

    def _load_data(self, name: str) -> Any:
        try:
            digest, code = super()._load_data(name)
        except Exception as error:
            raise OSError(f"{name} is damaged") from error  # as a file that is gone: the code is compiled and kept anew
        if hashlib.sha256(code).digest() != digest:
            raise OSError(f"{name} is damaged")
        return pickle.loads(code)  # noqa: S301  (our own, by its checksum)

    def _save_data(self, name: str, data: Any) -> None:
        code = self._dump(data)
        super()._save_data(name, (hashlib.sha256(code).digest(), code))
