from dataclasses import replace

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.peaks import detect_r_peaks
from radarode.simulate import Conditions, cut_beats, person_of, simulate_recording
from radarode.simulate.ecg import _apex_s, simulate_ecg
from radarode.simulate.heart import Rhythm

FS_HZ = 200.0


def rhythm_of(rr_s, n=60):
    return Rhythm(-5.0 + rr_s * np.arange(n), np.zeros(n, int), False)


def quiet(person):
    return replace(person.ecg, noise_mv=0.0, wander_mv=0.0)


@pytest.mark.parametrize("status", ["NB", "IB", "PE", "SP"])
def test_r_peaks_agree_with_the_detector(status):
    for k in range(4):
        recording = simulate_recording(
            person_of(5, k), 60.0, status, np.random.default_rng(k), Conditions(n_channels=1)
        )
        found = detect_r_peaks(recording.ecg_mv, recording.fs_hz)
        true = recording.r_peaks_s[(recording.r_peaks_s > 1.5) & (recording.r_peaks_s < 58.5)]
        error_ms = 1000 * np.array([np.min(np.abs(found - r)) for r in true])
        assert np.median(error_ms) < 1.5
        assert error_ms.max() < 5.0


def test_amplitudes_are_millivolts_and_p_and_t_are_visible():
    for k in range(8):
        traits = quiet(person_of(6, k))
        ecg = simulate_ecg(traits, rhythm_of(1.0), 6000, FS_HZ, np.random.default_rng(0))
        beat = np.mean([ecg[round((r - 0.4) * FS_HZ) :][:180] for r in np.arange(1.0, 25.0)], axis=0)
        r_mv = traits.amplitude_mv[2]
        baseline = np.median(beat[:20])
        p_window, t_window = beat[30:70] - baseline, beat[110:160] - baseline
        assert 0.4 < beat.max() < 2.3
        assert p_window.max() > 0.03 * r_mv
        assert np.abs(t_window).max() > 0.03 * r_mv


def test_qt_follows_the_square_root_of_the_interval():
    traits = quiet(person_of(6, 1))
    place = {}
    for rr_s in (0.64, 1.0):
        ecg = simulate_ecg(traits, rhythm_of(rr_s), 2000, FS_HZ, np.random.default_rng(0))
        r_s = rhythm_of(rr_s).r_s
        r_s = r_s[(r_s > 2) & (r_s < 8)]
        mean = np.mean([ecg[round(r * FS_HZ) :][: round(0.62 * rr_s * FS_HZ)] for r in r_s], axis=0)
        after = round(0.13 * FS_HZ)
        place[rr_s] = (after + np.argmax(mean[after:])) / FS_HZ
    assert place[0.64] / place[1.0] == pytest.approx(0.8, abs=0.04)


def test_height_does_not_depend_on_the_heart_rate():
    traits = quiet(person_of(6, 2))
    heights = [
        simulate_ecg(traits, rhythm_of(rr_s), 2000, FS_HZ, np.random.default_rng(0)).max() for rr_s in (0.6, 1.0)
    ]
    assert heights[0] == pytest.approx(heights[1], rel=0.12)


def test_apex_is_zero_for_a_lone_r_wave():
    amplitude = np.array([[0.0, 0.0, 1.0, 0.0, 0.0]])
    assert _apex_s(amplitude, np.zeros((1, 5)), np.full((1, 5), 0.01))[0, 0] == pytest.approx(0.0, abs=1e-9)


def test_irregular_rhythm_has_no_p_wave():
    person = person_of(6, 0)
    rng = np.random.default_rng(0)
    rhythm = rhythm_of(1.0)
    with_p = simulate_ecg(quiet(person), rhythm, 4000, FS_HZ, rng)
    without = simulate_ecg(quiet(person), replace(rhythm, irregular=True), 4000, FS_HZ, rng)
    p_at = round((10.0 + person.ecg.angle_rad[0] / (2 * np.pi)) * FS_HZ) + FS_HZ * np.arange(-5, 5)
    p_at = p_at.astype(int)
    assert np.mean(with_p[p_at]) - np.mean(without[p_at]) > 0.5 * person.ecg.amplitude_mv[0]


def test_real_beats_keep_their_shape_at_simulated_times(real_data):
    wfdb = pytest.importorskip("wfdb")
    record = wfdb.rdrecord(str(real_data / "wfdb_sample_ecg" / "100"), sampto=360 * 60)
    ecg = record.p_signal[:, 0]
    beats = cut_beats(ecg, 360.0, detect_r_peaks(ecg, 360.0))
    conditions = Conditions(n_channels=1, beats=beats)
    recording = simulate_recording(person_of(5, 0), 60.0, "NB", np.random.default_rng(0), conditions)
    found = detect_r_peaks(recording.ecg_mv, recording.fs_hz)
    true = recording.r_peaks_s[1:-1]
    assert np.max([np.min(np.abs(found - r)) for r in true]) < 0.008
    cut = [recording.ecg_mv[round(r * FS_HZ) - 12 :][:28] for r in true]
    real_r = detect_r_peaks(ecg, 360.0)[1:-1]
    there = np.arange(-12, 16) / FS_HZ
    real = np.mean([np.interp(r + there, np.arange(len(ecg)) / 360.0, ecg) for r in real_r], axis=0)
    assert np.corrcoef(np.mean(cut, axis=0), real)[0, 1] > 0.98
    assert "real beats" in recording.notes["ecg"]


def test_too_few_real_beats_are_refused():
    with pytest.raises(InputError, match="clean beat intervals"):
        cut_beats(np.zeros(1000), 200.0, np.array([0.5, 1.5]))
