"""decode(encode(x)) is x, for each task and for real ECG."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radarode.core.constants import FS_HZ, R_FRACTION, WINDOW_S
from radarode.tasks import TaskSettings
from radarode.tasks.anchor import anchor_loss, decode_anchor, encode_anchor
from radarode.tasks.cycles import cut_cycles
from radarode.tasks.length import decode_length, encode_length, length_loss
from radarode.tasks.shape import decode_shape, encode_shape, shape_loss
from radarode.tasks.targets import Reference


def toy_ecg(r_s: np.ndarray, n: int) -> np.ndarray:
    t = np.arange(n)[:, None] / FS_HZ - r_s[None, :]
    waves = ((-0.17, 0.03, 0.15), (-0.03, 0.012, -0.1), (0.0, 0.012, 1.0), (0.03, 0.012, -0.2), (0.25, 0.05, 0.3))
    return sum(a * np.exp(-0.5 * ((t - at) / w) ** 2) for at, w, a in waves).sum(axis=1)


@pytest.fixture
def beats(rng: np.random.Generator) -> np.ndarray:
    return 1.0 + np.cumsum(rng.normal(0.85, 0.06, 40))


def test_cycles_tile_the_axis_and_hold_one_peak_each(beats: np.ndarray) -> None:
    cycles = cut_cycles(beats)
    np.testing.assert_allclose(cycles.end_s[:-1], cycles.start_s[1:])
    assert ((cycles.start_s < beats) & (beats < cycles.end_s)).all()
    assert (cycles.containing(beats) == np.arange(len(beats))).all()


def test_no_cycle_spans_a_gap() -> None:
    r = np.array([1.0, 2.0, 3.0, 9.0, 10.0, 20.0])
    cycles = cut_cycles(r)
    assert cycles.valid.tolist() == [True] * 5 + [False]
    assert cycles.length_s[:5].max() <= 1.0 + 1e-9
    assert cycles.containing(np.array([6.0, 20.0])).tolist() == [-1, -1]


def test_double_detections_have_no_cycle() -> None:
    cycles = cut_cycles(np.array([1.0, 1.8, 2.6, 2.8, 3.6, 4.4]))
    assert cycles.valid.tolist() == [True, True, False, False, True, True]
    assert cycles.containing(np.array([2.6, 2.7])).tolist() == [-1, -1]


@pytest.mark.parametrize("r", [[], [3.0]])
def test_too_few_beats_give_no_cycles(r: list[float]) -> None:
    cycles = cut_cycles(np.array(r))
    assert len(cycles) == 0
    assert cycles.containing(np.array([3.0])).tolist() == [-1]


def test_shape_round_trip_and_the_place_of_r(beats: np.ndarray) -> None:
    n = round((beats[-1] + 2) * FS_HZ)
    ecg = toy_ecg(beats, n)
    cycles = cut_cycles(beats)
    shapes = encode_shape(ecg, FS_HZ, cycles)
    assert np.nanmin(shapes) == 0.0
    assert np.nanmax(shapes) == 1.0
    assert (np.nanargmax(shapes, axis=1) == round(200 * R_FRACTION)).all()
    back = decode_shape(shapes, FS_HZ, n, cycles)
    inside = np.isfinite(back)
    assert inside[round(beats[2] * FS_HZ) : round(beats[-2] * FS_HZ)].all()
    assert np.corrcoef(back[inside], ecg[inside])[0, 1] > 0.998


def test_a_cycle_over_missing_samples_is_unknown(beats: np.ndarray) -> None:
    n = round((beats[-1] + 2) * FS_HZ)
    ecg = toy_ecg(beats, n)
    ecg[round(beats[5] * FS_HZ)] = np.nan
    shapes = encode_shape(ecg, FS_HZ, cut_cycles(beats))
    assert np.isnan(shapes[5]).all()
    assert np.isfinite(shapes[7]).all()


@pytest.mark.parametrize("settings", [TaskSettings(), TaskSettings.published()])
def test_length_round_trip(settings: TaskSettings, rng: np.random.Generator) -> None:
    lengths = rng.uniform(0.4, 1.28, 100)
    probabilities = encode_length(lengths, settings)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-5)
    decoded = decode_length(np.log(probabilities + 1e-12), settings)
    tolerance = 0.0026 if settings.length_sigma_s == 0 else 5e-4
    np.testing.assert_allclose(decoded, lengths, atol=tolerance)


def test_lengths_beyond_the_axis_go_to_its_ends_and_unknown_ones_do_not_count() -> None:
    settings = TaskSettings()
    decoded = decode_length(np.log(encode_length(np.array([0.1, 5.0]), settings) + 1e-12), settings)
    np.testing.assert_allclose(decoded, [0.3, 1.595], atol=0.02)
    target = torch.from_numpy(encode_length(np.array([0.8, np.nan]), settings))
    logits = torch.randn(2, 260)
    assert float(length_loss(logits, target)) == pytest.approx(float(length_loss(logits[:1], target[:1])))


@pytest.mark.parametrize("settings", [TaskSettings(), TaskSettings.published()])
def test_anchor_round_trip(settings: TaskSettings, beats: np.ndarray) -> None:
    start = np.array([3.0, 7.033])
    maps = encode_anchor(beats, start, settings)
    for row, begin in zip(maps, start, strict=True):
        found, heights = decode_anchor(row, threshold=0.5, min_distance_s=0.2, start_s=begin)
        inside = beats[(beats >= begin + 0.01) & (beats < begin + WINDOW_S - 0.01)]
        tolerance = 0.0026 if settings.anchor_sigma_s == 0 else 2e-4
        np.testing.assert_allclose(found, inside, atol=tolerance)
        assert (heights > 0.8).all()


def test_of_two_close_peaks_the_higher_stays() -> None:
    values = np.zeros(200)
    values[50], values[60], values[120] = 0.6, 0.9, 0.7
    found, _ = decode_anchor(values, threshold=0.5, min_distance_s=0.1)
    np.testing.assert_allclose(found, [0.3, 0.6], atol=1e-9)


def test_losses_are_zero_for_a_perfect_answer_and_ignore_unknown_shapes() -> None:
    shape = torch.rand(4, 200)
    assert float(shape_loss(shape, shape)) == 0.0
    half = shape.clone()
    half[2:] = float("nan")
    assert float(shape_loss(shape + 0.1, half)) == pytest.approx(0.01, rel=1e-4)
    assert float(anchor_loss(shape, shape)) == 0.0


def test_targets_are_of_the_cycle_at_the_centre(beats: np.ndarray) -> None:
    n = round((beats[-1] + 2) * FS_HZ)
    reference = Reference.of(toy_ecg(beats, n), FS_HZ, beats, TaskSettings())
    start = np.array([beats[10] - 2.0])
    assert reference.usable(start).all()
    targets = reference.targets(start)
    np.testing.assert_allclose(targets.shape[0], reference.shapes[10])
    decoded = decode_length(np.log(targets.length + 1e-12), TaskSettings())
    assert decoded[0] == pytest.approx(reference.cycles.length_s[10], abs=1e-3)
