"""The last rows of something that goes on for ever, in one piece of memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Rolling:
    """Keep the last rows of a growing table, numbered from its very first row.

    Args:
        most: rows kept at least; older ones may be forgotten.
        shape: of one row.
        dtype: of the values.
        first: number of the first row.

    Attributes:
        end: number of the row that comes next.

    Example:
        >>> kept = Rolling(3, (), np.int64)
        >>> for part in ([1, 2], [3, 4, 5], [6, 7]):
        ...     kept.append(np.array(part))
        >>> kept.start, kept.end, kept.rows().tolist(), kept.rows(5, 7).tolist()
        (4, 7, [5, 6, 7], [6, 7])
    """

    def __init__(self, most: int, shape: tuple[int, ...], dtype: Any, first: int = 0) -> None:
        self._most = most
        self._data = np.zeros((2 * most, *shape), dtype=dtype)
        self._used = 0
        self._first = self.end = first

    @property
    def start(self) -> int:
        """Return the number of the oldest row that is kept."""
        return max(self._first, self.end - self._most)

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows; of more than are kept, the last ones."""
        count = len(rows)
        if count > self._most:
            self._used, rows = 0, rows[-self._most :]
        elif self._used + count > len(self._data):
            keep = self._most - count
            self._data[:keep] = self._data[self._used - keep : self._used]
            self._used = keep
        self._data[self._used : self._used + len(rows)] = rows
        self._used += len(rows)
        self.end += count

    def rows(self, first: int | None = None, last: int | None = None) -> NDArray[Any]:
        """Return a view of rows [first, last), by their numbers; from the oldest, to the newest."""
        shift = self._used - self.end
        begin = self.start if first is None else first
        stop = self.end if last is None else last
        if not self.start <= begin <= stop <= self.end:
            raise IndexError(f"rows {begin} to {stop} of {self.start} to {self.end}")
        return self._data[begin + shift : stop + shift]
