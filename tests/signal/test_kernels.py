"""The compiled loops against the same formulas written with array operations."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.signal.kernels import decimate, modulus, reassign
from radarode.signal.sst import _axis_places

ROWS = 9
FREQS_HZ = np.geomspace(1.0, 25.0, ROWS)


def pairs(values: np.ndarray) -> np.ndarray:
    return np.stack([values.real, values.imag], axis=-1).astype(np.float32)


def coefficients(rng: np.random.Generator, points: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Return (channel, row, point) values and derivatives whose frequencies reach beyond the axis on both sides."""
    shape = (2, ROWS, points)
    w = rng.normal(size=shape) + 1j * rng.normal(size=shape)
    hz = np.exp(rng.uniform(np.log(0.3), np.log(60.0), shape))
    return w, 2j * np.pi * hz * w


def by_definition(w: np.ndarray, slope: np.ndarray, binning: str) -> np.ndarray:
    """Return (channel, point, row) magnitudes, coefficient by coefficient in float64."""
    total = np.zeros((w.shape[0], w.shape[2], ROWS), dtype=complex)
    per_row = np.log(FREQS_HZ[-1] / FREQS_HZ[0]) / (ROWS - 1)
    for (channel, _, point), value in np.ndenumerate(w):
        hz = (slope[channel, _, point] / value).imag / (2 * np.pi)
        at = np.log(hz / FREQS_HZ[0]) / per_row
        shares = {int(np.floor(at)): 1 - at % 1, int(np.floor(at)) + 1: at % 1}
        if binning == "nearest":
            shares = {int(np.clip(np.rint(at), 0, ROWS - 1)): 1.0}
        if binning == "floor":
            shares = {int(np.floor(at)): 1.0}
        for row, share in shares.items():
            if 0 <= row < ROWS:
                total[channel, point, row] += share * value
    return np.abs(total)


@pytest.mark.parametrize("binning", ["linear", "nearest", "floor"])
def test_reassignment_is_its_definition(rng, binning):
    w, slope = coefficients(rng)
    out = np.empty((2, 300, ROWS), np.float32)
    reassign(pairs(w), pairs(slope), _axis_places(FREQS_HZ, binning), binning == "linear", np.float32(2), out)
    np.testing.assert_allclose(out, 2 * by_definition(w, slope, binning), atol=2e-4)


def test_nothing_and_far_too_much_stay_within_the_axis():
    w = np.array([0, 1e-30, 1e30, 3e38, np.inf, np.nan], np.complex64)[None, None].repeat(ROWS, axis=1)
    slope = np.array([1e30, 0, -1e30, 3e38, np.inf, 1], np.complex64)[None, None].repeat(ROWS, axis=1)
    guarded = np.full((3, 6, ROWS), 7.0, np.float32)
    for split in (True, False):
        reassign(pairs(w), pairs(slope), _axis_places(FREQS_HZ, "linear"), split, np.float32(1), guarded[1:2])
        assert (guarded[[0, 2]] == 7.0).all()
        assert (guarded[1, 0] == 0).all()


def test_modulus_and_decimation(rng):
    w = rng.normal(size=(2, ROWS, 50)) + 1j * rng.normal(size=(2, ROWS, 50))
    size = np.empty((2, 50, ROWS), np.float32)
    modulus(pairs(w), size)
    np.testing.assert_allclose(size, np.abs(w).transpose(0, 2, 1), rtol=1e-6)
    for half in (1, 3, 8):
        taps = rng.normal(size=half + 1)
        taps = np.concatenate([taps[:0:-1], taps]).astype(np.float32)
        frames = np.empty((2, ROWS, (50 - len(taps)) // 2 + 1), np.float32)
        decimate(size, taps, 2, frames)
        wanted = [(size[:, 2 * k : 2 * k + len(taps)] * taps[:, None]).sum(axis=1) for k in range(frames.shape[2])]
        np.testing.assert_allclose(frames, np.maximum(np.stack(wanted, axis=-1), 0), atol=1e-5)
