"""Jobs: score whole recordings with every single error, and show one recording under noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radarode.benchmark.frameworks.work import noise_entropy, reconstruct_settings, tested_recordings, trained
from radarode.benchmark.longterm.settings import CONDITIONS
from radarode.core.constants import FS_HZ
from radarode.core.types import Recording
from radarode.data.noise import noisy_recording
from radarode.metrics.delay import CALIBRATION_S

DIGITS = 2
"""Decimals that single errors are kept with, in ms and bpm."""


def score_recordings(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Score a training on the recordings of the persons that it left out.

    Args:
        payload: `framework`, `seed`, `fold`: the training; `reconstruct`: settings; `data` and `fs_hz` of given
            recordings.
        folder: of the job, two levels below the result folder.

    Returns:
        `recordings`: by name, `subject`, `status`, `scores` (column -> metric) and `errors` (column -> `peaks_ms`,
        `n_reference`, `heart_rate_bpm`).
    """
    from radarode.evaluation import evaluate, single_errors

    framework, settings = trained(folder, payload), reconstruct_settings(payload)
    found = {}
    for recording in tested_recordings(folder, payload):
        ecg = framework.reconstruct(recording, settings)
        errors = {
            column: {
                "peaks_ms": {wave: _rounded(values) for wave, values in single.peaks_ms.items()},
                "n_reference": dict(single.n_reference),
                "heart_rate_bpm": _rounded(single.heart_rate_bpm),
            }
            for column, single in single_errors(ecg, recording).items()
        }
        facts = {"subject": recording.subject, "status": recording.status}
        found[recording.name] = {**facts, "scores": evaluate(ecg, recording).columns(), "errors": errors}
    return {"recordings": found}


def show_example(payload: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Reconstruct one recording clean, under constant noise and under bursts, and keep a stretch of each.

    Args:
        payload: as of `score_recordings`, and `recording`: its name; `noise_seed`; `stretch_s`.
        folder: of the job, two levels below the result folder.

    Returns:
        `start_s` of the stretch; `reference_mv` at `fs_hz` and `reference_r_s`; `conditions`: by name, `ecg` (None in
        gaps), `r_s`, `delay_s`, `calibrated`; `bursts_s`: (burst, 2) of the abrupt noise within the stretch.
    """
    from radarode.metrics.columns import compare
    from radarode.signal.reference import reference_r_peaks

    framework, settings = trained(folder, payload), reconstruct_settings(payload)
    recording = next(one for one in tested_recordings(folder, payload) if one.name == payload["recording"])
    noisy = {
        name: noisy_recording(
            recording, noise, np.random.default_rng(noise_entropy(payload["noise_seed"], recording.name, name))
        )
        for name, _, noise in CONDITIONS
    }
    bursts = changed_s(recording, noisy[CONDITIONS[-1][0]])
    start_s = stretch_start_s(bursts, recording.duration_s, payload["stretch_s"])
    stop_s = start_s + payload["stretch_s"]
    reference_r_s = reference_r_peaks(recording)
    shown: dict[str, Any] = {}
    for name, one in noisy.items():
        ecg = compare(framework.reconstruct(one, settings), recording, reference_r_s).columns["calibrated"].ecg
        beats = ecg.beats.r_s
        shown[name] = {
            "ecg": _cut(np.asarray(ecg.ecg, dtype=np.float64), start_s, stop_s),
            "r_s": beats[(beats >= start_s) & (beats < stop_s)].tolist(),
            "delay_s": float(ecg.delay_s),
            "calibrated": bool(ecg.calibrated),
        }
    assert recording.ecg_mv is not None  # refused before
    inside = (reference_r_s >= start_s) & (reference_r_s < stop_s)
    return {
        "recording": recording.name,
        "fs_hz": FS_HZ,
        "start_s": start_s,
        "reference_mv": _cut(recording.ecg_mv.astype(np.float64), start_s, stop_s),
        "reference_r_s": reference_r_s[inside].tolist(),
        "bursts_s": bursts[(bursts[:, 1] > start_s) & (bursts[:, 0] < stop_s)].tolist(),
        "conditions": shown,
    }


def changed_s(clean: Recording, noisy: Recording) -> NDArray[np.float64]:
    """Return (stretch, 2) start and end of where two recordings differ; single equal samples do not interrupt it."""
    differs = np.flatnonzero((clean.rcg != noisy.rcg).any(axis=0) & np.isfinite(clean.rcg).any(axis=0))
    if len(differs) == 0:
        return np.empty((0, 2))
    breaks = np.flatnonzero(np.diff(differs) > 0.1 * clean.fs_hz)
    first = differs[np.concatenate([[0], breaks + 1])]
    last = differs[np.concatenate([breaks, [len(differs) - 1]])]
    return np.column_stack([first, last + 1]) / clean.fs_hz


def stretch_start_s(bursts_s: NDArray[np.float64], duration_s: float, stretch_s: float) -> float:
    """Return where the shown stretch begins: the burst nearest to the recording's middle stands in its middle.

    The 20 s that the delay is calibrated on are left out, where the recording is long enough.

    Args:
        bursts_s: (burst, 2) start and end.
        duration_s: length of the recording.
        stretch_s: length of the stretch.

    Example:
        >>> stretch_start_s(np.array([[4.0, 7.0], [31.0, 34.0], [50.0, 53.0]]), 60.0, 10.0)
        27.5
    """
    latest = max(duration_s - stretch_s, 0.0)
    middles = bursts_s.mean(axis=1)
    after = middles[middles > CALIBRATION_S]
    choice = after if len(after) else middles
    middle = duration_s / 2 if len(choice) == 0 else choice[np.abs(choice - duration_s / 2).argmin()]
    earliest = min(CALIBRATION_S, latest) if len(after) else 0.0
    return float(np.clip(middle - stretch_s / 2, earliest, latest))


def _cut(curve: NDArray[np.float64], start_s: float, stop_s: float) -> list[float | None]:
    part = curve[round(start_s * FS_HZ) : round(stop_s * FS_HZ)]
    return [round(float(value), 4) if np.isfinite(value) else None for value in part]


def _rounded(values: NDArray[np.floating]) -> list[float]:
    return np.round(values, DIGITS).tolist()
