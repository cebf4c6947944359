"""NilsPod chest sensor, decoded to `.npz`: 3-axis acceleration, 3-axis rotation rate and ECG on one clock.

Acceleration becomes RCG without differentiation, but what the axes see of gravity changes with posture by many
times the heart's signal, so they are high-passed at 0.5 Hz, below the band that is used. The rotation rate of
the chest wall is a second view of the same motion: differentiated once, it gives three more channels.

The ECG is in undocumented units and late by about 40 to 60 ms (front-end filter); neither is corrected.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfiltfilt

from radarode.core.errors import InputError
from radarode.core.mat import numeric
from radarode.core.types import FloatArray, Recording
from radarode.data.npz import SIGNATURE, array_names, load_arrays
from radarode.data.readers import ReadOptions
from radarode.data.to_rcg import RawRecording, check_duration, check_rate, motion_to_rcg, to_recording
from radarode.signal.gaps import fill_gaps

NAME = "NilsPod"
LAYOUT = "a NilsPod .npz has fs, acc_ms2, gyro_dps and ecg_au"
SUFFIXES = (".npz",)
PRIORITY = 30

ECG_MV_PER_UNIT = 1 / 4000
"""Nominal: it makes the R peaks of both published recordings about 1 mV high."""

_FIELDS = ("fs", "acc_ms2", "gyro_dps", "ecg_au")
_HIGH_PASS_HZ = 0.5
_AXES = "xyz"


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is a zip of arrays with the sensor's names."""
    return head.startswith(SIGNATURE) and set(_FIELDS) <= set(array_names(path))


def read(path: Path, options: ReadOptions) -> Recording:
    """Read one recording: channels acc x, y, z and gyro x, y, z.

    Raises:
        InputError: a field has the wrong shape or type, or the file is damaged.
    """
    fields = {name: numeric(value, f"{name} in {path}") for name, value in load_arrays(path).items()}
    if fields["fs"].size != 1:
        raise InputError(f"fs in {path} must be one number; got shape {fields['fs'].shape}.")
    fs_hz = float(fields["fs"].reshape(-1)[0])
    check_rate(fs_hz)
    options.check_stated(fs_hz, "acceleration", path)
    ecg = fields["ecg_au"].reshape(-1)
    for name in ("acc_ms2", "gyro_dps"):
        if fields[name].shape != (len(ecg), 3):
            raise InputError(f"{name} in {path} must be ({len(ecg)}, 3); got shape {fields[name].shape}.")
    check_duration(len(ecg) / fs_hz)
    raw = RawRecording(
        motion=_high_pass(fields["acc_ms2"].T, fs_hz),
        fs_hz=fs_hz,
        kind="acceleration",
        channel_names=[f"acc {axis}" for axis in _AXES],
        ecg_mv=ecg * ECG_MV_PER_UNIT,
        ecg_fs_hz=fs_hz,
        subject=f"nilspod-{path.stem.removesuffix('_decoded')}",
        source="nilspod",
        notes={
            "channels": "acc x, y, z (high-passed at 0.5 Hz), then gyro x, y, z differentiated once",
            "delay": "the ECG is late by an unknown constant of about 40 to 60 ms",
            "ecg_scale": "nominal: 4000 units per mV assumed",
        },
    )
    return _with_rotation(to_recording(raw), fields["gyro_dps"].T, fs_hz)


def _with_rotation(recording: Recording, gyro_dps: FloatArray, fs_hz: float) -> Recording:
    """Return the recording with the usable axes of angular acceleration appended."""
    usable = [axis for axis in gyro_dps if np.isfinite(axis).any() and np.nanmax(axis) > np.nanmin(axis)]
    if not usable:
        return recording
    angular = motion_to_rcg(np.stack(usable), fs_hz, "velocity")[:, : recording.rcg.shape[1]]
    return replace(recording, rcg=np.concatenate([recording.rcg, angular]))


def _high_pass(acceleration: FloatArray, fs_hz: float) -> FloatArray:
    sos = butter(2, _HIGH_PASS_HZ, "highpass", fs=fs_hz, output="sos")
    filled, missing = fill_gaps(np.where(np.isfinite(acceleration), acceleration, np.nan))
    return np.where(missing, np.nan, sosfiltfilt(sos, filled, axis=-1))
