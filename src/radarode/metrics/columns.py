"""Bring a reconstruction to the three columns that are never mixed, with the beats that can be judged.

deployable   as reconstructed: no reference of any kind.
calibrated   minus one constant delay, measured on the first 20 s and then frozen.
oracle       minus one constant delay measured on the whole recording, as published evaluations do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.types import Beats, ReconstructedEcg, Recording
from radarode.metrics.beats import TOLERANCE_S, Matching, match_beats
from radarode.metrics.delay import CALIBRATION_S, calibrate, uncalibrate

FloatArray = NDArray[np.floating]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Hold what one column scores.

    Attributes:
        ecg: the reconstruction as this column has it, with all its beats.
        beats: those of its beats that can be judged.
        matching: `beats` against the reference beats of the comparison.
    """

    ecg: ReconstructedEcg
    beats: Beats
    matching: Matching


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Hold a reconstruction beside its reference.

    Attributes:
        known: (time,) whether the reference is known at each of the reconstruction's samples.
        reference_r_s: (beat,) the reference beats that can be judged, seconds.
        columns: "deployable", "calibrated" and "oracle".
    """

    known: BoolArray
    reference_r_s: FloatArray
    columns: Mapping[str, Column]


def compare(ecg: ReconstructedEcg, recording: Recording, reference_r_s: FloatArray) -> Comparison:
    """Build the three columns of one recording.

    Where the reference ECG is missing for 150 ms around, neither a reference beat (an annotation may go on in
    a gap of the ECG) nor a predicted one can be judged: both are left out, before delays are measured. A
    predicted beat that matches a reference beat is judged with it, wherever it stands.

    Args:
        ecg: reconstruction of `recording`; a delay removed from it earlier is put back first.
        recording: with a reference ECG or without (R peaks only: everything can be judged).
        reference_r_s: (beat,) its reference R peaks, seconds, increasing.
    """
    plain = uncalibrate(ecg)
    known = known_reference(recording, plain)
    reach = round(TOLERANCE_S * plain.fs_hz)
    near = np.convolve(known, np.ones(2 * reach + 1))[reach : reach + len(known)] > 0.5
    judged = _at(near, reference_r_s, plain.fs_hz)
    kept_r_s = reference_r_s[judged]
    moved = {
        "deployable": plain,
        "calibrated": calibrate(plain, kept_r_s, CALIBRATION_S),
        "oracle": calibrate(plain, kept_r_s, None),
    }
    columns = {}
    for name, one in moved.items():
        pairs = match_beats(one.beats.r_s, reference_r_s)
        keep = _at(near, one.beats.r_s, plain.fs_hz)
        keep[pairs.predicted] = judged[pairs.reference]
        beats = Beats(one.beats.r_s[keep], one.beats.length_s[keep], one.beats.quality[keep])
        columns[name] = Column(one, beats, match_beats(beats.r_s, kept_r_s))
    return Comparison(known, kept_r_s, columns)


def known_reference(recording: Recording, ecg: ReconstructedEcg) -> BoolArray:
    """Return (time,) whether the reference ECG is known at each sample of the reconstruction; all where it has none."""
    if recording.ecg_mv is None or not np.isfinite(recording.ecg_mv).any():
        return np.ones(len(ecg.ecg), dtype=bool)
    at = np.round(np.arange(len(ecg.ecg)) * (recording.fs_hz / ecg.fs_hz)).astype(np.intp)
    inside = at < len(recording.ecg_mv)
    return inside & np.isfinite(recording.ecg_mv[np.where(inside, at, 0)])


def _at(mask: BoolArray, times_s: FloatArray, fs_hz: float) -> BoolArray:
    if len(mask) == 0:
        return np.ones(len(times_s), dtype=bool)
    return mask[np.clip(np.round(times_s * fs_hz).astype(np.intp), 0, len(mask) - 1)]
