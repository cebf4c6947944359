"""Intervals by algorithm: right on a known rhythm, of any number of channels, and honest where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.ppi import energy_peaks, energy_plot, kde_mode, pooled_intervals, ppi_along, window_ppi_s

RATE_HZ = 30.0


def energy(
    beats_s: np.ndarray, duration_s: float, rng: np.random.Generator, channels: int = 6, noise: float = 0.05
) -> np.ndarray:
    """Return two bumps per beat, ejection and valve closure 0.3 s later, of a different ratio in each channel."""
    times = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    plots = []
    for _ in range(channels):
        first, second = rng.uniform(0.5, 1.5, 2)
        clean = sum(
            size * np.exp(-0.5 * ((times[:, None] - beats_s - delay) / 0.05) ** 2).sum(axis=1)
            for size, delay in ((first, 0.1), (second, 0.4))
        )
        plots.append(clean + noise * np.abs(rng.standard_normal(len(times))))
    return np.stack(plots)


@pytest.mark.parametrize("channels", [1, 6, 50])
@pytest.mark.parametrize("interval_s", [0.55, 0.8, 1.15])
def test_a_regular_rhythm_between_the_frames(channels: int, interval_s: float, rng: np.random.Generator) -> None:
    found = window_ppi_s(energy(0.2 + interval_s * np.arange(10), 5.0, rng, channels))
    assert found == pytest.approx(interval_s, abs=0.02)


def test_it_follows_a_rhythm_that_changes(rng: np.random.Generator) -> None:
    beats = np.concatenate([0.9 * np.arange(22), 19.8 + 0.65 * np.arange(1, 31)])
    along = ppi_along(energy(beats, 38.0, rng))
    assert along.shape == (38 * 30,)
    assert along[5 * 30] == pytest.approx(0.9, abs=0.02)
    assert along[33 * 30] == pytest.approx(0.65, abs=0.02)


def test_the_mode_of_two_clusters_is_the_larger_one(rng: np.random.Generator) -> None:
    mixed = np.concatenate([rng.normal(0.8, 0.02, 60), rng.normal(0.5, 0.02, 30)])
    assert kde_mode(mixed) == pytest.approx(0.8, abs=0.02)


def test_the_published_bandwidth_stays_within_reach(rng: np.random.Generator) -> None:
    few = np.concatenate([rng.normal(0.55, 0.01, 8), rng.normal(0.75, 0.01, 5), rng.normal(1.3, 0.01, 4)])
    assert kde_mode(few) == pytest.approx(0.55, abs=0.02)
    assert abs(kde_mode(few, widest_s=None) - 0.55) > 0.03
    many = rng.normal(0.8, 0.03, 500)
    assert kde_mode(many) == kde_mode(many, widest_s=None)


def test_nothing_gives_nan_and_no_warning() -> None:
    assert np.isnan(kde_mode(np.empty(0)))
    assert np.isnan(kde_mode(np.array([np.nan])))
    for empty in (np.zeros((3, 120)), np.full((2, 120), np.nan), np.zeros((0, 120)), np.zeros((2, 2))):
        assert np.isnan(window_ppi_s(empty))
        assert np.isnan(ppi_along(empty)).all()


def test_one_interval_is_its_own_mode() -> None:
    assert kde_mode(np.array([0.73])) == pytest.approx(0.73)
    assert kde_mode(np.array([0.73, 0.73, np.nan])) == pytest.approx(0.73)


def test_a_channel_with_a_gap_does_not_count_there(rng: np.random.Generator) -> None:
    plots = energy(0.8 * np.arange(26), 20.0, rng, channels=3)
    plots[0] = np.sin(2 * np.pi * np.arange(600) / RATE_HZ / 0.5) ** 2
    plots[0, 0:600:60] = np.nan
    assert ppi_along(plots)[300] == pytest.approx(0.8, abs=0.02)
    assert [len(peaks) > 0 for peaks in energy_peaks(plots[:, :120])] == [False, True, True]


def test_intervals_that_no_heart_has_are_left_out() -> None:
    assert pooled_intervals([np.array([0.0, 0.1, 3.0])]).size == 0
    assert pooled_intervals([]).size == 0


def test_the_energy_is_the_sum_over_rows(rng: np.random.Generator) -> None:
    frames = rng.random((5000, 2, 7)).astype(np.float16)
    plot = energy_plot(frames)
    assert plot.shape == (2, 5000)
    np.testing.assert_allclose(plot, frames.astype(np.float32).sum(axis=2).T, rtol=1e-5)
    assert energy_plot(frames[:0]).shape == (2, 0)


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="frame, channel, row"):
        energy_plot(np.zeros((3, 4)))
    with pytest.raises(InputError, match="channel, frame"):
        energy_peaks(np.zeros(30))
