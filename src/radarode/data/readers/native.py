"""The project's own HDF5 files (`docs/native-format.md`)."""

from __future__ import annotations

from pathlib import Path

from radarode.core.types import Recording
from radarode.data.hdf5 import SIGNATURE
from radarode.data.native import is_native, load_recording
from radarode.data.readers import ReadOptions
from radarode.data.to_rcg import at_200_hz

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
