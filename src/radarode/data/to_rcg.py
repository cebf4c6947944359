"""The last step that every reader shares: raw motion of any kind and rate to a `Recording` of 200 Hz RCG.

    resample to 200 Hz (anti-aliased)  ->  differentiate (displacement twice, velocity once, acceleration not)

The order matters: differentiating at 200 Hz gives every source the frequency response of the published
MMECG chain (7-point low-noise differentiators on 200 Hz motion), whatever rate it was sampled at.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from radarode.core.constants import FS_HZ, WINDOW_S
from radarode.core.errors import InputError
from radarode.core.limits import check_bytes
from radarode.core.types import FS_LIMITS_HZ, FloatArray, Motion, Recording, Status
from radarode.signal.differentiate import first_derivative, second_derivative
from radarode.signal.gaps import find_gaps
from radarode.signal.peaks import detect_r_peaks
from radarode.signal.resample import resample

_MAX_CHANNELS = 4096
_LARGEST = 1e15
_BLOCK_NUMBERS = 2**24

DROPOUT_S = 0.5
"""A stretch at least this long without any change in any channel is a dropout."""


@dataclass(frozen=True, slots=True, eq=False)
class RawRecording:
    """Hold what a reader found in a file, before it is brought to 200 Hz RCG.

    Attributes:
        motion: (channel, time) signals of one kind; NaN marks gaps.
        fs_hz: their sampling rate on the clock of the ECG.
        kind: what they are.
        channel_names: (channel,) for messages and notes.
        ecg_mv: (time',) reference ECG, or None.
        ecg_fs_hz: its sampling rate.
        r_peaks_s: (beat,) annotated R peaks; None means that they are detected in the ECG.
        positions_m: (channel, 3) or None.
        subject, trial, status, source, notes: as in `Recording`.
    """

    motion: FloatArray
    fs_hz: float
    kind: Motion
    channel_names: Sequence[str]
    ecg_mv: FloatArray | None = None
    ecg_fs_hz: float = FS_HZ
    r_peaks_s: FloatArray | None = None
    positions_m: FloatArray | None = None
    subject: str = "unknown"
    trial: str = "1"
    status: Status = "unknown"
    source: str = "unknown"
    notes: Mapping[str, str] = field(default_factory=dict)


def to_recording(raw: RawRecording) -> Recording:
    """Bring what a reader found to a `Recording` at 200 Hz.

    Constant and all-NaN channels carry nothing and are left out, with a note. Motion and ECG are cut to their
    common length. R peaks are the annotated ones, or detected in the ECG at its own rate.

    Raises:
        InputError: the rate is absurd, no channel is usable, or less than one 4-s window is left.
    """
    motion, raw, notes = _usable_channels(raw)
    motion, dropouts_s = mark_dropouts(motion, raw.fs_hz)
    if dropouts_s:
        notes["dropouts"] = f"{dropouts_s:.2f} s without any change in any channel are treated as gaps"
    rcg = motion_to_rcg(motion, raw.fs_hz, raw.kind)
    ecg, peaks_s = _reference(raw)
    if raw.ecg_mv is not None and ecg is None:
        notes["dropped_ecg"] = "the ECG is constant or NaN"
    if ecg is not None:
        n = min(rcg.shape[1], len(ecg))
        rcg, ecg = rcg[:, :n], ecg[:n]
    check_duration(rcg.shape[1] / FS_HZ)
    if peaks_s is not None:
        peaks_s = peaks_s[(peaks_s >= 0) & (peaks_s < rcg.shape[1] / FS_HZ)]
    return Recording(
        rcg=rcg,
        fs_hz=FS_HZ,
        ecg_mv=ecg,
        r_peaks_s=peaks_s,
        positions_m=raw.positions_m,
        subject=raw.subject,
        trial=raw.trial,
        status=raw.status,
        source=raw.source,
        motion=raw.kind,
        notes=notes,
    )


def motion_to_rcg(motion: FloatArray, fs_hz: float, kind: Motion) -> FloatArray:
    """Resample chest motion to 200 Hz and differentiate it as often as its kind needs.

    The mean of each channel is removed first: it means nothing for an RCG, and an offset (gravity, a rest
    distance) would ring at the edges of the anti-alias filter.

    Args:
        motion: (channel, time), NaN in gaps.
        fs_hz: its sampling rate.
        kind: displacement, velocity or acceleration.

    Returns:
        (channel, time at 200 Hz) float64 in units of `motion` per second to the number of derivatives.
    """
    check_rate(fs_hz)
    check_bytes(math.ceil(motion.size * FS_HZ / fs_hz) * 8, "the motion at 200 Hz")
    per_block = max(1, _BLOCK_NUMBERS // max(1, motion.shape[1]))
    starts = range(0, len(motion), per_block)
    blocks = [_block_to_rcg(motion[start : start + per_block], fs_hz, kind) for start in starts]
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks)


def _block_to_rcg(motion: FloatArray, fs_hz: float, kind: Motion) -> FloatArray:
    """Do `motion_to_rcg` for some channels at once; blocks keep the memory at work small."""
    centred = np.where(np.isfinite(motion), motion, np.nan).astype(np.float64, copy=False)
    centred -= np.nanmean(centred, axis=-1, keepdims=True)
    rcg = centred if fs_hz == FS_HZ else resample(centred, fs_hz, FS_HZ)
    if kind == "displacement":
        return second_derivative(rcg, FS_HZ)
    if kind == "velocity":
        return first_derivative(rcg, FS_HZ)
    return rcg


def mark_dropouts(motion: FloatArray, fs_hz: float) -> tuple[FloatArray, float]:
    """Turn stretches in which the sensor stood still into gaps.

    A real sensor is never exactly constant in all channels for half a second; one that lost its signal and
    repeats the last value, or writes zeros, is.

    Args:
        motion: (channel, time).
        fs_hz: its sampling rate.

    Returns:
        (channel, time) with NaN in those stretches (`motion` itself when there are none), and their total
        length in seconds.

    Example:
        >>> still = np.concatenate([np.arange(9.0), np.zeros(6), np.arange(5.0)])[None]
        >>> marked, lost_s = mark_dropouts(still, fs_hz=10.0)
        >>> int(np.isnan(marked).sum()), lost_s
        (7, 0.7)
    """
    same = (motion[:, 1:] == motion[:, :-1]).all(axis=0)
    runs = find_gaps(np.concatenate([same, [False]]))
    long = runs[runs[:, 1] - runs[:, 0] + 1 >= DROPOUT_S * fs_hz]
    if not len(long) or same.all():
        return motion, 0.0
    marked = np.array(motion, dtype=np.result_type(motion.dtype, np.float32))
    for start, stop in long:
        marked[:, start : stop + 1] = np.nan
    return marked, float((long[:, 1] - long[:, 0] + 1).sum() / fs_hz)


def check_rate(fs_hz: float) -> None:
    """Raise `InputError` unless `fs_hz` is a plausible sampling rate."""
    low, high = FS_LIMITS_HZ
    if not (math.isfinite(fs_hz) and low <= fs_hz <= high):
        raise InputError.of("fs_hz", f"between {low:g} and {high:g} Hz", f"{fs_hz:g}", "Give the rate in Hz")


def check_duration(duration_s: float) -> None:
    """Raise `InputError` when less than one window is there."""
    if duration_s < WINDOW_S:
        raise InputError(
            f"the recording lasts {duration_s:.2f} s; at least one window of {WINDOW_S:g} s is needed. "
            "Record longer, or check the sampling rate."
        )


def _usable_channels(raw: RawRecording) -> tuple[FloatArray, RawRecording, dict[str, str]]:
    motion = np.asarray(raw.motion)
    if motion.ndim != 2 or 0 in motion.shape:
        raise InputError.of("motion", "a non-empty array (channel, time)", f"shape {motion.shape}")
    if motion.shape[0] > _MAX_CHANNELS:
        raise InputError.of("motion", f"at most {_MAX_CHANNELS} channels", f"{motion.shape[0]}")
    if raw.positions_m is not None and np.shape(raw.positions_m) != (len(motion), 3):
        raise InputError.of("positions_m", f"of shape ({len(motion)}, 3)", f"shape {np.shape(raw.positions_m)}")
    for name in ("motion", "ecg_mv", "positions_m"):
        _check_magnitude(name, getattr(raw, name))
    check_duration(motion.shape[1] / raw.fs_hz if raw.fs_hz > 0 else 0.0)
    usable = np.array([_varies(channel) for channel in motion])
    notes = dict(raw.notes)
    dropped = [name for name, keep in zip(raw.channel_names, usable, strict=True) if not keep]
    if not usable.any():
        raise InputError(f"every motion channel ({', '.join(dropped[:8])}) is constant or NaN; nothing to use.")
    if dropped:
        notes["dropped_channels"] = f"{', '.join(dropped)} (constant or NaN)"
    positions = None if raw.positions_m is None else np.asarray(raw.positions_m)[usable]
    motion = motion if usable.all() else motion[usable]
    return motion, replace(raw, positions_m=positions), notes


def _varies(signal: FloatArray) -> bool:
    known = signal[np.isfinite(signal)]
    return len(known) > 0 and bool(known.max() > known.min())


def _check_magnitude(name: str, values: FloatArray | None) -> None:
    """Refuse finite numbers so large that they overflow when they are differentiated."""
    rows = () if values is None else np.atleast_2d(values)
    if any(bool(((np.abs(row) > _LARGEST) & np.isfinite(row)).any()) for row in rows):
        raise InputError.of(name, f"smaller than {_LARGEST:g}", "larger numbers", "The file is damaged")


def _reference(raw: RawRecording) -> tuple[FloatArray | None, FloatArray | None]:
    if raw.ecg_mv is None:
        return None, raw.r_peaks_s
    check_rate(raw.ecg_fs_hz)
    ecg = np.asarray(raw.ecg_mv, dtype=np.float64).reshape(-1)
    ecg = np.where(np.isfinite(ecg), ecg, np.nan)
    if not np.isfinite(ecg).any() or np.nanmax(ecg) <= np.nanmin(ecg):
        return None, raw.r_peaks_s
    peaks_s = detect_r_peaks(ecg, raw.ecg_fs_hz) if raw.r_peaks_s is None else raw.r_peaks_s
    return resample(ecg, raw.ecg_fs_hz, FS_HZ), np.asarray(peaks_s, dtype=np.float64)
