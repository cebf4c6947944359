from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from radarode.core.errors import InputError
from radarode.data.load import load
from radarode.data.readers.camera import CHANNELS

TRUE_RATE_HZ = 250 * (1 + 0.001484)


def variables(seconds: float = 40.0, beat_s: float = 0.8) -> dict[str, Any]:
    """Return a session with a pulse of chest velocity exactly at every R peak, on the camera's own clock."""
    camera_s = np.arange(round(seconds * TRUE_RATE_HZ)) / TRUE_RATE_HZ
    to_beat = (camera_s - 0.4) % beat_s
    pulse = np.exp(-0.5 * (np.minimum(to_beat, beat_s - to_beat) / 0.02) ** 2)
    to_beat = (np.arange(round((seconds + 10) * 500)) / 500 - 0.4) % beat_s
    ecg = 1500 * np.exp(-0.5 * (np.minimum(to_beat, beat_s - to_beat) / 0.01) ** 2)
    flow = {name: (gain + 1) * pulse[:, None] for gain, name in enumerate(CHANNELS)}
    return {"ECG": ecg.astype(np.int16)[:, None], "HR": np.full((320, 1), 66, np.uint8), **flow}


def test_motion_is_put_on_the_clock_of_the_ecg(tmp_path: Path):
    savemat(tmp_path / "3-2.mat", variables(), do_compression=True)
    made = load(tmp_path / "3-2.mat")
    assert (made.subject, made.trial, made.source, made.motion) == ("camera-3", "2", "camera", "velocity")
    assert made.n_channels == 6
    assert made.duration_s == pytest.approx(40.0, abs=0.01)
    assert made.r_peaks_s is not None
    assert made.ecg_mv is not None
    assert made.ecg_mv.max() == pytest.approx(1.5, rel=0.02)
    velocity = np.cumsum(made.rcg[5]) / 200
    for r_s in made.r_peaks_s[[2, 20, -3]]:
        around = np.arange(round((r_s - 0.2) * 200), round((r_s + 0.2) * 200))
        assert around[np.argmax(velocity[around])] / 200 == pytest.approx(r_s, abs=0.006)
    assert "unknown" in made.notes["delay"]


def test_some_flow_signals_are_enough(tmp_path: Path):
    some = variables()
    for name in ("Drx", "Dgy", "Dxyg"):
        del some[name]
    savemat(tmp_path / "session.mat", some)
    made = load(tmp_path / "session.mat")
    assert (made.n_channels, made.subject, made.trial) == (3, "camera-session", "1")
    assert made.notes["channels"] == "Dry, Dgx, Dxyr"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Drx": np.zeros(70)}, "differ in length"),
        ({"Drx": "words"}, "Drx in .* must hold plain numbers"),
        ({name: np.zeros(10_000) for name in CHANNELS}, "every motion channel .* is constant"),
        ({name: np.arange(900.0) for name in CHANNELS}, "at least one window"),
        ({"ECG": {"a": 1}}, "must hold plain numbers"),
    ],
)
def test_wrong_signals_are_refused(tmp_path: Path, change: dict[str, Any], message: str):
    savemat(tmp_path / "1-1.mat", {**variables(), **change})
    with pytest.raises(InputError, match=message):
        load(tmp_path / "1-1.mat")


def test_without_its_fields_it_is_foreign(tmp_path: Path):
    savemat(tmp_path / "1-1.mat", {"ECG": np.zeros(100), "PPG": np.zeros(100)})
    with pytest.raises(InputError, match=r"a camera .mat has ECG and Drx"):
        load(tmp_path / "1-1.mat")


@pytest.mark.parametrize("session", ["1-1", "1-2"])
def test_real_sessions_agree_with_the_monitor(real_data: Path, session: str):
    path = real_data / "camera_scg_multipoint" / f"{session}.mat"
    made = load(path)
    monitor_bpm = loadmat(path)["HR"].astype(float)[: int(made.duration_s)].mean()
    assert made.r_peaks_s is not None
    assert made.subject == "camera-1"
    assert 60 / np.diff(made.r_peaks_s).mean() == pytest.approx(monitor_bpm, abs=0.5)
    assert np.isfinite(made.rcg).all()
    early, late = (_mean_beat(made.rcg[5], made.r_peaks_s[half]) for half in (slice(5, 100), slice(-100, -5)))
    assert np.corrcoef(early, late)[0, 1] > 0.95


def _mean_beat(rcg: np.ndarray, peaks_s: np.ndarray) -> np.ndarray:
    """Return the average of the 5-20 Hz motion around R; a wrong clock (0.4 s in 5 min) would smear it."""
    from scipy.signal import butter, sosfiltfilt

    band = sosfiltfilt(butter(3, (5, 20), "bandpass", fs=200, output="sos"), rcg)
    return np.mean([band[i - 30 : i + 110] for i in np.rint(peaks_s * 200).astype(int)], axis=0)
