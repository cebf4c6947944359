"""Spectrograms of many recordings on disk, written once and sliced into windows on the fly.

Layout of a store (a folder):

    index.json            format, transform settings, frequency axis, one entry per recording
    NNNN.frames.npy       (frame, channel, row) float16, memory-mapped when read: a window is one contiguous slice
    NNNN.reference.npz    ecg_mv, r_peaks_s, gap mask of the frames, positions_m (empty if unknown)
    NNNN.motion.npy       (time, channel) float16, only in stores made with the motion: the same channels at 200 Hz

Magnitudes are divided by the largest one of their channel (kept as `scale`), so float16 keeps 11 bits of the
top 4 decades; motion is divided by its channel's standard deviation and clipped at 1000 of them. Overlapping windows
cost nothing: 50 channels take 0.21 MB per second of recording, where the published layout writes each window as float64
(3.4 MB every 0.8 s).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FRAME_RATE_HZ, WINDOW_FRAMES
from radarode.core.errors import InputError

FORMAT = "radarode-spectrogram-store"
VERSION = 1
INDEX = "index.json"


@dataclass(frozen=True, slots=True, eq=False)
class StoredRecording:
    """Hold one recording of a store; the frames stay on disk until sliced.

    Attributes:
        frames: (frame, channel, row) float16, memory-mapped.
        gaps: (frame,) whether motion or reference is missing within half a frame period.
        ecg_mv: (time,) reference at 200 Hz.
        r_peaks_s: (beat,) reference R peaks.
        subject, trial, status, source: as in `Recording`.
        motion: (time, channel) float16, memory-mapped; None in a store without motion.
        positions_m: (channel, 3), or None.
    """

    frames: NDArray[np.float16]
    gaps: NDArray[np.bool_]
    ecg_mv: NDArray[np.float32]
    r_peaks_s: NDArray[np.float64]
    subject: str
    trial: str
    status: str
    source: str
    motion: NDArray[np.float16] | None = None
    positions_m: NDArray[np.float32] | None = None

    def window_starts(self, step_s: float) -> NDArray[np.int64]:
        """Return the first frame of every whole window without a gap, one each `step_s`."""
        step = max(1, round(step_s * FRAME_RATE_HZ))
        starts = np.arange(0, len(self.frames) - WINDOW_FRAMES + 1, step)
        missing = np.concatenate([[0], np.cumsum(self.gaps)])
        return starts[missing[starts + WINDOW_FRAMES] == missing[starts]]

    @property
    def known_r_peaks_s(self) -> NDArray[np.float64]:
        """Reference R peaks outside gaps."""
        frames = np.rint(self.r_peaks_s * FRAME_RATE_HZ).astype(np.int64).clip(0, len(self.gaps) - 1)
        return self.r_peaks_s[~self.gaps[frames]]

    def part(self, begin: float, end: float) -> StoredRecording:
        """Return the same recording with everything outside a share of its time masked as a gap.

        Args:
            begin: start as a share of the recording, from 0.
            end: end as a share of the recording, up to 1.
        """
        outside = np.ones(len(self.gaps), dtype=bool)
        outside[round(begin * len(outside)) : round(end * len(outside))] = False
        return replace(self, gaps=self.gaps | outside)


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Hold an opened store.

    Attributes:
        path: its folder.
        index: the parsed `index.json`.
        recordings: one entry per recording, in index order.
    """

    path: Path
    index: dict[str, Any]
    recordings: tuple[StoredRecording, ...]

    def __iter__(self) -> Iterator[StoredRecording]:
        return iter(self.recordings)

    @property
    def subjects(self) -> tuple[str, ...]:
        """Subjects in the store, sorted, each once."""
        return tuple(sorted({recording.subject for recording in self.recordings}))

    def of_subjects(self, subjects: Iterable[str]) -> tuple[StoredRecording, ...]:
        """Return the recordings of some subjects."""
        wanted = set(subjects)
        return tuple(recording for recording in self.recordings if recording.subject in wanted)


def open_store(path: Path | str) -> Store:
    """Open a store for reading; frames are memory-mapped.

    Raises:
        InputError: the folder is not a store of this version.
    """
    folder = Path(path)
    index_path = folder / INDEX
    if not index_path.is_file():
        raise InputError(f"{folder} is not a spectrogram store: it has no index.json. Name a folder that has one.")
    index = json.loads(index_path.read_text())
    if index.get("format") != FORMAT or index.get("version") != VERSION:
        raise InputError(f"{folder} is not a version-{VERSION} spectrogram store. Build it again.")
    return Store(folder, index, tuple(_open_one(folder, entry) for entry in index["recordings"]))


def _open_one(folder: Path, entry: dict[str, Any]) -> StoredRecording:
    frames = np.load(folder / f"{entry['key']}.frames.npy", mmap_mode="r")
    moved = folder / f"{entry['key']}.motion.npy"
    with np.load(folder / f"{entry['key']}.reference.npz") as reference:
        return StoredRecording(
            frames=frames,
            gaps=reference["gaps"],
            ecg_mv=reference["ecg_mv"],
            r_peaks_s=reference["r_peaks_s"],
            subject=entry["subject"],
            trial=entry["trial"],
            status=entry["status"],
            source=entry["source"],
            motion=np.load(moved, mmap_mode="r") if moved.is_file() else None,
            positions_m=reference["positions_m"]
            if "positions_m" in reference and len(reference["positions_m"])
            else None,
        )
