"""Motion of any rate and kind to RCG while it arrives, against the same of a file."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import Motion
from radarode.data.to_rcg import motion_to_rcg
from radarode.stream.resampler import Resampler


def stream(motion: np.ndarray, fs_hz: float, kind: Motion, size: int) -> np.ndarray:
    resampler = Resampler(fs_hz, kind, len(motion))
    state, parts = resampler.start(), []
    for begin in range(0, motion.shape[1], size):
        state, rcg = resampler.step(state, motion[:, begin : begin + size])
        parts.append(rcg)
    parts.append(resampler.step(state, motion[:, :0], end=True)[1])
    return np.concatenate(parts, axis=1)


def made(fs_hz: float, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(int(12 * fs_hz)) / fs_hz
    waves = [np.sin(2 * np.pi * 1.3 * t) + 0.3 * np.sin(2 * np.pi * 7 * t + 1), 2 * np.cos(2 * np.pi * 3 * t)]
    return 5.0 + np.stack(waves) + 0.01 * rng.standard_normal((2, len(t)))


@pytest.mark.parametrize("kind", ["acceleration", "velocity", "displacement"])
@pytest.mark.parametrize("fs_hz", [200.0, 250.0, 250.371, 100.0, 1000.0, 44.1])
def test_the_interior_is_that_of_a_file(fs_hz: float, kind: Motion, rng: np.random.Generator) -> None:
    motion = made(fs_hz, rng)
    motion[:, int(5 * fs_hz) : int(5.15 * fs_hz)] = np.nan
    motion[0, int(7 * fs_hz) : int(7.9 * fs_hz)] = np.nan
    whole, live = motion_to_rcg(motion, fs_hz, kind), stream(motion, fs_hz, kind, 37)
    assert live.shape == whole.shape
    np.testing.assert_array_equal(np.isnan(live), np.isnan(whole))
    inner = slice(200, 2200)
    error = live[:, inner] - whole[:, inner]
    beside = np.zeros(2000, bool)
    reach = round(0.1 * 200 + 200 * 30 / min(fs_hz, 200.0))
    beside[1200 - reach : 1380 + reach] = True
    error[0, beside] = np.nan  # the far end of a gap of 0.9 s is not waited for
    error -= np.nanmean(error, axis=1, keepdims=True) if kind == "acceleration" else 0.0
    assert np.nanmax(np.abs(error)) < 3e-3 * np.nanstd(whole)


@pytest.mark.parametrize("fs_hz", [200.0, 250.371, 100.0])
def test_chunks_do_not_show(fs_hz: float, rng: np.random.Generator) -> None:
    motion = made(fs_hz, rng)
    motion[1, 300:420] = np.nan
    np.testing.assert_allclose(
        stream(motion, fs_hz, "velocity", 7), stream(motion, fs_hz, "velocity", 5000), rtol=1e-4, atol=1e-4
    )


def test_rcg_that_is_centred_already_passes_unchanged(rng: np.random.Generator) -> None:
    motion = rng.standard_normal((2, 900)).astype(np.float32)
    np.testing.assert_allclose(stream(motion, 200.0, "acceleration", 50), motion, atol=1e-6)


@pytest.mark.parametrize("fs_hz", [200.0, 250.0])
def test_a_level_that_changed_during_a_gap_makes_no_burst(fs_hz: float, rng: np.random.Generator) -> None:
    motion = made(fs_hz, rng)[:1]
    shifted = motion.copy()
    shifted[:, int(6 * fs_hz) :] += 1000.0
    for one in (motion, shifted):
        one[:, int(5 * fs_hz) : int(7 * fs_hz)] = np.nan
    before, after = (stream(one, fs_hz, "displacement", 50) for one in (motion, shifted))
    np.testing.assert_allclose(after, before, atol=1e-3 * np.nanstd(before))


def test_gravity_is_taken_off(rng: np.random.Generator) -> None:
    motion = 9.81 + 0.01 * rng.standard_normal((1, 900))
    assert abs(float(stream(motion, 200.0, "acceleration", 50).mean())) < 2e-3


def test_a_sensor_that_stands_still_becomes_a_gap(rng: np.random.Generator) -> None:
    motion = rng.standard_normal((2, 2000))
    motion[:, 800:1000] = motion[:, 799:800]
    gap = np.isnan(stream(motion, 200.0, "acceleration", 33)).all(axis=0)
    np.testing.assert_array_equal(np.flatnonzero(gap), np.arange(800, 1000))


def test_it_gives_out_soon() -> None:
    resampler = Resampler(250.0, "displacement", 1)
    _, rcg = resampler.step(resampler.start(), np.sin(np.arange(2500) / 20)[None])
    assert rcg.shape[1] >= 2000 - 0.15 * 200


def test_a_rate_nobody_samples_at_is_refused() -> None:
    with pytest.raises(InputError, match="fs_hz"):
        Resampler(1.0, "velocity", 1)
