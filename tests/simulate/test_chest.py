from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from radarode.simulate import person_of
from radarode.simulate.breathing import simulate_breathing
from radarode.simulate.chest import Points, Timing, beat_timing, cardiac_rcg, sample_points
from radarode.simulate.heart import Rhythm, simulate_rhythm
from radarode.simulate.sensor import Sensor, sample_sensor

IDEAL = Sensor(200.0, 0.0, 1e6, 0.0, 0.0, 0.0, 0.0, 0.0)


def events(person, status, seed=0, **options):
    rng = np.random.default_rng(seed)
    breathing = simulate_breathing(person.breathing, 60.0, status, rng)
    rhythm = simulate_rhythm(person.heart, breathing, status, rng, **options)
    return rhythm, beat_timing(person.mechanics, rhythm, breathing, status, rng)


def test_opening_and_closure_lie_where_physiology_puts_them():
    opening, ejection, within = [], [], []
    for k in range(60):
        rhythm, timing = events(person_of(0, k), "NB")
        to_opening = timing.opening_s - rhythm.r_s
        opening.append(np.median(to_opening))
        ejection.append(np.median(timing.closure_s - timing.opening_s))
        within.append(np.std(to_opening))
    assert 0.06 < np.mean(opening) < 0.095
    assert 0.013 < np.std(opening) < 0.03
    assert 0.27 < np.mean(ejection) < 0.33
    assert 0.001 < np.median(within) < 0.007


def test_pre_ejection_period_falls_with_heart_rate_and_after_exercise():
    rate, opening, ejection = [], [], []
    for k in range(60):
        for status in ("NB", "PE"):
            rhythm, timing = events(person_of(0, k), status)
            rate.append(60 / rhythm.interval_s.mean())
            opening.append(np.median(timing.opening_s - rhythm.r_s))
            ejection.append(np.median(timing.closure_s - timing.opening_s))
    assert spearmanr(rate, opening).statistic < -0.3
    assert spearmanr(rate, ejection).statistic < -0.6
    opening_ms = 1000 * np.array(opening).reshape(-1, 2)
    assert 15 < np.mean(opening_ms[:, 0] - opening_ms[:, 1]) < 50


def test_premature_beats_are_weaker_and_later():
    rhythm, timing = events(person_of(0, 4), "NB", ectopic_per_min=10.0)
    early, plain = rhythm.kind > 0, rhythm.kind == 0
    assert timing.gain[early].mean() < 0.9 * timing.gain[plain].mean()
    to_opening = timing.opening_s - rhythm.r_s
    assert to_opening[early].mean() > to_opening[plain].mean() + 0.005


class Still:
    """A generator without spread: normal draws are 0, uniform draws the lower limit."""

    def normal(self, mean, sd, size):
        return np.zeros(size)

    def uniform(self, low, high):
        return low


def one_wavelet_rcg(step_s=0.0):
    person = person_of(0, 0)
    alone = replace(person, wavelets=tuple(w for w in person.wavelets if w.name == "ejection"))
    rhythm = Rhythm(np.array([2.0, 3.0 + step_s]), np.zeros(2, int), False)
    timing = Timing(rhythm.r_s + 0.08, rhythm.r_s + 0.38, np.array([0.0, 1.0]), np.zeros(2))
    position = np.array([[*alone.wavelets[0].source_m, 0.4]])
    points = Points(position, np.ones(1), np.zeros(1), np.ones(1))
    return cardiac_rcg(alone, rhythm, timing, points, IDEAL, 1200, Still())[0], alone.wavelets[0]


def test_rcg_of_one_beat_is_the_second_derivative_of_the_wavelet():
    rcg, w = one_wavelet_rcg()
    fine_hz = 4000.0
    t = np.arange(0, 6.0, 1 / fine_hz) - 3.08 - w.delay_s
    x = w.amplitude_mm * np.cos(2 * np.pi * w.freq_hz * t + w.phase_rad) * np.exp(-((t / w.width_s) ** 2))
    expected = 1.15 * np.gradient(np.gradient(x, 1 / fine_hz), 1 / fine_hz)[::20]
    assert np.max(np.abs(rcg - expected)) < 0.01 * np.max(np.abs(expected))


def test_beats_fall_between_samples():
    a, _ = one_wavelet_rcg(0.0)
    b, _ = one_wavelet_rcg(0.0025)
    spectra = np.fft.rfft(a), np.fft.rfft(b)
    freqs_hz = np.fft.rfftfreq(1200, 1 / 200.0)
    strong = np.abs(spectra[0]) > 0.3 * np.abs(spectra[0]).max()
    lag_s = -np.angle(spectra[1] / spectra[0])[strong] / (2 * np.pi * freqs_hz[strong])
    assert np.median(lag_s) == pytest.approx(0.0025, abs=0.0004)


def test_points_differ_in_gain_sign_and_place():
    points = sample_points(200, np.random.default_rng(3))
    assert points.positions_m.shape == (200, 3)
    assert np.ptp(points.positions_m[:, 0]) > 0.15
    assert np.std(np.log(np.abs(points.gain))) > 0.3
    assert (points.gain < 0).any()
    assert points.delay_s.max() < 0.01


@pytest.mark.parametrize("tilt", [-0.7, 0.0, 0.9])
def test_response_is_one_at_ten_hertz_before_the_fall_off(tilt):
    sensor = replace(IDEAL, tilt=tilt)
    gain = sensor.response(np.array([0.1, 0.7, 5.0, 10.0, 20.0]))
    assert gain[3] == pytest.approx(1.0, abs=1e-9)
    assert gain[4] / gain[3] == pytest.approx(gain[3] / gain[2]) == pytest.approx(2.0**tilt)
    assert gain[0] == gain[1]


def test_response_falls_off_with_the_second_order_above_the_corner():
    sensor = replace(IDEAL, corner_hz=20.0)
    gain = sensor.response(np.array([5.0, 20.0, 200.0, 400.0]))
    assert gain[:2] == pytest.approx([1.0, np.sqrt(0.5)], abs=2e-3)
    assert gain[2] / gain[3] == pytest.approx(4.0, rel=1e-3)


def test_drawn_sensors_see_ten_hertz():
    sensors = [sample_sensor(200.0, np.random.default_rng(k)) for k in range(50)]
    assert all(18.0 <= s.corner_hz <= 80.0 and -0.7 <= s.tilt <= 0.9 for s in sensors)
    assert np.ptp([s.tilt for s in sensors]) > 1.0
    assert min(s.response(np.array([10.0]))[0] for s in sensors) > 1 / np.sqrt(1 + (10 / 18) ** 4) - 1e-9
