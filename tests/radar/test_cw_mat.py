from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io

from radarode.core.errors import InputError
from radarode.radar.capture import open_capture
from radarode.radar.description import CwRadar
from radarode.radar.presets import PRESETS


def signals(n: int = 4000) -> dict[str, Any]:
    phase = 2 * np.sin(2 * np.pi * 0.3 * np.arange(n) / 2000)
    return {"radar_i": np.cos(phase)[:, None], "radar_q": np.sin(phase)[:, None], "fs_radar": 2000.0}


def save(folder: Path, **changes: Any) -> Path:
    path = folder / "GDN0001_1_Resting.mat"
    values = {key: value for key, value in {**signals(), **changes}.items() if value is not None}
    scipy.io.savemat(path, values, do_compression=True)
    return path


def test_i_and_q_become_complex_samples(tmp_path: Path):
    capture = open_capture(save(tmp_path))
    truth = signals()
    assert isinstance(capture.radar, CwRadar)
    assert (capture.radar.fs_hz, capture.n_frames, capture.duration_s) == (2000.0, 4000, 2.0)
    expected = (truth["radar_i"] + 1j * truth["radar_q"])[:, 0].astype(np.complex64)
    np.testing.assert_array_equal(capture.read(), expected)
    np.testing.assert_array_equal(capture.read(100, 120), expected[100:120])
    assert capture.facts.saturated == 0.0


def test_matlab_73(tmp_path: Path):
    path = tmp_path / "a.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in signals().items():
            file[name] = np.atleast_2d(value)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file" + b" " * 105 + b"\x00\x02IM")
    np.testing.assert_array_equal(open_capture(path).read(), open_capture(save(tmp_path)).read())


def test_missing_samples_are_lost(tmp_path: Path):
    i = signals()["radar_i"].copy()
    i[50:60] = np.nan
    capture = open_capture(save(tmp_path, radar_i=i))
    assert np.flatnonzero(capture.lost).tolist() == list(range(50, 60))
    assert not capture.read(50, 60).any()
    i[:1000] = np.nan
    with pytest.raises(InputError, match=r"lost 25.0% of its bytes"):
        open_capture(save(tmp_path, radar_i=i))


def test_clipping_is_seen(tmp_path: Path):
    clipped = np.clip(signals()["radar_q"], -0.5, 0.5)
    with pytest.raises(InputError, match="is saturated"):
        open_capture(save(tmp_path, radar_q=clipped))
    assert open_capture(save(tmp_path, radar_q=clipped), max_saturated=1.0).facts.saturated > 0.3


def test_the_users_radar_must_agree_on_the_rate(tmp_path: Path):
    assert open_capture(save(tmp_path), PRESETS["cw24"]).radar is PRESETS["cw24"]
    assert open_capture(save(tmp_path, fs_radar=None), PRESETS["cw24"]).frame_rate_hz == 2000.0
    with pytest.raises(InputError, match="was sampled at 2000 Hz; a says 100 Hz"):
        open_capture(save(tmp_path), CwRadar("a", 24e9, 100.0))
    with pytest.raises(InputError, match="describes a fmcw radar"):
        open_capture(save(tmp_path), PRESETS["awr1843"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"radar_q": np.zeros((10, 1))}, "equally long"),
        ({"radar_q": None}, "radar_i, radar_q and fs_radar"),
        ({"radar_i": np.full((4000, 1), np.inf)}, "infinite"),
        ({"radar_i": np.zeros((4000, 1))}, "saturated"),
        ({"radar_i": np.array([["abc"]])}, "plain numbers"),
        ({"fs_radar": None}, "lacks fs_radar"),
        ({"fs_radar": np.array([1.0, 2.0])}, "one number"),
        ({"fs_radar": np.nan}, "one number"),
        ({"fs_radar": -5.0}, "`fs_hz`"),
    ],
)
def test_bad_files(tmp_path: Path, changes: dict, message: str):
    with pytest.raises(InputError, match=message):
        open_capture(save(tmp_path, **changes))


def test_a_truncated_file(tmp_path: Path):
    path = save(tmp_path)
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(InputError, match="truncated"):
        open_capture(path)
