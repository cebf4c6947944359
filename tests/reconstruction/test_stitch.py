"""Merging, stitching and the ceiling of the representation."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from radarode.evaluation import evaluate
from radarode.reconstruction import ReconstructSettings, reconstruct_windows
from radarode.reconstruction.ceiling import decode_of_encode
from radarode.reconstruction.merge import MapMerger, window_weights
from radarode.reconstruction.stitch import beat_shapes, stitch
from radarode.reconstruction.windows import WindowOutputs
from radarode.simulate import sample_person, simulate_recording
from radarode.tasks import TaskSettings
from radarode.tasks.anchor import decode_anchor, encode_anchor
from radarode.tasks.cycles import cut_cycles

FRACTION = TaskSettings().r_fraction


def windows(start_s: np.ndarray, shapes: np.ndarray, n_samples: int) -> WindowOutputs:
    anchor = np.zeros(n_samples)
    return WindowOutputs(start_s, shapes, np.full(len(start_s), 0.9), anchor, np.zeros(n_samples, bool))


def test_merged_maps_keep_the_place_of_peaks_to_a_fraction_of_a_sample() -> None:
    r_s = np.array([2.0, 2.9131, 3.8, 4.7777, 6.01])
    start_s = np.arange(0, 150, 7) / 30.0
    merger = MapMerger(1600)
    for part in (slice(0, 5), slice(5, None)):
        merger.add(encode_anchor(r_s, start_s[part], TaskSettings()), start_s[part])
    merged = merger.merged()
    found, _ = decode_anchor(merged, threshold=0.5, min_distance_s=0.2)
    np.testing.assert_allclose(found, r_s, atol=5e-4)


def test_where_no_window_reaches_the_map_is_zero() -> None:
    merger = MapMerger(2000)
    merger.add(np.ones((1, 800)), np.array([1.0]))
    merged = merger.merged()
    assert merged[:200].max() == 0.0
    np.testing.assert_allclose(merged[200:1000], 1.0)


def test_window_weights_favour_the_centre() -> None:
    weights = window_weights()
    assert weights.argmax() in (399, 400)
    assert weights[0] < 0.05


def test_a_beat_without_a_window_borrows_the_nearest_shapes() -> None:
    cycles = cut_cycles(np.array([2.0, 2.5, 3.0, 20.0, 20.5]))
    shapes = np.tile(np.linspace(0, 1, 200), (1, 1))
    found = beat_shapes(cycles, np.array([0.0]), shapes)
    np.testing.assert_allclose(found[:3], np.tile(np.linspace(0, 1, 200), (3, 1)), atol=1e-12)
    assert np.isnan(found[3:]).all(), "no window within reach: not invented"


def test_gaps_are_gaps() -> None:
    r_s = np.concatenate([np.arange(2, 8) * 0.9, 20 + np.arange(6) * 0.9])
    start_s = np.concatenate([np.arange(0, 5, 0.5), np.arange(18, 23, 0.5)])
    shapes = np.tile(np.linspace(0, 1, 200), (len(start_s), 1))
    ecg = stitch(r_s, np.ones(12), np.full(12, 0.9), windows(start_s, shapes, 6000), r_fraction=FRACTION)
    assert len(ecg.beats) == 12
    inner = [gap for gap in ecg.gaps_s if gap[0] > 5 and gap[1] < 25]
    assert len(inner) == 1
    assert inner[0][0] == pytest.approx(6.3 + 0.57 * 0.9, abs=0.01)
    assert inner[0][1] == pytest.approx(20 - 0.43 * 0.9, abs=0.01)


def test_nothing_is_drawn_where_motion_is_missing() -> None:
    r_s = np.arange(2, 12) * 0.9
    start_s = np.arange(0, 8, 0.5)
    outputs = windows(start_s, np.tile(np.linspace(0, 1, 200), (len(start_s), 1)), 2400)
    outputs.missing[1000:1300] = True
    ecg = stitch(r_s, np.ones(10), np.full(10, 0.9), outputs, r_fraction=FRACTION)
    assert np.isnan(ecg.ecg[1000:1300]).all()
    assert any(abs(gap[0] - 5.0) < 0.01 and abs(gap[1] - 6.5) < 0.01 for gap in ecg.gaps_s)


def test_a_gap_does_not_cut_a_false_peak_out_of_the_map() -> None:
    r_s = np.arange(1, 22) * 0.79
    start_s = np.arange(0, 390) / 30.0
    merger = MapMerger(3600)
    merger.add(encode_anchor(r_s, start_s, TaskSettings()), start_s)
    missing = np.zeros(3600, bool)
    missing[round(r_s[15] * 200) - 6 : round(r_s[15] * 200) + 300] = True
    shapes = np.tile(np.linspace(0, 1, 200), (len(start_s), 1))
    outputs = WindowOutputs(start_s, shapes, np.full(len(start_s), 0.79), merger.merged(), missing)
    found = reconstruct_windows(outputs, TaskSettings(), ReconstructSettings()).beats.r_s
    np.testing.assert_allclose(found, np.concatenate([r_s[:15], r_s[17:]]), atol=2e-3)


def test_no_beats_is_one_long_gap() -> None:
    nothing = windows(np.empty(0), np.empty((0, 200)), 1000)
    ecg = stitch(np.empty(0), np.empty(0), np.empty(0), nothing, r_fraction=FRACTION)
    assert len(ecg.beats) == 0
    np.testing.assert_allclose(ecg.gaps_s, [[0.0, 5.0]])


def test_decode_of_encode_on_a_simulated_ecg(rng: np.random.Generator) -> None:
    recording = simulate_recording(sample_person(rng), 60.0, "NB", rng)
    assert recording.ecg_mv is not None
    assert recording.r_peaks_s is not None
    scores = evaluate(decode_of_encode(recording.ecg_mv, recording.r_peaks_s), recording).deployable
    assert scores["f1"] > 0.98
    assert scores["r_timing_ms"] < 1.0
    assert scores["pcc"] > 0.98


@pytest.mark.parametrize("name", ["wfdb_sample_ecg/100", "neurokit_ecg_rsp/bio_resting_5min_100hz.csv"])
def test_ceiling_of_the_representation_on_real_ecg(name: str, real_data: Path) -> None:
    scores = _bench_ceiling().ceiling_scores(real_data / name)
    assert scores["pcc"] >= 0.98
    assert scores["ppi_error_ms"] <= 1.0
    # Scaling each cycle to [0, 1] gives up baseline and amplitude, artefacts of the reference included.
    assert scores["pcc_longterm"] >= 0.8


def _bench_ceiling() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "bench_ceiling.py"
    spec = importlib.util.spec_from_file_location("bench_ceiling", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
