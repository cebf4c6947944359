"""Choosing beats: the anchors propose, the cycle length disposes, clear exceptions stay."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.reconstruction.rhythm import beat_quality, choose_beats, stretch_quality
from radarode.reconstruction.settings import ReconstructSettings

SETTINGS = ReconstructSettings()


def chosen(times: np.ndarray, heights: np.ndarray, length: float = 0.9) -> np.ndarray:
    order = np.argsort(times)
    picked = choose_beats(times[order], heights[order], np.full(len(times), length), SETTINGS)
    return times[order][picked]


def test_a_clean_train_is_kept_whole() -> None:
    times = np.arange(1, 20) * 0.9
    np.testing.assert_array_equal(chosen(times, np.full(19, 0.7)), times)


def test_weak_peaks_between_beats_are_dropped() -> None:
    beats = np.arange(1, 20) * 0.9
    echoes = beats[:-1] + 0.35
    found = chosen(np.concatenate([beats, echoes]), np.concatenate([np.full(19, 0.6), np.full(18, 0.35)]))
    np.testing.assert_array_equal(found, beats)


def test_a_weak_beat_in_rhythm_is_kept() -> None:
    times = np.arange(1, 20) * 0.9
    heights = np.full(19, 0.7)
    heights[7] = 0.16
    np.testing.assert_array_equal(chosen(times, heights), times)


def test_a_clear_premature_beat_and_its_pause_are_kept() -> None:
    times = np.arange(1, 20) * 0.9
    times[9] -= 0.3
    np.testing.assert_array_equal(chosen(times, np.full(19, 0.8)), times)


def test_beats_on_both_sides_of_a_long_gap_are_kept() -> None:
    times = np.concatenate([np.arange(1, 8) * 0.9, 30 + np.arange(1, 8) * 0.9])
    np.testing.assert_array_equal(chosen(times, np.full(14, 0.7)), times)


def test_no_two_beats_closer_than_the_minimum() -> None:
    times = np.array([1.0, 1.9, 2.0, 2.8])
    found = chosen(times, np.array([0.7, 0.7, 0.9, 0.7]))
    assert np.diff(found).min() >= SETTINGS.min_distance_s


def test_nothing_gives_nothing() -> None:
    assert len(choose_beats(np.empty(0), np.empty(0), np.empty(0), SETTINGS)) == 0
    assert len(beat_quality(np.empty(0), np.empty(0), np.empty(0))) == 0


def test_quality_is_high_for_clear_regular_beats_and_low_for_contradictions() -> None:
    times = np.arange(1, 6) * 0.9
    good = beat_quality(times, np.full(5, 0.8), np.full(5, 0.9))
    weak = beat_quality(times, np.full(5, 0.1), np.full(5, 0.9))
    wrong = beat_quality(times, np.full(5, 0.8), np.full(5, 0.5))
    assert good == pytest.approx(np.ones(5))
    assert (weak < good).all()
    assert (wrong < 0.2).all()


def test_a_stretch_is_good_when_every_expected_beat_is() -> None:
    times = np.arange(1, 40) * 0.8
    heard = np.zeros(6600, bool)
    full = stretch_quality(times, np.ones(39), np.full(39, 0.8), heard)
    assert full.min() > 0.8
    sparse = stretch_quality(times[::3], np.ones(13), np.full(13, 0.8), heard)
    assert sparse.max() < 0.5


def test_time_without_motion_is_not_held_against_a_stretch() -> None:
    times = np.concatenate([np.arange(1, 10) * 0.8, 20 + np.arange(10) * 0.8])
    silent = np.zeros(6000, bool)
    silent[round(7.7 * 200) : round(19.6 * 200)] = True
    assert stretch_quality(times, np.ones(19), np.full(19, 0.8), silent).min() > 0.7
