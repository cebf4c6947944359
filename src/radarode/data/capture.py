"""Extracted motion to a `Recording`, and the line between those that carry an ECG and those that carry only rates."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.core.types import FS_LIMITS_HZ, Recording, Status
from radarode.data.to_rcg import RawRecording, to_recording
from radarode.radar.extracted import LEAST_ECG_HZ, Extracted
from radarode.signal.resample import resample

RATE_ONLY = "rate_only"
"""The note that marks a recording whose frame rate carries breathing and heart rate, but no ECG."""


def capture_to_recording(
    found: Extracted, *, subject: str = "unknown", trial: str = "1", status: Status = "unknown"
) -> Recording:
    """Bring extracted motion to a `Recording` of 200 Hz RCG; lost frames are gaps.

    Args:
        found: result of `radarode.radar.chain.extract_motion`.
        subject: who.
        trial: which recording of that person.
        status: one of the known statuses.

    Returns:
        The recording, its source "radar", or "simulated" where the capture is. Below 100 frames/s it carries the
        note `RATE_ONLY`, and `refuse_rate_only` refuses it.

    Raises:
        InputError: less than one window of motion.
    """
    fs_hz, motion_mm = found.fs_hz, 1000.0 * found.displacement_m
    if fs_hz < FS_LIMITS_HZ[0]:
        faster_hz = fs_hz * int(np.ceil(2 * FS_LIMITS_HZ[0] / fs_hz))
        fs_hz, motion_mm = faster_hz, resample(motion_mm, fs_hz, faster_hz)
    return to_recording(
        RawRecording(
            motion=motion_mm,
            fs_hz=fs_hz,
            kind="displacement",
            channel_names=[f"point {number + 1}" for number in range(len(motion_mm))],
            positions_m=found.positions_m,
            subject=subject,
            trial=trial,
            status=status,
            source="simulated" if found.simulated else "radar",
            notes=_notes(found),
        )
    )


def refuse_rate_only(recording: Recording, what: Path | str) -> None:
    """Raise `InputError` for a recording whose frame rate carries no ECG; the message gives its rates.

    Args:
        recording: any recording.
        what: its name, for the message.
    """
    reason = recording.notes.get(RATE_ONLY)
    if reason is not None:
        rates = recording.notes.get("rates", "too short for rates")
        raise InputError(
            f"{what} holds no ECG: {reason}. Its rates: {rates}. Record at {LEAST_ECG_HZ:g} frames/s or more."
        )


def _notes(found: Extracted) -> dict[str, str]:
    notes = dict(found.facts)
    if found.warnings:
        notes["warnings"] = "; ".join(found.warnings)
    if found.rates is not None:
        notes["rates"] = found.rates.line()
    if found.rate_only:
        notes[RATE_ONLY] = (
            f"{found.fs_hz:.4g} frames/s do not carry the heart's vibrations up to 25 Hz, so only rates are given"
        )
    return notes
