"""What is particular to the synchrosqueezed transform."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radarode.signal.sst import Sst


def reference_sst(x: np.ndarray, sst: Sst, times_s: np.ndarray) -> np.ndarray:
    """Compute |T| at `times_s` point by point, straight from the definition with linear binning, in float64."""
    t = np.arange(len(x)) / 200
    log_step = np.log(sst.freqs_hz[1] / sst.freqs_hz[0])
    out = np.zeros((71, len(times_s)), dtype=complex)
    xi = np.linspace(0.01, 12, 4000)
    weight = log_step / (np.exp(-0.5 * (xi - 6) ** 2) / xi).sum() / (xi[1] - xi[0])
    for row_in in range(71):
        a = 6 / (2 * np.pi * sst.freqs_hz[row_in])
        for k, b in enumerate(times_s):
            u = (t - b) / a
            psi = np.exp(-0.5 * u**2 - 6j * u) * 2 / np.sqrt(2 * np.pi) / a / 200
            w, dw = (x * psi).sum(), (x * psi * (u + 6j) / a).sum()
            freq_hz = (dw / w).imag / (2 * np.pi)
            place = np.log(max(freq_hz, 1e-6) / sst.freqs_hz[0]) / log_step
            low = int(np.floor(place))
            for row, part in ((low, 1 - (place - low)), (low + 1, place - low)):
                if 0 <= row < 71:
                    out[row, k] += w * part * weight
    return np.abs(out)


def test_matches_the_definition_point_by_point(rng):
    t = np.arange(2400) / 200
    x = np.cos(2 * np.pi * (6 * t + 0.4 * t**2)) + 0.5 * np.cos(2 * np.pi * 14 * t)
    sst = Sst(internal_rate_hz=600)
    points_s = np.arange(5.0, 7.0, 1 / 60)
    expected = reference_sst(x, sst, points_s)
    smooth = sst(x[None]).values[0, :, 150:210].numpy()
    assert np.corrcoef(expected[:, ::2].ravel(), smooth.ravel())[0, 1] > 0.99
    assert np.linalg.norm(expected[:, ::2]) == pytest.approx(np.linalg.norm(smooth), rel=0.03)


def test_internal_rate_of_60_hz_keeps_the_map(rng):
    t = np.arange(4000) / 200
    beats = sum(np.exp(-(((t - r) / 0.06) ** 2)) * np.cos(75 * (t - r)) for r in np.arange(0.5, 20, 0.83))
    x = (beats + 0.05 * rng.normal(size=4000))[None]
    low, high = Sst()(x).values, Sst(internal_rate_hz=600)(x).values
    assert np.corrcoef(low.flatten(), high.flatten())[0, 1] > 0.999


def test_linear_binning_is_continuous_in_the_input_and_the_others_jump():
    t = np.arange(1600) / 200
    boundary_hz = {"linear": 10.0, "nearest": np.sqrt(np.prod(Sst().freqs_hz[40:42])), "floor": Sst().freqs_hz[40]}

    def change(binning):
        sst = Sst(binning=binning)
        below, above = (
            sst(np.sin(2 * np.pi * boundary_hz[binning] * factor * t)[None]).values[..., 90:150]
            for factor in (1 - 1e-5, 1 + 1e-5)
        )
        return float(torch.linalg.norm(above - below) / torch.linalg.norm(below))

    assert change("linear") < 0.01
    assert change("nearest") > 0.5
    assert change("floor") > 0.5


def test_linear_binning_barely_moves_under_a_tiny_disturbance(rng):
    x = rng.normal(size=(1, 1600))
    sst = Sst()
    before = sst(x).values
    after = sst(x + 1e-6 * rng.normal(size=(1, 1600))).values
    assert float(torch.linalg.norm(after - before) / torch.linalg.norm(before)) < 2e-5


def test_floor_drops_and_nearest_clamps_what_lies_beyond_the_axis():
    t = np.arange(1600) / 200
    x = np.cos(2 * np.pi * 29.0 * t)[None]
    edge = {b: float(Sst(binning=b)(x).values[0, -1, 120]) for b in ("linear", "nearest", "floor")}
    assert edge["nearest"] > 0.1
    assert edge["linear"] < 1e-3
    assert edge["floor"] < 1e-3


def test_bounded_memory_of_a_long_record():
    sst = Sst()
    x = torch.zeros(1, 200 * 600)
    longest = max(frames.shape[-1] for frames in sst.blocks(x))
    assert longest <= 2300
