from dataclasses import replace

import numpy as np
import pytest

from radarode.core.constants import BAND_HZ
from radarode.core.errors import InputError
from radarode.simulate import Conditions, person_of, simulate_recording
from radarode.simulate.random_signals import band_power

CLEAN = float("inf")


def simulate(person=0, duration_s=60.0, status="NB", seed=0, **conditions):
    conditions = {"n_channels": 8, **conditions}
    return simulate_recording(
        person_of(0, person), duration_s, status, np.random.default_rng(seed), Conditions(**conditions)
    )


def test_a_recording_is_complete_and_says_that_it_is_simulated():
    recording = simulate_recording(person_of(0, 7), 30.0, "NB", np.random.default_rng(0), trial="2")
    assert recording.rcg.shape == (50, 6000)
    assert recording.ecg_mv.shape == (6000,)
    assert recording.positions_m.shape == (50, 3)
    assert recording.simulated
    assert recording.name == "sim-0007-2"
    assert 18 <= len(recording.r_peaks_s) <= 50


def test_equal_generators_give_equal_recordings():
    a, b, c = simulate(seed=4), simulate(seed=4), simulate(seed=5)
    assert np.array_equal(a.rcg, b.rcg)
    assert np.array_equal(a.ecg_mv, b.ecg_mv)
    assert a.notes == b.notes
    assert not np.array_equal(a.rcg, c.rcg)


@pytest.mark.parametrize("snr_db", [12.0, 0.0])
def test_noise_is_at_the_level_asked_and_changes_nothing_else(snr_db):
    for seed in range(3):
        clean = simulate(seed=seed, snr_db=CLEAN, movement_per_min=0.0)
        noisy = simulate(seed=seed, snr_db=snr_db, movement_per_min=0.0)
        assert np.array_equal(clean.r_peaks_s, noisy.r_peaks_s)
        assert np.array_equal(clean.ecg_mv, noisy.ecg_mv)
        noise = noisy.rcg - clean.rcg
        ratio = band_power(clean.rcg, 200.0, (2.0, 25.0)) / band_power(noise, 200.0, BAND_HZ)
        assert 10 * np.log10(np.median(ratio)) == pytest.approx(snr_db, abs=1.5)


def test_drawn_noise_levels_spread_over_the_stated_range():
    levels = np.array([float(simulate(person=k, duration_s=5.0).notes["snr_db"]) for k in range(40)])
    assert levels.min() >= 0
    assert levels.max() <= 18
    assert levels.std() > 3


def test_statuses_differ_as_they_should():
    rate = {}
    for status in ("NB", "IB", "PE", "SP"):
        beats = [np.diff(simulate(person=k, status=status).r_peaks_s).mean() for k in range(12)]
        rate[status] = 60 / np.array(beats)
    assert np.mean(rate["SP"]) < np.mean(rate["NB"]) - 4
    assert np.mean(rate["PE"]) > np.mean(rate["NB"]) + 15
    every = np.concatenate(list(rate.values()))
    assert every.min() > 40
    assert every.max() < 130


def test_exercise_shortens_the_time_to_ejection():
    by_status = {
        status: np.mean([float(simulate(person=k, status=status).notes["r_to_opening_ms"]) for k in range(12)])
        for status in ("NB", "PE")
    }
    assert by_status["PE"] < by_status["NB"] - 10


def test_ectopy_and_irregular_rhythm_come_on_request_only():
    assert simulate().notes["ectopic_beats"] == "0"
    assert int(simulate(ectopic_per_min=3.0).notes["ectopic_beats"]) >= 1
    plain, irregular = simulate(), simulate(irregular=True)
    spread = [np.diff(r.r_peaks_s).std() / np.diff(r.r_peaks_s).mean() for r in (plain, irregular)]
    assert spread[1] > 0.12 > spread[0]


def test_beats_show_in_the_average_over_r():
    recording = simulate(snr_db=CLEAN, movement_per_min=0.0)
    starts = np.round(recording.r_peaks_s[2:-2] * 200).astype(int)
    windows = recording.rcg[:, starts[:, None] + np.arange(-20, 110)]
    mean = windows.mean(axis=1)
    systole = np.abs(mean[:, 25:60]).max(axis=1)
    before = np.abs(mean[:, :10]).max(axis=1)
    assert np.median(systole / before) > 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("snr_db", float("nan")),
        ("n_channels", 0),
        ("movement_per_min", -1.0),
        ("ectopic_per_min", 99.0),
    ],
)
def test_impossible_conditions_are_refused(name, value):
    with pytest.raises(InputError, match=name):
        replace(Conditions(), **{name: value})


@pytest.mark.parametrize(("duration_s", "status"), [(0.5, "NB"), (float("nan"), "NB"), (1e6, "NB"), (60.0, "XX")])
def test_impossible_recordings_are_refused(duration_s, status):
    with pytest.raises(InputError):
        simulate(duration_s=duration_s, status=status)


def test_a_recording_too_large_for_memory_is_refused():
    with pytest.raises(InputError, match="several recordings"):
        simulate(duration_s=20_000.0, n_channels=50)
