from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.data.load import load

FS_HZ = 256.0
N = 2560


def arrays() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    time_s = np.arange(N) / FS_HZ
    acc = 0.05 * rng.standard_normal((N, 3)) + np.array([0.0, -9.81, 0.5])
    acc[:, 2] += 2.0 * (time_s > 5)
    gyro = np.stack([np.sin(2 * np.pi * hz * time_s) for hz in (2, 3, 4)], axis=1)
    ecg = 40 * rng.standard_normal(N)
    ecg[100::200] += 4000
    return {"fs": FS_HZ, "acc_ms2": acc, "gyro_dps": gyro, "ecg_au": ecg.astype(np.int32)}


def save(folder: Path, **changes: Any) -> Path:
    path = folder / "Vp07_decoded.npz"
    np.savez(path, **{**arrays(), **changes})
    return path


def test_acceleration_and_rotation_become_six_channels(tmp_path: Path):
    made = load(save(tmp_path))
    assert (made.subject, made.source, made.motion, made.rcg.shape) == (
        "nilspod-Vp07",
        "nilspod",
        "acceleration",
        (6, 2000),
    )
    time_s = np.arange(2000) / 200
    for channel, hz in ((3, 2), (4, 3), (5, 4)):
        wanted = 2 * np.pi * hz * np.cos(2 * np.pi * hz * time_s)
        assert np.abs(made.rcg[channel] - wanted)[200:-200].max() < 0.02 * 2 * np.pi * hz
    assert made.r_peaks_s is not None
    assert np.abs(np.diff(made.r_peaks_s) - 200 / FS_HZ).max() < 0.01


def test_gravity_and_posture_are_removed_but_not_the_pulse(tmp_path: Path):
    acc = np.tile(np.array([0.0, -9.81, 2.0]), (N, 1))
    acc[:, 0] = np.sin(2 * np.pi * 5 * np.arange(N) / FS_HZ)
    acc[:, 1] += np.linspace(0, 1, N)
    made = load(save(tmp_path, acc_ms2=acc))
    assert made.n_channels == 5
    assert made.notes["dropped_channels"] == "acc z (constant or NaN)"
    assert np.abs(made.rcg[0, 400:-400]).max() == pytest.approx(1.0, abs=0.02)
    assert np.abs(made.rcg[1, 400:-400]).max() < 0.01


def test_gaps_stay_gaps_in_both_sensors(tmp_path: Path):
    changed = arrays()
    changed["acc_ms2"][1000:1300] = np.nan
    changed["gyro_dps"][1000:1300, 0] = np.inf
    rcg = load(save(tmp_path, **changed)).rcg
    assert np.isnan(rcg[:4, 800:1000]).all()
    assert np.isfinite(rcg[4:]).all()
    assert np.isfinite(rcg[:, :700]).all()


def test_useless_rotation_is_left_out(tmp_path: Path):
    assert load(save(tmp_path, gyro_dps=np.zeros((N, 3)))).n_channels == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fs": np.array([1.0, 2.0])}, "fs in .* must be one number"),
        ({"fs": 0.0}, "`fs_hz` must be between"),
        ({"fs": np.nan}, "`fs_hz` must be between"),
        ({"acc_ms2": np.zeros((N, 2))}, r"acc_ms2 in .* must be \(2560, 3\)"),
        ({"gyro_dps": np.zeros((9, 3))}, "gyro_dps in .* must be"),
        ({"acc_ms2": np.zeros((N, 3))}, "constant or NaN"),
        ({"ecg_au": np.array([{}])}, "pickled objects are never loaded"),
        ({"acc_ms2": np.zeros((N, 3), complex)}, "must hold plain numbers"),
        ({"ecg_au": np.array("words")}, "must hold plain numbers"),
    ],
)
def test_wrong_fields_are_refused(tmp_path: Path, change: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        load(save(tmp_path, **change))


@pytest.mark.parametrize("n", [0, 1, 9, 10, 300])
def test_less_than_a_window_is_refused(tmp_path: Path, n: int):
    short = {name: value[:n] for name, value in arrays().items() if name != "fs"}
    with pytest.raises(InputError, match=r"Vp07_decoded\.npz: .*at least one window of 4 s"):
        load(save(tmp_path, **short))


@pytest.mark.parametrize("person", ["Vp01", "Vp02"])
def test_real_recordings_are_read(real_data: Path, person: str):
    made = load(real_data / "nilspod_ecg_imu_biopsykit" / f"{person}_decoded.npz")
    assert made.subject == f"nilspod-{person}"
    assert made.n_channels == 6
    assert np.isfinite(made.rcg).all()
    assert made.r_peaks_s is not None
    median_bpm = 60 / np.median(np.diff(made.r_peaks_s))
    assert median_bpm == pytest.approx({"Vp01": 85.8, "Vp02": 96.6}[person], abs=3)
