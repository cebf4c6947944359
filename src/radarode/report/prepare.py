"""Bring a case to what the figures show: curves on one time axis and beats matched, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.types import ReconstructedEcg, Recording, Scores
from radarode.metrics.columns import Column, compare
from radarode.signal.reference import reference_r_peaks

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class ReportCase:
    """Hold one evaluated recording.

    Attributes:
        recording: with its reference.
        ecg: its reconstruction.
        scores: result of `radarode.evaluation.evaluate` on the two.
    """

    recording: Recording
    ecg: ReconstructedEcg
    scores: Scores


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Hold one case with its beats matched in every column, exactly those that its scores are of.

    Attributes:
        case: the case.
        reference_r_s: (beat,) reference R peaks that can be judged, seconds.
        columns: "deployable", "calibrated" and "oracle".
    """

    case: ReportCase
    reference_r_s: FloatArray
    columns: Mapping[str, Column]

    @property
    def name(self) -> str:
        """Name of the recording."""
        return self.case.recording.name


def prepare(case: ReportCase) -> Prepared:
    """Move the reconstruction as each column does and match its beats.

    Raises:
        InputError: the recording has no reference.
    """
    comparison = compare(case.ecg, case.recording, reference_r_peaks(case.recording))
    return Prepared(case, comparison.reference_r_s, comparison.columns)


def origin(cases: Sequence[Prepared]) -> str:
    """Return what a title must add where the recordings, or some of them, are simulated."""
    n = sum(one.case.recording.simulated for one in cases)
    return "" if n == 0 else " (simulated)" if n == len(cases) else " (partly simulated)"


def safe_name(name: str) -> str:
    """Return a name that is fit for a file and an HTML id."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in name) or "recording"


def stretch(values: FloatArray, fs_hz: float, start_s: float, stop_s: float) -> tuple[FloatArray, FloatArray]:
    """Return the times (in seconds of the recording) and samples of a part of a curve."""
    first, last = max(round(start_s * fs_hz), 0), min(round(stop_s * fs_hz), len(values))
    return np.arange(first, last) / fs_hz, np.asarray(values[first:last], dtype=np.float64)


def at_times(times_s: FloatArray, values: FloatArray, at_s: FloatArray) -> FloatArray:
    """Return the largest value within 30 ms of each time, NaN in gaps: where an R mark belongs on a curve."""
    if len(times_s) == 0:
        return np.full(len(at_s), np.nan)
    heights = []
    for t in at_s:
        near = values[(times_s >= t - 0.03) & (times_s <= t + 0.03)]
        heights.append(np.nanmax(near) if np.isfinite(near).any() else np.nan)
    return np.array(heights, dtype=np.float64)


def robust_unit(values: FloatArray) -> FloatArray:
    """Scale a curve for display so that its 0.2 and 99.8 % quantiles lie at 0 and 1."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return values
    low, high = np.quantile(known, [0.002, 0.998])
    return (values - low) / max(high - low, 1e-9)
