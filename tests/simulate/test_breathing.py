from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import find_peaks

from radarode.simulate import person_of
from radarode.simulate.breathing import GRID_HZ, simulate_breathing


def breathe(status, seed=0, person=0):
    return simulate_breathing(person_of(0, person).breathing, 180.0, status, np.random.default_rng(seed))


def breaths(breathing):
    peaks, _ = find_peaks(np.cos(breathing.phase_rad))
    return np.diff(peaks) / GRID_HZ


def test_normal_breathing_has_the_persons_rate_and_depth():
    traits = person_of(0, 0).breathing
    breathing = breathe("NB")
    assert 1 / np.median(breaths(breathing)) == pytest.approx(traits.rate_hz, rel=0.15)
    plain = replace(traits, harmonics=(0.0, 0.0, 0.0))
    breathing = simulate_breathing(plain, 180.0, "NB", np.random.default_rng(0))
    turning = np.concatenate([find_peaks(sign * breathing.displacement_mm)[0] for sign in (1, -1)])
    excursion_mm = np.abs(np.diff(breathing.displacement_mm[np.sort(turning)]))
    assert np.median(excursion_mm) == pytest.approx(plain.depth_mm, rel=0.25)


def test_irregular_breathing_varies_more_and_pauses():
    for seed in range(4):
        irregular, normal = breathe("IB", seed), breathe("NB", seed)
        assert np.std(breaths(irregular)) > 2 * np.std(breaths(normal))
        assert irregular.depth.min() < 0.2
        assert normal.depth.min() > 0.4


def test_exercise_quickens_breathing_and_it_calms_down():
    breathing = breathe("PE")
    rate = np.diff(breathing.phase_rad)
    assert np.median(rate[: 20 * 20]) > 1.1 * np.median(rate[-20 * 20 :])


def test_acceleration_is_the_second_derivative_of_displacement():
    breathing = breathe("NB")
    inner = slice(20, -20)
    expected = np.gradient(np.gradient(breathing.displacement_mm, 1 / GRID_HZ), 1 / GRID_HZ)[inner]
    found = breathing.acceleration(breathing.time_s[inner])
    assert np.corrcoef(expected, found)[0, 1] > 0.95
