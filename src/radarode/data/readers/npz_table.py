"""NPZ tables: arrays named like the columns of a CSV table, (time,) or with time as one of two axes.

Beside those of `radarode.data.columns` the names `fs_hz` or `fs` (sampling rate), `r_peaks_s` (R peaks, same
clock as the time column) and `positions_m` (channel, 3) have a meaning. Pickled objects are never loaded.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.core.mat import numeric
from radarode.core.types import FloatArray, Recording
from radarode.data.columns import TIME_NAMES, columns_to_recording
from radarode.data.npz import SIGNATURE, array_names, load_arrays
from radarode.data.readers import ReadOptions

NAME = "NPZ table"
LAYOUT = "an .npz table holds only plain arrays"
SUFFIXES = (".npz",)
PRIORITY = 80

_RATES = ("fs_hz", "fs")
_EXTRAS = ("r_peaks_s", "positions_m")


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is a zip that holds only arrays."""
    return head.startswith(SIGNATURE) and bool(array_names(path))


def read(path: Path, options: ReadOptions) -> Recording:
    """Read a table.

    Raises:
        InputError: an array is pickled, no array fits, or the columns do not make a recording.
    """
    arrays = {name: numeric(value, f"{name} in {path}") for name, value in load_arrays(path).items()}
    rates = [arrays.pop(name) for name in _RATES if name in arrays]
    extras = {name: arrays.pop(name) for name in _EXTRAS if name in arrays}
    options = _with_rate(options, rates, path)
    return columns_to_recording(_columns(arrays, path), path, options, **extras)


def _with_rate(options: ReadOptions, rates: list[FloatArray], path: Path) -> ReadOptions:
    if not rates:
        return options
    if rates[0].size != 1:
        raise InputError(f"the sampling rate in {path} must be one number; got shape {rates[0].shape}.")
    fs_hz = float(rates[0].reshape(-1)[0])
    if options.fs_hz is not None and options.fs_hz != fs_hz:
        raise InputError(f"{path} is sampled at {fs_hz:g} Hz, not {options.fs_hz:g}. Leave --fs out.")
    return ReadOptions(fs_hz=fs_hz, motion=options.motion)


def _columns(arrays: dict[str, FloatArray], path: Path) -> dict[str, FloatArray]:
    """Return every array as (time,) columns; time is as long as the time or ECG array, else the longest axis."""
    known = [a.size for name, a in arrays.items() if name.lower() in TIME_NAMES or name.lower().startswith("ecg")]
    n_samples = known[0] if known else max((max(a.shape, default=0) for a in arrays.values()), default=0)
    columns: dict[str, FloatArray] = {}
    for name, array in arrays.items():
        values = np.squeeze(array)
        if values.ndim not in (1, 2) or n_samples not in values.shape:
            raise InputError(f"{name} in {path} has shape {array.shape}; one axis must be the {n_samples} samples.")
        channels = [values] if values.ndim == 1 else list(values.T if values.shape[0] == n_samples else values)
        columns |= {name if len(channels) == 1 else f"{name} {i + 1}": c for i, c in enumerate(channels)}
    return columns
