"""R peaks: made-up beats with known times, gaps, and annotated real records."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.peaks import detect_r_peaks


def ecg_with_beats(r_s: np.ndarray, duration_s: float, fs_hz: float) -> np.ndarray:
    t = np.arange(round(duration_s * fs_hz)) / fs_hz
    waves = ((1.0, 0.0, 0.012), (-0.15, -0.03, 0.01), (-0.2, 0.03, 0.01), (0.25, 0.25, 0.05), (0.1, -0.16, 0.025))
    ecg = 0.1 * np.sin(2 * np.pi * 0.25 * t)
    for r in r_s:
        for gain, delay, width in waves:
            ecg += gain * np.exp(-0.5 * ((t - r - delay) / width) ** 2)
    return ecg


def f1(found: np.ndarray, truth: np.ndarray, tolerance_s: float = 0.05) -> float:
    hits = (np.abs(found[:, None] - truth).min(axis=1) < tolerance_s).sum()
    return 2 * hits / (len(found) + len(truth))


@pytest.mark.parametrize("fs_hz", [125, 200, 360, 1000])
@pytest.mark.parametrize("gain", [1.0, -1.0, 1e-4, 5000.0])
def test_known_beats_are_found_between_samples(fs_hz, gain, rng):
    r_s = 0.6 + np.cumsum(rng.uniform(0.75, 0.95, 30))
    found = detect_r_peaks(gain * ecg_with_beats(r_s, r_s[-1] + 1, fs_hz), fs_hz)
    assert len(found) == 30
    assert np.abs(found - r_s).max() < 0.4 / fs_hz + 0.0005


def test_gaps_are_skipped_and_short_ones_bridged(rng):
    r_s = np.arange(0.5, 40, 0.8)
    ecg = ecg_with_beats(r_s, 40, 200)
    ecg[2000:3000] = np.nan
    ecg[4200:4205] = np.nan
    ecg[7800:] = np.nan
    found = detect_r_peaks(ecg, 200)
    inside = r_s[((r_s < 9.9) | (r_s > 15.1)) & (r_s < 38.9)]
    assert f1(found, inside) > 0.97
    assert not ((found > 10.02) & (found < 14.98)).any()
    assert found.max() < 39.02


@pytest.mark.parametrize("ecg", [np.zeros(2000), np.full(2000, np.nan), np.zeros(10), np.zeros(0), np.full(2000, 3.3)])
def test_nothing_to_find_gives_an_empty_result(ecg):
    found = detect_r_peaks(ecg, 200)
    assert found.shape == (0,)
    assert found.dtype == np.float64


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="one-dimensional"):
        detect_r_peaks(np.zeros((2, 100)), 200)
    with pytest.raises(InputError, match="fs_hz"):
        detect_r_peaks(np.zeros(100), 5)
    with pytest.raises(InputError, match="infinite"):
        detect_r_peaks(np.array([0.0, np.inf]), 200)


@pytest.mark.parametrize("sign", [1, -1])
def test_annotated_real_record(real_data, sign):
    import wfdb

    path = str(real_data / "wfdb_sample_ecg" / "100")
    record, notes = wfdb.rdrecord(path, channels=[0]), wfdb.rdann(path, "atr")
    truth = notes.sample[[symbol in "NAV" for symbol in notes.symbol]] / notes.fs
    found = detect_r_peaks(sign * record.p_signal[:, 0], record.fs)
    assert f1(found, truth) >= 0.999
    nearest = truth[np.abs(found[:, None] - truth).argmin(axis=1)]
    assert np.median(np.abs(found - nearest)) < 0.003


@pytest.mark.parametrize(
    ("name", "beats", "part"),
    [
        ("bio_resting_5min_100hz", 433, 0.03),
        ("bio_resting_8min_100hz", 478, 0.005),
        ("bio_eventrelated_100hz", 152, 0.005),
    ],
)
def test_real_records_at_100_hz(real_data, name, beats, part):
    table = np.genfromtxt(real_data / "neurokit_ecg_rsp" / f"{name}.csv", delimiter=",", names=True)
    found = detect_r_peaks(table["ECG"], 100)
    assert len(found) == pytest.approx(beats, rel=part)
    assert np.diff(found).min() > 0.24


def test_real_500_hz_record_has_regular_intervals(real_data):
    from scipy.io import loadmat

    ecg = loadmat(real_data / "camera_scg_multipoint" / "1-2.mat", squeeze_me=True)["ECG"].astype(float)
    intervals_s = np.diff(detect_r_peaks(ecg, 500))
    assert 60 / intervals_s.mean() == pytest.approx(64.7, abs=0.2)
    assert intervals_s.min() > 0.7
    assert intervals_s.max() < 1.2


@pytest.mark.parametrize("lead", ["i", "ii", "iii"])
def test_real_12_lead_record_gives_the_same_beats_in_every_limb_lead(real_data, lead):
    import wfdb

    record = wfdb.rdrecord(str(real_data / "wfdb_sample_ecg" / "s0010_re"), channel_names=[lead])
    intervals_s = np.diff(detect_r_peaks(record.p_signal[:, 0], record.fs))
    assert len(intervals_s) == 51
    assert np.ptp(intervals_s) < 0.12
