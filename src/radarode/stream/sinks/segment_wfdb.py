"""A WFDB record that grows and can be read at any moment.

`wfdb` writes whole records only, so header and signal file (format 16, both signals in turn) are written here: samples
are put in place, then the header is replaced as a whole with the new length and checksums. The annotations are written
by `wfdb` beside the old ones and replace them. A reader never sees more samples than are there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.files import atomic_path
from radarode.export.wfdb_record import ANNOTATION_EXTENSION
from radarode.stream.sinks.segment import ECG_UNITS_PER_MV, INVALID, Head, to_ascii, to_steps, write_at, write_through
from radarode.stream.sinks.timeline import Window

_FRAME_BYTES = 4
MOST_NOTE_BYTES = 250
"""The format stores the length of a note in one byte; what is longer would be read as annotations."""


class WfdbSegment:
    """Write NAME.hea, NAME.dat and NAME.qrs; they are created with their first samples.

    Args:
        folder: an existing folder.
        head: what the record is.
    """

    def __init__(self, folder: Path, head: Head) -> None:
        self.head, self.path = head, folder / f"{head.name}.hea"
        self._beats: NDArray[np.int64] = np.empty(0, np.int64)
        self._marks: dict[int, str] = {}
        self._tail = np.empty((0, 2), np.int16)
        self._tail_first, self._sums, self._first_frame = 0, np.zeros(2, np.int64), (0, 0)
        self._qrs_bytes = 0
        self._data, self._handle = folder / f"{head.name}.dat", -1

    @property
    def end(self) -> int:
        """Number of the sample behind the last that the signal file holds."""
        return self.head.first + self._tail_first + len(self._tail)

    @property
    def kept(self) -> int:
        """The same: every sample is written at once."""
        return self.end

    @property
    def bytes(self) -> int:
        """Size of signal and annotation file."""
        return (self.end - self.head.first) * _FRAME_BYTES + self._qrs_bytes

    def put(self, window: Window) -> None:
        """Replace everything from the window's start on by the window.

        Raises:
            OSError: the disk is full; what was there before stays.
        """
        start = window.first - self.head.first
        motion = window.motion[self.head.channel]
        columns = (
            to_steps(window.ecg, ECG_UNITS_PER_MV, INVALID),
            to_steps(motion, self.head.motion_units, INVALID),
        )
        frames = np.ascontiguousarray(np.stack(columns, axis=1))
        if not len(frames):
            return
        with self._created():
            write_at(self._handle, frames.astype("<i2").tobytes(), start * _FRAME_BYTES)
            self._take(start, frames, window.r - self.head.first)

    def _take(self, start: int, frames: NDArray[np.int16], beats: NDArray[np.int64]) -> None:
        """Remember what the header must tell of samples that were written."""
        if start == 0:
            self._first_frame = (int(frames[0, 0]), int(frames[0, 1]))
        self._sums += self._tail[: start - self._tail_first].sum(axis=0, dtype=np.int64)
        self._tail, self._tail_first = frames, start
        kept = self._beats[self._beats < start]
        self._beats = np.concatenate([kept, beats])

    @contextmanager
    def _created(self) -> Iterator[None]:
        """Create the files around their first samples; what fails leaves nothing."""
        if self._handle >= 0:
            yield
            return
        self._handle = os.open(self._data, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            yield
            self.sync()
        except OSError:
            os.close(self._handle)
            self._data.unlink(missing_ok=True)
            self._handle, self._tail, self._tail_first = -1, np.empty((0, 2), np.int16), 0
            raise

    def mark(self, sample: int, text: str) -> None:
        """Note what a person wrote about a moment."""
        place = max(1, sample - self.head.first)  # readers drop notes at 0
        joined = "; ".join(filter(None, (self._marks.get(place), to_ascii(text))))
        self._marks[place] = joined.encode()[:MOST_NOTE_BYTES].decode(errors="ignore")

    def sync(self) -> None:
        """Bring the samples to the disk, then a header that tells of them, and annotations.

        Raises:
            OSError: the disk is full; old annotations stay.
        """
        if self._handle < 0:
            return
        os.fsync(self._handle)
        content = self._header(self.end - self.head.first).encode("ascii")
        try:
            with atomic_path(self.path) as temporary:
                write_through(temporary, content)
        except OSError:
            if not self.path.exists():
                raise
            write_through(self.path, content)  # as long as the old one: takes no space, and one write
        self._annotate()

    def close(self) -> None:
        """Write the last state and close."""
        if self._handle >= 0:
            try:
                self.sync()
            finally:
                os.close(self._handle)
                self._handle = -1

    def _annotate(self) -> None:
        import wfdb

        found = [(int(beat), "N", "") for beat in self._beats]
        found = sorted([*found, *((place, '"', text) for place, text in self._marks.items())])
        if not found:
            return
        places, symbols, texts = zip(*found, strict=True)
        name, target = f"part-{os.getpid()}-{id(self)}", self.path.with_suffix(f".{ANNOTATION_EXTENSION}")
        temporary = self.path.parent / f"{name}.{ANNOTATION_EXTENSION}"
        try:
            write_dir = str(self.path.parent)
            columns = (np.array(places), list(symbols))
            wfdb.wrann(name, ANNOTATION_EXTENSION, *columns, aux_note=list(texts), fs=FS_HZ, write_dir=write_dir)
            self._qrs_bytes = temporary.stat().st_size
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def _header(self, length: int) -> str:
        head, sums = self.head, self._sums + self._tail.sum(axis=0, dtype=np.int64)
        ecg_sum, motion_sum = (int(value) for value in sums.astype(np.int16))
        first, started = self._first_frame, head.started
        data = f"{head.name}.dat 16"
        lines = [
            f"{head.name} 2 {FS_HZ:g} {length:10d} {started:%H:%M:%S} {started:%d/%m/%Y}",
            f"{data} {ECG_UNITS_PER_MV}(0)/mV 16 0 {first[0]:6d} {ecg_sum:6d} 0 ECG reconstructed",
            f"{data} {head.motion_units:.9g}(0)/au 16 0 {first[1]:6d} {motion_sum:6d} 0 RCG channel {head.channel + 1}",
            *(f"# {line}" for line in head.comments()),
        ]
        return "\n".join(lines) + "\n"
