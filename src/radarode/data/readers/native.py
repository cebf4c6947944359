"""The project's own HDF5 files (`docs/native-format.md`)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radarode.core.constants import FS_HZ
from radarode.core.errors import InputError
from radarode.core.hdf5 import SIGNATURE
from radarode.core.types import FloatArray, Recording
from radarode.data.native import is_native, load_recording
from radarode.data.readers import ReadOptions
from radarode.data.to_rcg import check_duration, mark_dropouts
from radarode.signal.resample import resample

NAME = "native"
LAYOUT = "an .h5 must be the native recording of docs/native-format.md"
SUFFIXES = (".h5", ".hdf5")
PRIORITY = 0


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is HDF5 with the native format's name."""
    return head.startswith(SIGNATURE) and is_native(path)


def read(path: Path, options: ReadOptions) -> Recording:
    """Read the recording, resampled to 200 Hz if it was stored at another rate."""
    recording = load_recording(path)
    options.check_stated(recording.fs_hz, recording.motion, path)
    return at_200_hz(recording)


def at_200_hz(recording: Recording) -> Recording:
    """Return `recording` itself when it is at 200 Hz, without dropouts or empty channels, or a mended copy.

    Channels that are NaN throughout are left out, with a note.

    Raises:
        InputError: less than one window, or nothing but dropouts.
    """
    check_duration(recording.duration_s)
    rcg, dropouts_s = mark_dropouts(recording.rcg, recording.fs_hz)
    known = np.array([np.isfinite(channel).any() for channel in rcg])
    if not known.any():
        raise InputError("every motion channel is NaN or a dropout throughout; nothing to use.")
    if not known.all():
        recording = _without_channels(recording, rcg, known)
    elif dropouts_s:
        recording = replace(recording, rcg=rcg)
    if recording.fs_hz == FS_HZ:
        return recording
    ecg = recording.ecg_mv
    return replace(
        recording,
        rcg=resample(recording.rcg.astype(np.float64), recording.fs_hz, FS_HZ),
        ecg_mv=None if ecg is None else resample(ecg.astype(np.float64), recording.fs_hz, FS_HZ),
        fs_hz=FS_HZ,
        notes={**recording.notes, "resampled_from_hz": f"{recording.fs_hz:g}"},
    )


def _without_channels(recording: Recording, rcg: FloatArray, keep: NDArray[np.bool_]) -> Recording:
    """Return `recording` with the channels `keep` of `rcg`, and a note of the others."""
    left_out = ", ".join(f"channel {i + 1}" for i in np.flatnonzero(~keep))
    return replace(
        recording,
        rcg=rcg[keep],
        positions_m=None if recording.positions_m is None else recording.positions_m[keep],
        notes={**recording.notes, "dropped_channels": f"{left_out} (NaN)"},
    )
