"""Edge cases that every metric must survive in the same way."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from radarode.metrics.beats import detection_scores, match_beats
from radarode.metrics.delineate import delineate, wave_errors_ms
from radarode.metrics.shape import cycle_scores, cycle_spans, longterm_scores, nanmedian
from radarode.metrics.timing import heart_rate_error_bpm, ppi_error_ms, r_timing_error_ms

FS_HZ = 200.0
DURATION_S = 30.0
RATES = ("precision", "recall", "f1", "pcc", "pcc_longterm")


def curve(r_s: np.ndarray, seed: int = 0) -> np.ndarray:
    t = np.arange(round(DURATION_S * FS_HZ)) / FS_HZ
    waves = ((1.0, 0.0, 0.012), (-0.2, -0.035, 0.01), (-0.25, 0.035, 0.01), (0.3, 0.25, 0.04))
    noise = np.random.default_rng(seed).normal(0, 1e-3, len(t))
    return noise + sum(a * np.exp(-(((t - r - d) / b) ** 2) / 2) for r in r_s for a, d, b in waves)


def all_metrics(predicted: np.ndarray, p_r: np.ndarray, reference: np.ndarray, r_r: np.ndarray) -> dict[str, float]:
    m = match_beats(p_r, r_r)
    pcc, rmse = cycle_scores(predicted, reference, cycle_spans(r_r, FS_HZ, len(reference)))
    longterm = longterm_scores(predicted, reference)
    return {
        **detection_scores(m),
        "ppi_error_ms": ppi_error_ms(p_r, r_r, m),
        "r_timing_ms": r_timing_error_ms(p_r, r_r, m),
        "hr_error_bpm": heart_rate_error_bpm(p_r, r_r, DURATION_S),
        "pcc": nanmedian(pcc),
        "rmse_mv": nanmedian(rmse),
        "pcc_longterm": longterm[0],
        "rmse_longterm_mv": longterm[1],
        **wave_errors_ms(delineate(predicted, p_r, FS_HZ), delineate(reference, r_r, FS_HZ), m),
    }


@pytest.fixture
def r_s() -> np.ndarray:
    return np.cumsum(np.random.default_rng(1).normal(0.85, 0.04, 33)) + 0.4


def test_a_perfect_prediction_is_exactly_perfect(r_s: np.ndarray) -> None:
    ecg = curve(r_s)
    scores = all_metrics(ecg, r_s, ecg, r_s)
    for name, value in scores.items():
        assert value == pytest.approx(1.0 if name in RATES else 0.0, abs=1e-12), name
    assert scores["f1"] == 1.0
    assert scores["ppi_error_ms"] == 0.0 == scores["r_timing_ms"] == scores["hr_error_bpm"]


def test_the_unit_of_the_prediction_does_not_matter(r_s: np.ndarray) -> None:
    ecg = curve(r_s)
    scores = all_metrics(0.003 * ecg - 7.0, r_s, ecg, r_s)
    assert scores["rmse_mv"] == pytest.approx(0.0, abs=1e-9)
    assert scores["pcc_longterm"] == pytest.approx(1.0)


def test_an_empty_prediction_finds_nothing_and_has_no_errors_to_show(r_s: np.ndarray) -> None:
    ecg = curve(r_s)
    scores = all_metrics(np.full_like(ecg, np.nan), np.empty(0), ecg, r_s)
    assert scores["mdr"] == 1.0
    assert scores["f1"] == scores["precision"] == scores["recall"] == scores["pcc"] == scores["pcc_longterm"] == 0.0
    for name in ("ppi_error_ms", "r_timing_ms", "hr_error_bpm", "q_error_ms", "s_error_ms", "t_error_ms"):
        assert np.isnan(scores[name]), name
    assert scores["rmse_mv"] > 0.1


@pytest.mark.parametrize("predicted", [[], [3.0]])
@pytest.mark.parametrize("reference", [[], [3.0], [3.0, 4.0]])
def test_few_beats_give_numbers_or_nan_without_warnings(predicted: list[float], reference: list[float]) -> None:
    p, r = np.array(predicted), np.array(reference)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = all_metrics(curve(p), p, curve(r), r)
    assert np.isnan(scores["ppi_error_ms"])
    assert np.isnan(scores["mdr"]) == (len(r) == 0)
    if len(p) and len(r):
        assert scores["r_timing_ms"] == 0.0
        assert scores["recall"] == 1 / len(r)


def test_extra_beats_cost_precision_and_no_timing(r_s: np.ndarray) -> None:
    ecg = curve(r_s)
    extra = np.sort(np.append(r_s, r_s[[3, 10, 20]] + 0.4))
    scores = all_metrics(ecg, extra, ecg, r_s)
    assert scores["mdr"] == 0.0
    assert scores["precision"] == pytest.approx(33 / 36)
    assert scores["f1"] == pytest.approx(66 / 69)
    assert scores["ppi_error_ms"] == scores["r_timing_ms"] == 0.0


def test_missing_beats_cost_recall_and_no_timing(r_s: np.ndarray) -> None:
    ecg = curve(r_s)
    scores = all_metrics(ecg, np.delete(r_s, [5, 6, 15]), ecg, r_s)
    assert scores["mdr"] == pytest.approx(3 / 33)
    assert scores["recall"] == pytest.approx(30 / 33)
    assert scores["precision"] == 1.0
    assert scores["ppi_error_ms"] == scores["r_timing_ms"] == 0.0


def test_a_gap_has_pcc_zero_and_the_rmse_of_a_flat_line(r_s: np.ndarray) -> None:
    ecg = curve(r_s)
    spans = cycle_spans(r_s, FS_HZ, len(ecg))
    gap = cycle_scores(np.full_like(ecg, np.nan), ecg, spans)
    flat = cycle_scores(np.zeros_like(ecg), ecg, spans)
    assert (gap[0] == 0.0).all()
    np.testing.assert_allclose(gap[1], flat[1])
    for pcc_or_rmse, worst in zip(cycle_scores(ecg, ecg, spans), (1.0, 0.0), strict=True):
        assert pcc_or_rmse == pytest.approx(worst, abs=1e-9)


def test_rmse_alone_favours_a_gap_over_a_late_curve(r_s: np.ndarray) -> None:
    ecg, late = (np.maximum(curve(beats), 0.0) for beats in (r_s, r_s + 0.1))
    scores = all_metrics(late, r_s + 0.1, ecg, r_s)
    nothing = all_metrics(np.full_like(ecg, np.nan), np.empty(0), ecg, r_s)
    assert scores["rmse_mv"] > nothing["rmse_mv"]
    assert scores["rmse_longterm_mv"] > nothing["rmse_longterm_mv"]
    assert scores["f1"] > 0.95
    assert nothing["f1"] == nothing["pcc"] == 0.0


def test_a_missing_reference_is_not_scored(r_s: np.ndarray) -> None:
    ecg = curve(r_s)
    holed = ecg.copy()
    holed[1000:3000] = np.nan
    scores = all_metrics(ecg, r_s, holed, r_s)
    assert scores["pcc"] == pytest.approx(1.0)
    assert scores["pcc_longterm"] == pytest.approx(1.0)
    assert scores["rmse_longterm_mv"] == pytest.approx(0.0, abs=1e-9)
