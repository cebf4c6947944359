from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.fmcw import FmcwRadar
from radarode.radar.readers.lanes import decode_lanes, encode_lanes, frame_bytes, frame_values, full_scale


def counted(radar: FmcwRadar) -> np.ndarray:
    """Return one frame whose samples tell where they stand: I = 1000 chirp + 100 rx + sample, Q = -I."""
    chirp, rx, sample = np.indices(radar.frame_shape)
    value = 1000 * chirp + 100 * rx + sample
    return (value - 1j * value)[None] if radar.iq else value[None]


def test_the_documented_orders(small: FmcwRadar):
    two = encode_lanes(counted(small), small)
    assert two[:8].tolist() == [0, 1, 0, -1, 2, 3, -2, -3], "I0 I1 Q0 Q1, I2 I3 Q2 Q3"
    assert two[2 * 64 : 2 * 64 + 4].tolist() == [100, 101, -100, -101], "receiver by receiver"
    assert two[2 * 64 * 4] == 1000, "chirp by chirp"
    four = encode_lanes(counted(small), replace(small, lanes=4))
    assert four[:8].tolist() == [0, 100, 200, 300, 0, -100, -200, -300], "I of four receivers, then Q"
    assert four[8:16].tolist() == [1, 101, 201, 301, -1, -101, -201, -301]
    real = replace(small, iq=False)
    assert encode_lanes(counted(real), real)[62:66].tolist() == [62, 63, 100, 101]
    real = replace(real, lanes=4)
    assert encode_lanes(counted(real), real)[:8].tolist() == [0, 100, 200, 300, 1, 101, 201, 301]


def test_q_first_swaps_the_two(small: FmcwRadar):
    swapped = replace(small, q_first=True)
    assert encode_lanes(counted(small), swapped)[:8].tolist() == [0, -1, 0, 1, -2, -3, 2, 3]


def test_lanes_without_receiver_hold_zeros(small: FmcwRadar):
    radar = replace(small, lanes=4, rx_m=small.rx_m[:2], rx_lanes=(3, 1))
    values = encode_lanes(counted(radar), radar).reshape(-1, 4)
    assert not values[:, [0, 2]].any()
    assert values[2].tolist() == [0, 101, 0, 1], "receiver 0 on lane 3, receiver 1 on lane 1"


def test_decode_undoes_encode(layouts: list[FmcwRadar], rng: np.random.Generator):
    for radar in layouts:
        cube = rng.integers(-3000, 3000, (3, *radar.frame_shape)) + 0j
        if radar.iq:
            cube = cube + 1j * rng.integers(-3000, 3000, cube.shape)
        values = encode_lanes(cube, radar)
        assert values.dtype == np.dtype("<i2")
        assert values.size == 3 * frame_values(radar) == 3 * frame_bytes(radar) // 2
        decoded = decode_lanes(values, radar)
        assert decoded.dtype == np.complex64
        np.testing.assert_array_equal(decoded, cube)


def test_encode_clips_to_the_bits_of_the_adc(small: FmcwRadar):
    radar = replace(small, adc_bits=12)
    values = encode_lanes(np.full((1, *radar.frame_shape), 9000 - 9000j), radar)
    assert (values.max(), values.min()) == (2047, -2048)
    assert full_scale(values, radar) == 1.0
    assert full_scale(values, small) == 0.0


def test_shapes_that_do_not_fit(small: FmcwRadar, make_cube: Callable[..., np.ndarray]):
    with pytest.raises(InputError, match="whole frames"):
        decode_lanes(np.zeros(frame_values(small) + 2, dtype=np.int16), small)
    with pytest.raises(InputError, match="of shape"):
        encode_lanes(make_cube(small, 2)[:, :1], small)
