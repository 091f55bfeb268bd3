"""Machine code that is kept between runs, and never trusted: damaged code is compiled anew, not loaded."""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, IndexDataCacheFile

_DIGEST_BYTES = hashlib.sha256().digest_size


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
        kept = Path(self._data_path(name)).read_bytes()
        digest, code = kept[:_DIGEST_BYTES], kept[_DIGEST_BYTES:]
        if hashlib.sha256(code).digest() != digest:
            raise OSError(f"{name} is damaged")  # taken for a file that is gone: the code is compiled and kept anew
        return pickle.loads(code)  # noqa: S301  (our own, by its checksum)

    def _save_data(self, name: str, data: Any) -> None:
        code = self._dump(data)
        with self._open_for_write(self._data_path(name)) as file:
            file.write(hashlib.sha256(code).digest() + code)
