from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import Beats, ReconstructedEcg, Recording
from radarode.evaluation import METRICS, as_json, evaluate, shift
from radarode.metrics.delay import calibrate

FS_HZ = 200.0
ERRORS = ("mdr", *(name for name in METRICS if name.endswith(("_ms", "_bpm", "_mv"))))


def draw(r_s: np.ndarray, duration_s: float) -> np.ndarray:
    """Draw an ECG between about -0.25 and 1 with its R peaks at `r_s`."""
    t = np.arange(round(duration_s * FS_HZ)) / FS_HZ
    ecg = np.zeros_like(t)
    for amplitude, delay_s, width_s in (
        (0.1, -0.16, 0.02), (-0.15, -0.035, 0.01), (1.0, 0.0, 0.012), (-0.25, 0.035, 0.01), (0.3, 0.27, 0.045),
    ):  # fmt: skip
        for r in r_s:
            ecg += amplitude * np.exp(-(((t - r - delay_s) / width_s) ** 2) / 2)
    return ecg


def recording(duration_s: float = 60.0, seed: int = 3, **changes: object) -> Recording:
    """Return a recording whose reference is a drawn ECG, R peaks included."""
    rng = np.random.default_rng(seed)
    r_s = np.cumsum(rng.normal(0.85, 0.04, int(duration_s / 0.85) - 1)) + 0.3
    ecg_mv = 1.2 * draw(r_s, duration_s) - 0.1
    rcg = rng.normal(size=(2, len(ecg_mv)))
    facts = {"ecg_mv": ecg_mv, "r_peaks_s": r_s, "subject": "P1", "source": "simulated"}
    return Recording(rcg, FS_HZ, **{**facts, **changes})


def reconstruct_at(r_s: np.ndarray, duration_s: float = 60.0) -> ReconstructedEcg:
    """Return a reconstruction with its beats at `r_s`."""
    ecg = (draw(r_s, duration_s) + 0.25) / 1.25
    return ReconstructedEcg(ecg, FS_HZ, Beats(r_s, np.full(len(r_s), 0.85), np.ones(len(r_s))))


def perfect(reference: Recording) -> ReconstructedEcg:
    assert reference.r_peaks_s is not None
    assert reference.ecg_mv is not None
    r_s = reference.r_peaks_s
    ecg = (reference.ecg_mv + 0.5) / 2
    return ReconstructedEcg(ecg, FS_HZ, Beats(r_s, np.full(len(r_s), 0.85), np.ones(len(r_s))))


def test_a_perfect_reconstruction_is_perfect_in_every_column() -> None:
    reference = recording()
    scores = evaluate(perfect(reference), reference)
    for name, column in scores.columns().items():
        assert tuple(column) == METRICS
        for key in ERRORS:
            assert column[key] == pytest.approx(0.0, abs=1e-4), (name, key)
        for key in ("f1", "precision", "recall", "coverage"):
            assert column[key] == 1.0, (name, key)
        assert column["pcc"] == pytest.approx(1.0)
        assert column["n_beats"] == len(reference.r_peaks_s)
    assert all(scores.deployable[key] == 0.0 for key in ("mdr", "ppi_error_ms", "r_timing_ms", "hr_error_bpm"))


def test_a_constant_delay_hurts_only_the_deployable_column() -> None:
    reference = recording()
    scores = evaluate(reconstruct_at(reference.r_peaks_s + 0.08), reference)
    assert scores.deployable["r_timing_ms"] == pytest.approx(80.0)
    assert scores.deployable["pcc"] < 0.5
    assert scores.deployable["ppi_error_ms"] == pytest.approx(0.0, abs=1e-6)
    for column in (scores.calibrated, scores.oracle):
        assert column["r_timing_ms"] == pytest.approx(0.0, abs=1e-6)
        assert column["pcc"] > 0.99
        assert column["q_error_ms"] < 3.0
    assert scores.deployable["q_error_ms"] == pytest.approx(80.0, abs=3.0)


def test_a_delay_beyond_the_tolerance_is_calibrated_too() -> None:
    reference = recording()
    scores = evaluate(reconstruct_at(reference.r_peaks_s + 0.25), reference)
    assert scores.deployable["f1"] < 0.1
    assert scores.calibrated["f1"] > 0.98


def test_calibration_is_frozen_after_20_s_and_the_oracle_is_not() -> None:
    reference = recording()
    r_s = reference.r_peaks_s
    scores = evaluate(reconstruct_at(np.where(r_s < 20.0, r_s + 0.02, r_s + 0.09)), reference)
    assert scores.deployable["r_timing_ms"] == pytest.approx(90.0)
    assert scores.calibrated["r_timing_ms"] == pytest.approx(70.0)
    assert scores.oracle["r_timing_ms"] == pytest.approx(0.0, abs=1e-6)
    assert scores.oracle["pcc"] > scores.calibrated["pcc"] > scores.deployable["pcc"]


def test_what_comes_after_20_s_cannot_change_the_calibration() -> None:
    reference = recording()
    r_s = reference.r_peaks_s
    early = r_s < 20.0
    one = calibrate(reconstruct_at(np.where(early, r_s + 0.03, r_s + 0.1)), r_s)
    other = calibrate(reconstruct_at(np.where(early, r_s + 0.03, r_s - 0.12)), r_s)
    assert one.delay_s == other.delay_s == pytest.approx(0.03)


def test_an_earlier_calibration_never_reaches_the_deployable_column() -> None:
    reference = recording()
    late = reconstruct_at(reference.r_peaks_s + 0.06)
    before, after = evaluate(late, reference), evaluate(calibrate(late, reference.r_peaks_s), reference)
    assert after.deployable["r_timing_ms"] == pytest.approx(before.deployable["r_timing_ms"]) == pytest.approx(60.0)
    assert after.calibrated["pcc"] == pytest.approx(before.calibrated["pcc"], abs=5e-3)


def test_gaps_cost_coverage_recall_and_longterm_shape() -> None:
    reference = recording()
    whole = perfect(reference)
    ecg = np.array(whole.ecg)
    ecg[4000:8000] = np.nan
    keep = (whole.beats.r_s < 20.0) | (whole.beats.r_s >= 40.0)
    beats = Beats(whole.beats.r_s[keep], whole.beats.length_s[keep], whole.beats.quality[keep])
    holed = replace(whole, ecg=ecg, beats=beats, gaps_s=np.array([[20.0, 40.0]]))
    column = evaluate(holed, reference).deployable
    assert column["coverage"] == pytest.approx(2 / 3, abs=1e-3)
    assert column["mdr"] == pytest.approx(1 - keep.mean())
    assert column["precision"] == 1.0
    assert column["ppi_error_ms"] == column["hr_error_bpm"] == 0.0
    assert column["pcc"] == pytest.approx(1.0)
    assert 0.3 < column["pcc_longterm"] < 0.95


def test_nothing_reconstructed_scores_nothing() -> None:
    reference = recording()
    none = ReconstructedEcg(np.full(12000, np.nan), FS_HZ, Beats(np.empty(0), np.empty(0), np.empty(0)))
    for column in evaluate(none, reference).columns().values():
        assert column["f1"] == column["pcc"] == column["coverage"] == column["n_beats"] == 0.0
        assert column["mdr"] == 1.0
        assert np.isnan(column["r_timing_ms"])


def test_where_the_reference_is_missing_nothing_is_scored() -> None:
    reference = recording()
    whole = perfect(reference)
    ecg_mv = np.array(reference.ecg_mv)
    ecg_mv[4000:8000] = np.nan
    r_s = reference.r_peaks_s
    r_s = r_s[(r_s < 20.0) | (r_s >= 40.0)]
    column = evaluate(whole, replace(reference, ecg_mv=ecg_mv, r_peaks_s=r_s)).deployable
    assert column["precision"] == column["f1"] == column["coverage"] == 1.0
    assert column["n_beats"] == len(r_s)
    assert column["pcc_longterm"] == pytest.approx(1.0)


@pytest.mark.parametrize("delay_s", [0.0, 0.1, -0.1])
def test_annotated_beats_where_the_reference_ecg_is_missing_are_not_missed(delay_s: float) -> None:
    reference = recording()
    ecg_mv = np.array(reference.ecg_mv)
    ecg_mv[4000:8000] = np.nan
    r_s = reference.r_peaks_s
    outside = r_s[(r_s < 20.0) | (r_s >= 40.0)]
    scores = evaluate(reconstruct_at(outside + delay_s), replace(reference, ecg_mv=ecg_mv))
    for column in (scores.calibrated, scores.oracle) if delay_s else scores.columns().values():
        assert column["mdr"] == 0.0
        assert column["precision"] == column["f1"] == 1.0
    both = evaluate(reconstruct_at(r_s + delay_s), replace(reference, ecg_mv=ecg_mv))
    for name, column in both.columns().items():
        assert column["precision"] == column["f1"] == 1.0, name
        assert len(outside) <= column["n_beats"] <= len(outside) + 2


def test_an_unknown_reference_ecg_is_like_none() -> None:
    reference = recording()
    blank = replace(reference, ecg_mv=np.full(12000, np.nan))
    assert evaluate(perfect(reference), blank).deployable["f1"] == 1.0


def test_without_a_beat_to_calibrate_on_the_calibrated_column_is_the_deployable_one() -> None:
    reference = recording()
    r_s = reference.r_peaks_s
    scores = evaluate(reconstruct_at(r_s[r_s > 21.0] + 0.06), reference)
    assert scores.calibrated == scores.deployable
    assert scores.deployable["r_timing_ms"] == pytest.approx(60.0)
    assert scores.oracle["r_timing_ms"] == pytest.approx(0.0, abs=1e-6)


def test_r_peaks_without_an_ecg_are_enough_for_times() -> None:
    reference = recording()
    scores = evaluate(perfect(reference), replace(reference, ecg_mv=None))
    assert scores.deployable["f1"] == 1.0
    assert np.isnan(scores.deployable["pcc"])


def test_another_rate_of_the_reference_is_brought_to_ours() -> None:
    reference = recording()
    t = np.arange(30000) / 500.0
    ecg_mv = np.interp(t, np.arange(12000) / FS_HZ, reference.ecg_mv)
    fast = Recording(np.ones((1, 30000)), 500.0, ecg_mv=ecg_mv, r_peaks_s=reference.r_peaks_s)
    column = evaluate(perfect(reference), fast).deployable
    assert column["pcc"] > 0.995
    assert column["f1"] == 1.0


def test_without_a_reference_there_is_one_clear_error() -> None:
    reference = recording()
    with pytest.raises(InputError, match="no reference"):
        evaluate(perfect(reference), replace(reference, ecg_mv=None, r_peaks_s=None))


def test_r_peaks_are_detected_where_only_an_ecg_is_given() -> None:
    reference = recording()
    scores = evaluate(perfect(reference), replace(reference, r_peaks_s=None))
    assert scores.deployable["f1"] > 0.97
    assert scores.deployable["r_timing_ms"] < 4.0


def test_json_holds_none_for_nan_and_whole_counts() -> None:
    reference = recording()
    plain = as_json(evaluate(perfect(reference), replace(reference, ecg_mv=None)))
    assert list(plain) == ["deployable", "calibrated", "oracle"]
    assert plain["deployable"]["pcc"] is None
    assert isinstance(plain["deployable"]["n_beats"], int)
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_shift_moves_beats_by_exactly_the_delay() -> None:
    ecg = perfect(recording())
    np.testing.assert_allclose(shift(ecg, 0.5).beats.r_s[:50], ecg.beats.r_s[:50] + 0.5)
    assert shift(ecg, 0.0) is ecg
