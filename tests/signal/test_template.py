"""Template matching: amplitude, place, alignment."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.signal.template import align, cut_windows, find_peaks, match_template, robust_average


def test_match_is_the_amplitude_at_the_mark(rng: np.random.Generator) -> None:
    template = rng.normal(size=(3, 31))
    signals = np.zeros((3, 400))
    signals[:, 90:121] = 2.5 * template
    curve = match_template(signals, template, np.array([0.2, 0.5, 0.3]), before=10)
    assert curve.argmax() == 100
    assert curve[100] == pytest.approx(2.5)
    assert not match_template(signals, 0 * template, np.ones(3), 10).any()


def test_windows_outside_are_zero() -> None:
    windows = cut_windows(np.arange(1.0, 11.0)[None], np.array([0, 9]), 2, 1)
    assert windows[:, 0].tolist() == [[0, 0, 1, 2], [8, 9, 10, 0]]


def test_robust_average_ignores_one_wild_beat() -> None:
    windows = np.ones((11, 1, 4))
    windows[3] = 1e6
    np.testing.assert_allclose(robust_average(windows), 1.0)


def test_peaks_between_samples() -> None:
    at = np.arange(100)
    places, heights = find_peaks(np.exp(-(((at - 40.3) / 6) ** 2)), 0.5)
    assert places == pytest.approx([40.3], abs=0.05)
    assert heights == pytest.approx([1.0], abs=0.01)


@pytest.mark.parametrize("gain", [1.0, -3.0])
def test_alignment_recovers_jitter(rng: np.random.Generator, gain: float) -> None:
    t = np.arange(6000)
    true = np.arange(100.0, 5900.0, 170.0) + rng.normal(0, 3, 35)
    clean = sum(np.cos(0.35 * (t - at)) * np.exp(-(((t - at) / 12) ** 2)) for at in true)
    signals = np.stack([gain * clean, rng.normal(size=6000)]) + 0.1 * rng.normal(size=(2, 6000))
    marks = true + rng.normal(0, 1.5, len(true))
    moved = align(signals, np.array([0.9, 0.1]), marks, (30, 30), 6)
    error = moved - true
    assert np.std(error - np.median(error)) < 0.35 * np.std(marks - true)
    assert abs(np.median(moved - marks)) < 0.5


def test_two_marks_stay() -> None:
    marks = np.array([3.0, 9.0])
    assert align(np.zeros((1, 20)), np.ones(1), marks, (2, 2), 2).tolist() == marks.tolist()
