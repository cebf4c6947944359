"""The native file: one `Recording` in HDF5, written atomically and read with size caps.

The layout is described in `docs/native-format.md`. Version 1:

    attributes   format = "radarode-recording", version = 1, fs_hz, subject, trial, status, source, motion,
                 notes (a JSON object of strings)
    /rcg         (channel, time) float32, chunked, shuffle + gzip; NaN marks gaps
    /ecg_mv      (time,) float32, optional
    /r_peaks_s   (beat,) float64, optional
    /positions_m (channel, 3) float32, optional
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np

from radarode.core.errors import InputError
from radarode.core.files import atomic_path
from radarode.core.hdf5 import members, open_hdf5, read_array, read_attribute
from radarode.core.limits import MAX_BYTES
from radarode.core.types import Motion, Recording, Status

FORMAT = "radarode-recording"
VERSION = 1
SUFFIX = ".h5"

_TEXTS = ("subject", "trial", "status", "source", "motion")
_OPTIONAL = ("ecg_mv", "r_peaks_s", "positions_m")
_CHUNK_SAMPLES = 16384


def save_recording(path: Path | str, recording: Recording) -> None:
    """Write `recording` to `path`; a crash leaves the old file or none, never half of one.

    Args:
        path: file to create or replace; its folder must exist.
        recording: what to store; nothing is resampled or scaled.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["version"] = VERSION
        file.attrs["fs_hz"] = recording.fs_hz
        for name in _TEXTS:
            file.attrs[name] = getattr(recording, name)
        file.attrs["notes"] = json.dumps(dict(recording.notes), ensure_ascii=False)
        _write(file, "rcg", recording.rcg)
        for name in _OPTIONAL:
            if getattr(recording, name) is not None:
                _write(file, name, getattr(recording, name))


def load_recording(path: Path | str, *, max_bytes: int = MAX_BYTES) -> Recording:
    """Read what `save_recording` wrote, unchanged.

    Args:
        path: the file.
        max_bytes: largest decoded size of any of its arrays; checked before anything is allocated.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is not a native file, holds something unexpected, claims too much, or is damaged.
    """
    with open_hdf5(path) as file:
        _check_format(file, path)
        arrays: dict[str, Any] = {"rcg": read_array(file, "rcg", max_bytes=max_bytes)}
        present = set(members(file))
        for name in _OPTIONAL:
            if name in present:
                arrays[name] = read_array(file, name, max_bytes=max_bytes)
        texts = {name: str(_required(file, name, path)) for name in _TEXTS}
        fs_hz = _number(_required(file, "fs_hz", path), path)
        notes = _notes(read_attribute(file, "notes"), path)
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and `Recording` refuses that
        return Recording(
            fs_hz=fs_hz,
            subject=texts["subject"],
            trial=texts["trial"],
            status=cast(Status, texts["status"]),
            source=texts["source"],
            motion=cast(Motion, texts["motion"]),
            notes=notes,
            **arrays,
        )


def is_native(path: Path | str) -> bool:
    """Tell whether an HDF5 file says that it is a native recording; its contents are not looked at."""
    with open_hdf5(path) as file:
        return read_attribute(file, "format") == FORMAT


def _write(file: h5py.File, name: str, values: np.ndarray) -> None:
    if values.size == 0:
        file.create_dataset(name, data=values)
        return
    chunks = (*(1,) * (values.ndim - 1), min(values.shape[-1], _CHUNK_SAMPLES))
    chunks = values.shape if name == "positions_m" else chunks
    file.create_dataset(name, data=values, chunks=chunks, shuffle=True, compression="gzip", compression_opts=4)


def _check_format(file: h5py.File, path: Path | str) -> None:
    if read_attribute(file, "format") != FORMAT:
        raise InputError(f"{path} is HDF5, but not a radarode recording: the attribute format is not {FORMAT!r}.")
    version = read_attribute(file, "version")
    if version != VERSION:
        raise InputError(f"{path} has layout version {version!r}; this program reads {VERSION}. Update radarode.")


def _required(file: h5py.File, name: str, path: Path | str) -> str | float:
    value = read_attribute(file, name)
    if value is None:
        raise InputError(f"{path} lacks the attribute {name}; it is not a complete radarode recording.")
    return value


def _number(value: str | float, path: Path | str) -> float:
    if isinstance(value, str):
        raise InputError(f"the attribute fs_hz of {path} must be a number; got {value!r}.")
    return float(value)


def _notes(text: object, path: Path | str) -> dict[str, str]:
    try:
        notes = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError) as error:
        raise InputError(f"the notes of {path} are not JSON; the file is damaged.") from error
    if not isinstance(notes, dict):
        raise InputError(f"the notes of {path} must be a JSON object; got {type(notes).__name__}.")
    return notes
