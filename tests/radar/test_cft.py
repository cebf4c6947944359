from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.capture import open_capture
from radarode.radar.fmcw import FmcwRadar
from radarode.radar.readers.cft import cft_radar

MakeCube = Callable[..., np.ndarray]
FRAME = (2, 3, 4, 256)


def save(folder: Path, array: np.ndarray, **how: bool) -> Path:
    np.save(folder / "cube.npy", array, **how)
    return folder / "cube.npy"


def test_a_complex_cube_holds_two_loops(tmp_path: Path, make_cube: MakeCube):
    radar = cft_radar(FRAME, loops=True)
    cube = make_cube(radar, 6).astype(np.complex64)
    capture = open_capture(save(tmp_path, cube.reshape(6, *FRAME)))
    assert isinstance(capture.radar, FmcwRadar)
    assert capture.radar.tx_order == (0, 1, 2, 0, 1, 2)
    assert (capture.n_frames, capture.frame_rate_hz) == (6, 200.0)
    np.testing.assert_array_equal(capture.read(), cube)
    assert capture.facts.warnings == ()
    assert capture.facts.saturated is None, "scaled samples have no full scale"


def test_a_real_cube_holds_i_and_q(tmp_path: Path, make_cube: MakeCube):
    radar = cft_radar(FRAME, loops=False)
    cube = np.rint(make_cube(radar, 6).view(float)).view(complex)
    parts = np.stack([cube.real, cube.imag], axis=1).astype(np.int16)
    capture = open_capture(save(tmp_path, parts))
    assert isinstance(capture.radar, FmcwRadar)
    assert capture.radar.tx_order == (0, 1, 2)
    np.testing.assert_array_equal(capture.read(2, 5), cube[2:5])
    assert capture.facts.saturated == 0.0


def test_real_loops_are_read_where_asked_for(tmp_path: Path, make_cube: MakeCube):
    radar = cft_radar(FRAME, loops=True, iq=False)
    cube = make_cube(radar, 4).real.astype(np.float32)
    capture = open_capture(save(tmp_path, cube.reshape(4, *FRAME)), cft_axis="chirps")
    np.testing.assert_array_equal(capture.read(), cube)


def test_swapped_i_and_q_are_swapped_back(tmp_path: Path, make_cube: MakeCube):
    radar = cft_radar(FRAME, loops=True)
    cube = make_cube(radar, 6).astype(np.complex64)
    swapped = cube.imag + 1j * cube.real
    capture = open_capture(save(tmp_path, swapped.reshape(6, *FRAME)))
    np.testing.assert_array_equal(capture.read(), cube)
    assert "swapped back" in capture.facts.warnings[0]


def test_the_users_description_must_fit(tmp_path: Path, make_cube: MakeCube, small: FmcwRadar):
    cube = make_cube(small, 3).astype(np.complex64)
    path = save(tmp_path, cube.reshape(3, 2, 2, 4, 64))
    np.testing.assert_array_equal(open_capture(path, small).read(), cube)
    with pytest.raises(InputError, match=r"cube.npy: a frame of it is .* = \(4, 4, 64\); cft \(awr1843\) says"):
        open_capture(path, cft_radar(FRAME, loops=True))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 3, 3, 4, 256), np.complex64), "got shape"),
        (np.zeros((0, *FRAME), np.complex64), "got shape"),
        (np.zeros((4, 2, 3, 256), np.complex64), "got shape"),
        (np.zeros((4, 2, 9, 4, 256), np.complex64), "need a description"),
        (np.full((2, *FRAME), np.nan, np.complex64), "not finite"),
        (np.full((2, *FRAME), np.inf, np.float32), "not finite"),
        (np.full((2, *FRAME), 32767, np.int16), "is saturated"),
        (np.zeros((2, *FRAME), "<U3"), "elements of type"),
        (np.zeros((2, *FRAME), [("a", "i2")]), "elements of type"),
    ],
)
def test_bad_cubes(tmp_path: Path, array: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        open_capture(save(tmp_path, array))


def test_a_complex_cube_has_no_axis_of_i_and_q(tmp_path: Path):
    with pytest.raises(InputError, match="cft_axis = chirps"):
        open_capture(save(tmp_path, np.zeros((2, *FRAME), np.complex64)), cft_axis="iq")


def test_hostile_files(tmp_path: Path):
    objects = np.empty((1, *FRAME), dtype=object)
    with pytest.raises(InputError, match="pickled, truncated or damaged"):
        open_capture(save(tmp_path, objects, allow_pickle=True))
    path = save(tmp_path, np.zeros((2, *FRAME), np.complex64))
    whole = path.read_bytes()
    path.write_bytes(whole[:5000])
    with pytest.raises(InputError, match="pickled, truncated or damaged"):
        open_capture(path)
    path.write_bytes(whole.replace(b"(2, 2, 3, 4, 256)", b"(2,2,3,4,2560000)"))
    with pytest.raises(InputError, match="pickled, truncated or damaged"):
        open_capture(path)
    path.write_bytes(whole[:20])
    with pytest.raises(InputError, match="pickled, truncated or damaged"):
        open_capture(path)
