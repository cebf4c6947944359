"""Named columns (from a CSV or an NPZ table) to a `Recording`: which column is time, ECG or motion.

time     `t` or `time_s`, seconds, not negative, increasing; missing rows become gaps
ECG      names that start with `ecg`; the suffix _uv or _v gives the unit, otherwise mV; the first one counts
ignored  `index`, `sample`, `frame` and columns without a name
motion   everything else
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.core.limits import check_bytes
from radarode.core.types import FloatArray, Recording
from radarode.data.clock import check_regular, fit_clock
from radarode.data.readers import ReadOptions
from radarode.data.to_rcg import RawRecording, check_duration, check_rate, to_recording

TIME_NAMES = ("t", "time_s")
IGNORED_NAMES = ("", "index", "sample", "frame")
_MV_PER_UNIT = {"_uv": 1e-3, "_v": 1e3}
_SAME_RATE = 0.01


def columns_to_recording(
    columns: Mapping[str, FloatArray],
    path: Path,
    options: ReadOptions,
    *,
    r_peaks_s: FloatArray | None = None,
    positions_m: FloatArray | None = None,
) -> Recording:
    """Turn equally long columns into a recording.

    Args:
        columns: name -> (time,) values, NaN where missing, in the order of the file.
        path: for messages and the trial's name.
        options: must give the kind of motion, and the rate unless there is a time column.
        r_peaks_s: annotated R peaks, or None to detect them in the ECG.
        positions_m: (channel, 3), or None.

    Raises:
        InputError: no motion column, no rate, no kind of motion, or time that runs backwards.
    """
    if options.motion is None:
        raise InputError(
            f"{path} does not say what its sensor measured. Add --motion displacement|velocity|acceleration."
        )
    time_name = next((name for name in columns if _is_time(name)), None)
    ignored = [name for name in columns if name.strip().lower() in IGNORED_NAMES]
    ecg_names = [name for name in columns if _is_ecg(name)]
    others = [name for name in columns if name not in (time_name, *ignored, *ecg_names)]
    if not others:
        raise InputError(f"{path} has no motion column (columns: {', '.join(columns)}); an ECG alone is not enough.")
    table = np.stack([np.asarray(columns[name], dtype=np.float64) for name in (*ecg_names[:1], *others)])
    fs_hz, start_s = options.fs_hz, 0.0
    if time_name is not None:
        fs_hz, table, start_s = _on_grid(np.asarray(columns[time_name], np.float64), table, path, fs_hz)
    if fs_hz is None:
        raise InputError(f"{path} states no sampling rate. Add --fs HZ, or a column time_s in seconds.")
    check_rate(fs_hz)
    notes = {"channels": ", ".join(others)}
    if ignored or ecg_names[1:]:
        notes["ignored_columns"] = ", ".join(name or "(no name)" for name in (*ignored, *ecg_names[1:]))
    return to_recording(
        RawRecording(
            motion=table[1:] if ecg_names else table,
            fs_hz=fs_hz,
            kind=options.motion,
            channel_names=others,
            ecg_mv=table[0] * _mv_per_unit(ecg_names[0]) if ecg_names else None,
            ecg_fs_hz=fs_hz,
            r_peaks_s=None if r_peaks_s is None else np.asarray(r_peaks_s, np.float64) - start_s,
            positions_m=positions_m,
            trial=path.stem,
            source="table",
            notes=notes,
        )
    )


def columns_to_ecg(columns: Mapping[str, FloatArray], path: Path, fs_hz: float | None) -> tuple[FloatArray, float]:
    """Return the first ECG column in mV, with NaN where rows are missing, and its rate; motion is not needed.

    Args:
        columns: as in `columns_to_recording`.
        path: for messages.
        fs_hz: rate; needed unless there is a time column.

    Raises:
        InputError: no ECG column, no rate, or time that runs backwards.
    """
    name = next((name for name in columns if _is_ecg(name)), None)
    if name is None:
        raise InputError(f"{path} has no column whose name starts with ecg (columns: {', '.join(columns)}).")
    ecg = np.asarray(columns[name], np.float64)[None] * _mv_per_unit(name)
    time_name = next((name for name in columns if _is_time(name)), None)
    if time_name is not None:
        fs_hz, ecg, _ = _on_grid(np.asarray(columns[time_name], np.float64), ecg, path, fs_hz)
    if fs_hz is None:
        raise InputError(f"{path} states no sampling rate. Add it, or a column time_s in seconds.")
    check_rate(fs_hz)
    return ecg[0], fs_hz


def _is_time(name: str) -> bool:
    return name.strip().lower() in TIME_NAMES


def _is_ecg(name: str) -> bool:
    return name.strip().lower().startswith("ecg")


def _mv_per_unit(name: str) -> float:
    return next((scale for end, scale in _MV_PER_UNIT.items() if name.strip().lower().endswith(end)), 1.0)


def _on_grid(
    time_s: FloatArray, table: FloatArray, path: Path, stated_hz: float | None
) -> tuple[float, FloatArray, float]:
    """Return the rate, the columns on a regular grid with NaN where rows are missing, and the start time.

    The rate is the time column's own (`radarode.data.clock`), on which annotated R peaks stand too; a stated
    one is only compared with it.
    """
    _check_times(time_s, path)
    what = f"the time column of {path}"
    clock = fit_clock(time_s, what)
    if stated_hz is not None and not abs(stated_hz - clock.fs_hz) <= _SAME_RATE * clock.fs_hz:
        raise InputError(f"{what} runs at {clock.fs_hz:.4g} Hz, not {stated_hz:g}. Leave --fs out.")
    check_bytes(math.ceil(clock.n_samples) * len(table) * 8, f"the time span of {path}")
    check_regular(clock, time_s, what)
    if clock.n_samples == len(time_s):
        return clock.fs_hz, table, clock.start_s
    grid = np.full((len(table), int(clock.n_samples)), np.nan)
    grid[:, clock.index] = table
    return clock.fs_hz, grid, clock.start_s


def _check_times(time_s: FloatArray, path: Path) -> None:
    if len(time_s) < 2:
        check_duration(0.0)
    if not np.isfinite(time_s).all():
        raise InputError(f"the time column of {path} has missing or infinite entries. Remove those rows.")
    if time_s[0] < 0:
        raise InputError(f"the time column of {path} starts at {time_s[0]:g} s; it must not be negative.")
    steps_s = np.diff(time_s)
    if (steps_s <= 0).any():
        row = int(np.argmax(steps_s <= 0)) + 2
        raise InputError(f"the time column of {path} does not increase at row {row}. Sort the rows by time.")
