"""Laser-speckle camera recordings: mean optical flow of two laser spots on the chest, with ECG, MATLAB v5.

Dxyr and Dxyg are syntheses of the x and y flow of the red and green spot by the data's authors; all six
signals become channels. Flow per frame is proportional to the velocity of the surface.

The camera's clock and the ECG's differ. Matching beats in both published files gives
`t_ecg = a + (1 + b) t_camera` with b = -0.00148, so a nominal 250 frames/s are 250.371 on the ECG's clock. The
constant `a` differs from file to file and is not known; it is left at 0, with a note.

Reference: Liu et al., IEEE JBHI 2025, "Camera-Based Dual-Wavelength Defocused Speckle Imaging for Multi-Point
    Seismocardiographic Motion Measurement". The clock correction is this project's own fit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.core.mat import is_mat5, load_variables, numeric, variables
from radarode.core.types import Recording
from radarode.data.readers import ReadOptions
from radarode.data.to_rcg import RawRecording, to_recording

NAME = "laser-speckle camera"
LAYOUT = "a camera .mat has ECG and Drx, Dry, Dgx, Dgy, Dxyr or Dxyg"
SUFFIXES = (".mat",)
PRIORITY = 20

CHANNELS = ("Drx", "Dry", "Dgx", "Dgy", "Dxyr", "Dxyg")
FRAME_RATE_HZ = 250.371
ECG_FS_HZ = 500.0
ECG_MV_PER_COUNT = 1e-3
"""Not documented by the authors. One microvolt per count makes the R peaks of both files 1 to 2 mV high."""


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the file is MATLAB v5 with an ECG and at least one of the flow signals."""
    if not is_mat5(head):
        return False
    names = variables(path).keys()
    return "ECG" in names and any(name in names for name in CHANNELS)


def read(path: Path, options: ReadOptions) -> Recording:
    """Read one session, with the motion on the ECG's clock.

    Raises:
        InputError: the signals differ in length or are not numbers, or the file is damaged.
    """
    options.check_stated(FRAME_RATE_HZ, "velocity", path)
    found = load_variables(path, ("ECG", *CHANNELS))
    names = [name for name in CHANNELS if name in found]
    signals = [numeric(found[name], f"{name} in {path}").reshape(-1) for name in names]
    if len({len(signal) for signal in signals}) != 1:
        raise InputError(f"the flow signals of {path} differ in length; they must be of one recording.")
    subject, trial = _who(path)
    return to_recording(
        RawRecording(
            motion=np.stack(signals),
            fs_hz=FRAME_RATE_HZ,
            kind="velocity",
            channel_names=names,
            ecg_mv=numeric(found["ECG"], f"ECG in {path}").reshape(-1) * ECG_MV_PER_COUNT,
            ecg_fs_hz=ECG_FS_HZ,
            subject=subject,
            trial=trial,
            source="camera",
            notes={
                "channels": ", ".join(names),
                "clock": "camera frames at 250.371 Hz on the ECG's clock (nominal 250)",
                "delay": "a constant delay between motion and ECG is unknown",
                "ecg_scale": "nominal: 1 microvolt per count assumed",
            },
        )
    )


def _who(path: Path) -> tuple[str, str]:
    """Return subject and trial of a name like 1-2.mat."""
    subject, dash, trial = path.stem.partition("-")
    return (f"camera-{subject}", trial) if dash and subject and trial else (f"camera-{path.stem}", "1")
