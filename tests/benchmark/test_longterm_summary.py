"""From single recordings to the tables of long-term recovery, and single errors to distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radarode.benchmark.longterm.summary import (
    MAIN,
    TABLE,
    errors_of,
    groups_of,
    median_recording,
    per_recording,
    rows_by,
    rows_of,
    unranked,
)
from radarode.core.types import COLUMNS, Beats, ReconstructedEcg, Recording
from radarode.evaluation import evaluate, single_errors

TITLES = {"radarode-mtl": "radarODE-MTL", "classical": "classical"}


def one(pcc: float | None, subject: str, status: str, r_ms: list[float]) -> dict[str, Any]:
    scores = {"pcc": pcc, "mdr": 0.1, "r_timing_ms": float(np.median(r_ms))}
    errors = {"peaks_ms": {"r": r_ms}, "n_reference": {"r": 4, "rate": 3}, "heart_rate_bpm": [0.5, 1.5]}
    return {
        "subject": subject,
        "status": status,
        "scores": dict.fromkeys(COLUMNS, scores),
        "errors": dict.fromkeys(COLUMNS, errors),
    }


CASES = {
    ("radarode-mtl", 1): {"a-1": one(0.9, "a", "NB", [1.0]), "a-2": one(0.7, "a", "SP", [5.0, 3.0]),
                          "b-1": one(0.8, "b", "NB", [2.0])},
    ("radarode-mtl", 2): {"a-1": one(0.5, "a", "NB", [1.0]), "a-2": one(None, "a", "SP", [1.0]),
                          "b-1": one(0.6, "b", "NB", [2.0])},
    ("classical", 0): {"a-1": one(0.4, "a", "NB", [9.0])},
}  # fmt: skip


def test_a_row_is_the_mean_over_trainings_of_medians_over_recordings() -> None:
    rows = rows_of(CASES, TITLES, MAIN)
    mean, error = rows[0]["pcc"]
    assert mean == pytest.approx((80.0 + 55.0) / 2)
    assert error == pytest.approx(25.0 / np.sqrt(2))
    assert rows[1]["pcc"] == pytest.approx(40.0)
    assert rows[1]["f1"] is None
    assert {column.key for column in TABLE} <= set(rows[0])


def test_rows_by_status_and_subject_say_over_how_many_recordings() -> None:
    assert groups_of(CASES, "status") == ["NB", "SP"]
    by_status = rows_by(CASES, TITLES, MAIN, "status")
    assert [row["group"] for row in by_status[::2]] == ["Normal breathing (2 recordings)", "Sleep (1 recording)"]
    assert by_status[0]["pcc"][0] == pytest.approx((85.0 + 55.0) / 2)
    assert by_status[2]["pcc"] is None  # undefined in one of the trainings
    by_subject = rows_by(CASES, TITLES, MAIN, "subject")
    assert [row["key"] for row in by_subject][:2] == ["a, radarODE-MTL", "a, classical"]
    assert not any(column.ranked for column in unranked(TABLE))


def test_the_example_is_the_median_of_one_training() -> None:
    assert median_recording(CASES, "radarode-mtl", 1) == "b-1"
    assert median_recording(CASES, "radarode-mtl", 2) == "a-1"
    assert median_recording(CASES, "mmecg", 1) is None
    assert per_recording(CASES, "radarode-mtl", MAIN, "pcc") == [0.9, 0.7, 0.8, 0.5, 0.6]


def test_single_errors_are_put_together_with_what_they_are_a_share_of() -> None:
    errors = errors_of(CASES, "radarode-mtl", MAIN, "r")
    assert errors.values.tolist() == [1.0, 1.0, 1.0, 2.0, 2.0, 3.0, 5.0]
    assert errors.total == 6 * 4
    rates = errors_of(CASES, "classical", MAIN, "rate")
    assert (rates.values.tolist(), rates.total) == ([0.5, 1.5], 3)


def test_scores_are_the_medians_of_the_single_errors() -> None:
    rng = np.random.default_rng(5)
    r_s = np.cumsum(0.8 + 0.1 * rng.random(40))
    time_s = np.arange(round(200 * (r_s[-1] + 1))) / 200.0
    bumps = ((0.0, 1.0, 0.01), (-0.04, -0.2, 0.01), (0.04, -0.3, 0.01), (0.25, 0.3, 0.04))
    curve = sum(
        height * np.exp(-0.5 * ((time_s[:, None] - r_s - offset) / width) ** 2).sum(axis=1)
        for offset, height, width in bumps
    )
    recording = Recording(np.ones((1, len(curve))), 200.0, ecg_mv=np.asarray(curve), r_peaks_s=r_s)
    found_s = r_s[1:] + 0.02 * rng.standard_normal(len(r_s) - 1)
    beats = Beats(found_s, np.full(len(found_s), 0.85), np.ones(len(found_s)))
    ecg = ReconstructedEcg(np.asarray(curve), 200.0, beats)
    scores, errors = evaluate(ecg, recording), single_errors(ecg, recording)
    for column in COLUMNS:
        single, whole = errors[column], getattr(scores, column)
        assert np.median(single.peaks_ms["r"]) == whole["r_timing_ms"] > 0
        for wave in "qst":
            assert np.median(single.peaks_ms[wave]) == whole[f"{wave}_error_ms"]
            assert single.n_reference[wave] >= len(single.peaks_ms[wave]) > 30
        assert len(single.peaks_ms["r"]) == len(found_s)
        assert single.n_reference["r"] == len(r_s)
        assert np.median(single.heart_rate_bpm) == whole["hr_error_bpm"]
        assert single.n_reference["rate"] >= len(single.heart_rate_bpm)
