"""Score a reconstruction against the reference of its recording, in three columns that are never mixed.

    deployable   as reconstructed: no reference of any kind.
    calibrated   minus one constant delay, measured on the first 20 s and then frozen.
    oracle       minus one constant delay measured on the whole recording, as published evaluations do.

Beats and samples where the reference ECG is missing are not scored, on either side; a reference beat in a gap of
the reconstruction counts as missed. The first 20 s are scored in every column, so in a recording shorter than 60 s
the calibrated column is close to the oracle. Where no beat of the first 20 s is near a reference beat there is no
calibration, and the calibrated column is the deployable one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from radarode.core.types import ReconstructedEcg, Recording, Scores
from radarode.metrics.beats import detection_scores
from radarode.metrics.columns import Column, Comparison, compare
from radarode.metrics.delay import shift
from radarode.metrics.delineate import WAVES, delineate, wave_differences_ms, wave_errors_ms
from radarode.metrics.shape import cycle_scores, cycle_spans, longterm_scores, nanmedian
from radarode.metrics.summary import FAILED_PCC, METRICS, Summary, as_json, summarise
from radarode.metrics.timing import (
    heart_rate_differences_bpm,
    heart_rate_error_bpm,
    heart_rates_bpm,
    ppi_error_ms,
    r_differences_s,
    r_timing_error_ms,
)
from radarode.signal.reference import reference_r_peaks
from radarode.signal.resample import resample

__all__ = [
    "FAILED_PCC",
    "METRICS",
    "SingleErrors",
    "Summary",
    "as_json",
    "evaluate",
    "shift",
    "single_errors",
    "summarise",
]

FloatArray = NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class SingleErrors:
    """Hold the single errors of a recording whose medians are its scores, in one column.

    Attributes:
        peaks_ms: `r`, `q`, `s`, `t`: (pair,) absolute errors of the matched beats that have that wave on both sides.
        n_reference: how many reference beats have that wave, and under `rate` how many windows a reference rate: what
            the errors are a share of.
        heart_rate_bpm: (window,) absolute errors of the rate in 10-s windows.
    """

    peaks_ms: Mapping[str, FloatArray]
    n_reference: Mapping[str, int]
    heart_rate_bpm: FloatArray


def evaluate(ecg: ReconstructedEcg, recording: Recording) -> Scores:
    """Compute every metric for one recording.

    Args:
        ecg: reconstruction of `recording`; a delay removed from it earlier is put back first.
        recording: the same recording, with a reference ECG, reference R peaks, or both.

    Returns:
        Three columns with the keys `METRICS`; NaN where a metric is undefined (shapes without an ECG).

    Raises:
        InputError: the recording has no reference.
    """
    comparison = compare(ecg, recording, reference_r_peaks(recording))
    reference_mv = _reference_curve(recording, ecg)
    return Scores(**{name: _score(one, comparison, reference_mv) for name, one in comparison.columns.items()})


def single_errors(ecg: ReconstructedEcg, recording: Recording) -> dict[str, SingleErrors]:
    """Return the errors of every beat and of every 10-s window, for distributions.

    Args:
        ecg: reconstruction of `recording`; a delay removed from it earlier is put back first.
        recording: the same recording, with a reference; without an ECG there are R peaks only.

    Returns:
        "deployable", "calibrated" and "oracle".
    """
    comparison = compare(ecg, recording, reference_r_peaks(recording))
    reference_mv = _reference_curve(recording, ecg)
    return {name: _single(one, comparison, reference_mv) for name, one in comparison.columns.items()}


def _single(column: Column, comparison: Comparison, reference_mv: FloatArray | None) -> SingleErrors:
    r_s, reference_r_s, fs_hz = column.beats.r_s, comparison.reference_r_s, column.ecg.fs_hz
    peaks = {"r": 1000.0 * np.abs(r_differences_s(r_s, reference_r_s, column.matching))}
    rates = heart_rates_bpm(reference_r_s, column.ecg.duration_s)
    counts = {"r": len(reference_r_s), "rate": int(np.isfinite(rates).sum())}
    if reference_mv is not None:
        theirs = delineate(reference_mv, reference_r_s, fs_hz)
        differences = wave_differences_ms(delineate(column.ecg.ecg, r_s, fs_hz), theirs, column.matching)
        peaks |= {wave: np.abs(values[np.isfinite(values)]) for wave, values in differences.items()}
        counts |= {wave: int(np.isfinite(theirs[wave]).sum()) for wave in WAVES}
    differences_bpm = heart_rate_differences_bpm(r_s, reference_r_s, column.ecg.duration_s)
    return SingleErrors(peaks, counts, np.abs(differences_bpm))


def _reference_curve(recording: Recording, ecg: ReconstructedEcg) -> FloatArray | None:
    """Return the reference ECG on the reconstruction's samples, NaN where it is missing."""
    if recording.ecg_mv is None:
        return None
    reference = recording.ecg_mv.astype(np.float64)
    if recording.fs_hz != ecg.fs_hz:
        reference = np.asarray(resample(reference, recording.fs_hz, ecg.fs_hz), dtype=np.float64)
    curve = np.full(len(ecg.ecg), np.nan)
    shared = min(len(curve), len(reference))
    curve[:shared] = reference[:shared]
    return curve


def _score(column: Column, comparison: Comparison, reference_mv: FloatArray | None) -> dict[str, float]:
    ecg, r_s, matching = column.ecg, column.beats.r_s, column.matching
    known, reference_r_s = comparison.known, comparison.reference_r_s
    scores = {
        **detection_scores(matching),
        "ppi_error_ms": ppi_error_ms(r_s, reference_r_s, matching),
        "r_timing_ms": r_timing_error_ms(r_s, reference_r_s, matching),
        "hr_error_bpm": heart_rate_error_bpm(r_s, reference_r_s, ecg.duration_s),
        "coverage": float(np.isfinite(ecg.ecg[known]).mean()) if known.any() else math.nan,
        "n_beats": float(len(r_s)),
    }
    if reference_mv is not None:
        spans = cycle_spans(reference_r_s, ecg.fs_hz, len(reference_mv))
        pcc, rmse_mv = cycle_scores(ecg.ecg, reference_mv, spans)
        scores["pcc"], scores["rmse_mv"] = nanmedian(pcc), nanmedian(rmse_mv)
        scores["pcc_longterm"], scores["rmse_longterm_mv"] = longterm_scores(ecg.ecg, reference_mv)
        waves = delineate(ecg.ecg, r_s, ecg.fs_hz), delineate(reference_mv, reference_r_s, ecg.fs_hz)
        scores.update(wave_errors_ms(*waves, matching))
    return {name: float(scores.get(name, math.nan)) for name in METRICS}
