"""Stretches of a long recording, and gaps at their borders."""

from __future__ import annotations

import math

import numpy as np
import pytest

from radarode.radar.fields import Field
from radarode.radar.motion import point_motion

FS_HZ = 200.0
N = round(60 * FS_HZ)


class Ideal(Field):
    """One point of unit amplitude."""

    def __init__(self, x_m: np.ndarray, lost: np.ndarray) -> None:
        self.fs_hz, self.wavelength_m, self.lost, self.bridged = FS_HZ, 3.9e-3, lost, np.zeros_like(lost)
        self.z = np.where(lost, 0, np.exp(4j * math.pi / self.wavelength_m * x_m))

    def signals(self, points_m: np.ndarray, first: int = 0, last: int | None = None) -> np.ndarray:
        return np.repeat(self.z[first:last, None].astype(np.complex64), len(points_m), axis=1)

    def independent(self, points_m: np.ndarray) -> int:
        return 1


@pytest.mark.parametrize(
    "gaps_s",
    [
        [(19.75, 20.25)],
        [(19.5, 20.0)],
        [(20.0, 20.5)],
        [(19.5, 19.98)],
        [(20.05, 20.5)],
        [(19.75, 20.2), (20.205, 20.5)],
    ],
)
@pytest.mark.parametrize("shifted", [False, True])
def test_a_gap_at_a_border_loses_nothing(gaps_s: list[tuple[float, float]], shifted: bool) -> None:
    time_s = np.arange(N) / FS_HZ
    x_m = 3e-3 * np.sin(2 * math.pi * 0.2 * time_s)
    lost = np.zeros(N, dtype=np.bool_)
    for start_s, stop_s in gaps_s:
        lost[round(start_s * FS_HZ) : round(stop_s * FS_HZ)] = True
    path_m, edges = np.zeros((1, 3)), np.array([0, N])
    if shifted:
        path_m, edges = np.array([[0.0, 0, 1], [0, 0, 1.01]]), np.array([0, round(20 * FS_HZ), N])
    found = point_motion(Ideal(x_m, lost), np.array([[0.0, 0.0, 1.0]]), path_m, edges)[0]
    assert np.isnan(found[lost]).all()
    assert np.abs((found - x_m + x_m[0])[~lost]).max() < 1e-4


def test_every_second_frame_lost_is_still_cut() -> None:
    x_m = 3e-3 * np.sin(2 * math.pi * 0.2 * np.arange(N) / FS_HZ)
    lost = np.arange(N) % 2 == 1
    found = point_motion(Ideal(x_m, lost), np.array([[0.0, 0.0, 1.0]]), np.zeros((1, 3)), np.array([0, N]))[0]
    assert np.abs((found - x_m)[~lost]).max() < 1e-4
