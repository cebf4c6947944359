"""The last hour of a stream, in bounded memory: what a page is filled with, scrolls back through and exports."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.types import Beats, ReconstructedEcg
from radarode.stream.types import Update

FRAME_RATE_HZ = 30.0
MAX_EVENTS = 1000
MAX_BEATS_PER_MIN = 300


class Ring:
    """Keep the newest columns of a growing array, by their numbers.

    Args:
        columns: how many are kept.
        rows: of each column.
        dtype: what they are stored as.
    """

    def __init__(self, columns: int, rows: int = 1, dtype: type = np.float32) -> None:
        self._kept = np.zeros((rows, columns), dtype)  # not touched, so not in memory, before it is filled
        self.end = 0
        self.start = 0

    def append(self, first: int, values: NDArray[np.generic], missing: float = np.nan) -> None:
        """Append columns (row, column) or (column,); columns between the end and `first` are set to `missing`."""
        values, size = np.atleast_2d(values), self._kept.shape[1]
        if values.shape[1] == 0:
            return
        if self.end == 0 or first < self.start or first - self.end > size:
            self.start = self.end = first
        if first > self.end:
            self._put(self.end, np.full((len(self._kept), first - self.end), missing, self._kept.dtype))
        self._put(first, values[:, -size:], skipped=max(0, values.shape[1] - size))

    def read(self, first: int, end: int) -> tuple[int, NDArray]:
        """Return (number of the first column, columns) of what is kept of `first` ... `end` - 1."""
        first = min(max(first, self.start), self.end)
        end = min(max(end, first), self.end)
        return first, self._kept[:, np.arange(first, end) % self._kept.shape[1]]

    def _put(self, first: int, values: NDArray, skipped: int = 0) -> None:
        first += skipped
        self._kept[:, np.arange(first, first + values.shape[1]) % self._kept.shape[1]] = values
        self.end = first + values.shape[1]
        self.start = max(self.start, self.end - self._kept.shape[1])


@dataclass(frozen=True, slots=True)
class Event:
    """Hold a mark that somebody made, at a stream time."""

    at_s: float
    text: str


class History:
    """Keep what one stream showed since it began, at most `history_min` of it.

    A spectrogram frame is kept as a byte per row, the square root of its share of the frame's largest value: fine
    enough to look at, an eighth of float64.

    Args:
        history_min: how much is kept.
        rows: of the spectrogram.
    """

    def __init__(self, history_min: float, rows: int) -> None:
        samples, frames = round(60 * history_min * FS_HZ), round(60 * history_min * FRAME_RATE_HZ)
        self.drawn, self.settled = Ring(samples), Ring(samples)
        self.motion = Ring(samples)
        self._frames, self._frame_scale = Ring(frames, rows, np.uint8), Ring(frames)
        most = round(MAX_BEATS_PER_MIN * history_min)
        self._beats: deque[tuple[float, float, float]] = deque(maxlen=most)
        self._settled_beats: deque[tuple[float, float, float]] = deque(maxlen=most)
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)

    def append(self, update: Update, motion: NDArray[np.float32]) -> None:
        """Take an update and the (time,) motion that is shown of it."""
        self.drawn.append(update.drawn_first, update.drawn)
        self.settled.append(update.settled_first, update.settled)
        self.motion.append(update.rcg_first, motion)
        if update.frames.size:
            levels, scale = encode_frames(update.frames)
            self._frames.append(update.frames_first, levels, missing=0)
            self._frame_scale.append(update.frames_first, scale)
        self._beats.extend(_rows(update.drawn_beats))
        self._settled_beats.extend(_rows(update.settled_beats))

    def mark(self, event: Event) -> None:
        """Keep an event; beyond `MAX_EVENTS` the oldest is forgotten."""
        self._events.append(event)

    def frames(self, from_s: float, to_s: float) -> tuple[int, NDArray[np.float32]]:
        """Return (number of the first frame, (row, frame) magnitudes) between two stream times."""
        ends = _columns(from_s, to_s, FRAME_RATE_HZ)
        first, levels = self._frames.read(*ends)
        return first, decode_frames(levels, self._frame_scale.read(*ends)[1][0])

    def beats(self, from_s: float, to_s: float) -> Beats:
        """Return the drawn beats between two stream times."""
        return _beats(row for row in self._beats if from_s <= row[0] < to_s)

    def events(self, from_s: float, to_s: float) -> list[Event]:
        """Return the events between two stream times, the earliest first."""
        return sorted((e for e in self._events if from_s <= e.at_s < to_s), key=lambda event: event.at_s)

    def ecg(self, minutes: float) -> tuple[float, ReconstructedEcg]:
        """Return (stream time at which it begins, the settled ECG of the last minutes), its own time beginning at 0."""
        end = self.settled.end
        first, values = self.settled.read(end - round(60 * minutes * FS_HZ), end)
        start_s, end_s = first / FS_HZ, end / FS_HZ
        kept = [(r - start_s, length, q) for r, length, q in self._settled_beats if start_s <= r < end_s]
        return start_s, ReconstructedEcg(values[0], FS_HZ, _beats(iter(kept)), gaps_s(values[0]))

    def samples(self, ring: Ring, from_s: float, to_s: float) -> tuple[int, NDArray[np.float32]]:
        """Return (number of the first sample, (time,) values) of a ring between two stream times."""
        first, values = ring.read(*_columns(from_s, to_s, FS_HZ))
        return first, values[0]


def encode_frames(frames: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return ((row, frame) bytes, (frame,) largest value of each frame).

    Example:
        >>> levels, scale = encode_frames(np.array([[4.0], [1.0]], np.float32))
        >>> decode_frames(levels, scale).round(1).tolist()
        [[4.0], [1.0]]
    """
    frames = np.nan_to_num(frames, nan=0.0, posinf=0.0, neginf=0.0).clip(min=0.0)
    scale = frames.max(axis=0)
    share = np.divide(frames, scale, out=np.zeros_like(frames), where=scale > 0)
    return np.rint(255 * np.sqrt(share)).astype(np.uint8), scale


def decode_frames(levels: NDArray[np.uint8], scale: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the (row, frame) magnitudes behind `encode_frames`; NaN where no frame is known."""
    return ((levels / np.float32(255)) ** 2 * scale).astype(np.float32)


def gaps_s(ecg: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the (gap, 2) start and end of the stretches of NaN, in seconds from the first sample."""
    missing = np.concatenate(([False], np.isnan(ecg), [False]))
    return np.flatnonzero(missing[1:] != missing[:-1]).reshape(-1, 2) / FS_HZ


def _columns(from_s: float, to_s: float, rate_hz: float) -> tuple[int, int]:
    return max(0, round(from_s * rate_hz)), max(0, round(to_s * rate_hz))


def _rows(beats: Beats) -> Iterator[tuple[float, float, float]]:
    return zip(beats.r_s.tolist(), beats.length_s.tolist(), beats.quality.tolist(), strict=True)


def _beats(rows: Iterator[tuple[float, float, float]]) -> Beats:
    columns = np.array(list(rows), np.float64).reshape(-1, 3).T
    return Beats(*columns)
