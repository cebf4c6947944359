"""What the files of a recording have in common: what stands in their heads, and how numbers become int16."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from radarode.core.notice import SHORT_NOTICE
from radarode.stream.sinks.timeline import Window

ECG_UNITS_PER_MV = 10_000
INVALID = -32_768
LIMIT = 32_767
MOTION_SPAN = 40.0
"""Largest motion that a file holds, in robust standard deviations of its first seconds."""


_CONTROL = dict.fromkeys((*range(32), 127), " ")


@dataclass(frozen=True, slots=True)
class Head:
    """Describe a file of a recording.

    Attributes:
        name: name of the file without its suffix.
        first: number of its first sample, in stream time.
        started: local time of its first sample.
        source: name of the stream.
        simulated: whether the motion is simulated.
        channel: number of the recorded motion signal, from 0.
        motion_scale: robust standard deviation of that signal.
    """

    name: str
    first: int
    started: datetime
    source: str
    simulated: bool
    channel: int
    motion_scale: float

    @property
    def motion_units(self) -> float:
        """Return int16 steps per unit of motion."""
        return LIMIT / (MOTION_SPAN * self.motion_scale)

    def comments(self) -> tuple[str, ...]:
        """Return what every file says about itself."""
        simulated = ("SIMULATED motion",) if self.simulated else ()
        return (
            SHORT_NOTICE,
            *simulated,
            f"source {to_ascii(self.source)}",
            "amplitude of the ECG is nominal: 1 mV is the range of one cycle",
            f"RCG of channel {self.channel + 1}, which moved most at the start of this file; arbitrary units",
            "after a crash the last seconds are as drawn live, before later motion could settle them",
        )


class SegmentFile(Protocol):
    """Write one file, or one set of files, of a recording."""

    head: Head
    path: Path

    @property
    def end(self) -> int:
        """Number of the sample behind the last that was put."""
        ...

    @property
    def kept(self) -> int:
        """Number of the sample behind the last that is in a file."""
        ...

    @property
    def bytes(self) -> int:
        """Size of the files."""
        ...

    def put(self, window: Window) -> None:
        """Replace everything from the window's start on by the window."""
        ...

    def mark(self, sample: int, text: str) -> None:
        """Note what a person wrote about a moment; it is in the file with the next samples."""
        ...

    def sync(self) -> None:
        """Bring everything to the disk."""
        ...

    def close(self) -> None:
        """Finish and close; nothing is put afterwards."""
        ...


def to_steps(values: NDArray[np.floating], per_unit: float, invalid: int) -> NDArray[np.int16]:
    """Return values as int16 steps; NaN becomes `invalid`, what is too large is clipped.

    Example:
        >>> to_steps(np.array([0.5, np.nan, -9.0]), 10_000, INVALID)
        array([  5000, -32768, -32767], dtype=int16)
    """
    steps = np.clip(np.rint(np.asarray(values, np.float64) * per_unit), -LIMIT, LIMIT)
    return np.where(np.isnan(steps), invalid, steps).astype(np.int16)


def write_at(handle: int, content: bytes, offset: int) -> None:
    """Write all bytes at a place of a file.

    Raises:
        OSError: the disk took not all of them.
    """
    view = memoryview(content)
    while view:
        done = os.pwrite(handle, view, offset)
        view, offset = view[done:], offset + done


def write_through(path: Path, content: bytes) -> None:
    """Write the start of an existing file and bring it to the disk.

    Raises:
        OSError: the disk took not all of it.
    """
    handle = os.open(path, os.O_RDWR)
    try:
        write_at(handle, content, 0)
        os.fsync(handle)
    finally:
        os.close(handle)


def strongest(motion: NDArray[np.floating]) -> tuple[int, float]:
    """Return the channel that moves most, and its robust standard deviation.

    Args:
        motion: (channel, time), NaN in gaps.

    Example:
        >>> strongest(np.array([[0.0, 1.0, 0.0], [0.0, 8.0, 4.0]]))[0]
        1
    """
    known = np.where(np.isfinite(motion), motion, 0.0).astype(np.float64)
    if not known.shape[1]:
        return 0, 1.0
    centred = np.abs(known - np.median(known, axis=1, keepdims=True))
    spread = 1.4826 * np.median(centred, axis=1)
    best = int(np.argmax(spread))
    scale = float(spread[best]) or float(np.std(known[best]))
    return best, scale if np.isfinite(scale) and scale > 0 else 1.0


def to_ascii(text: str) -> str:
    """Return a text as one short line of ASCII, which is all that these formats take."""
    return text.encode("ascii", "replace").decode().translate(_CONTROL)[:80]
