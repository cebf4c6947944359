"""Missing samples while they arrive."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.signal.gaps import fill_gaps, missing_samples
from radarode.stream.bridge import Bridge, Bridged
from radarode.stream.stills import Stills


def torn(rng: np.random.Generator) -> np.ndarray:
    x = rng.standard_normal((3, 200))
    for _ in range(8):
        channel, begin = rng.integers(3), rng.integers(200)
        x[channel, begin : begin + rng.integers(1, 30)] = np.nan
    if rng.random() < 0.3:
        x[:, 50:90] = np.nan
    return x


def run(tool: Bridge | Stills, x: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
    state, outputs, begin = tool.start(len(x)), [], 0
    for size in (*sizes, x.shape[1]):
        last = begin + size >= x.shape[1]
        state, new = tool.step(state, x[:, begin : begin + size], end=last)
        outputs.append([new.filled, new.missing, new.moved] if isinstance(new, Bridged) else [new])
        begin += size
        if last:
            break
    return [np.concatenate(parts, axis=1) for parts in zip(*outputs, strict=True)]


@pytest.mark.parametrize("seed", range(40))
def test_chunks_do_not_show_and_a_patient_bridge_is_the_offline_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, sizes = torn(rng), rng.integers(0, 15, 20)
    whole, *_ = run(Bridge(10, 5), x, np.array([], int))
    filled, missing, moved = run(Bridge(10, 5), x, sizes)
    np.testing.assert_allclose(filled, whole)
    np.testing.assert_array_equal(missing, np.isnan(x))
    np.testing.assert_allclose((filled - moved)[~missing], x[~missing])
    np.testing.assert_allclose(run(Bridge(1000, 5), x, sizes)[0], fill_gaps(x)[0])


def test_a_long_gap_is_filled_without_waiting_and_left_without_a_step() -> None:
    x = np.concatenate([np.full(5, 1.0), np.full(30, np.nan), np.full(30, 4.0)])[None]
    bridge = Bridge(10, 5)
    state, new = bridge.step(bridge.start(1), x[:, :12])
    assert new.filled.shape[1] == 5
    state, new = bridge.step(state, x[:, 12:20])
    np.testing.assert_array_equal(new.filled, 1.0)
    assert new.filled.shape[1] == 15
    _, new = bridge.step(state, x[:, 20:])
    assert new.missing.sum() == 15
    assert np.abs(np.diff(new.filled[0])).max() < 0.7
    np.testing.assert_allclose(new.filled[0, 20:], 4.0)


@pytest.mark.parametrize("seed", range(20))
def test_without_fading_motion_stays_shifted_behind_a_long_gap(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = torn(rng)
    whole, missing, moved = run(Bridge(10, None), x, np.array([], int))
    np.testing.assert_allclose(run(Bridge(10, None), x, rng.integers(0, 15, 20))[0], whole, atol=1e-12)
    np.testing.assert_allclose((whole - moved)[~missing], x[~missing])
    step = np.concatenate([np.full(5, 1.0), np.full(30, np.nan), np.arange(4.0, 9.0), [np.nan], [10.0]])[None]
    np.testing.assert_allclose(run(Bridge(10, None), step, np.array([9, 9]))[0][0, 35:], np.arange(1.0, 8.0))


@pytest.mark.parametrize("seed", range(40))
def test_stills_are_those_of_a_file(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 3, (3, 150)) + (rng.random((3, 150)) < 0.5) * rng.random((3, 150))
    x[1, 40:60], x[0, 100:105], x[2, 70:75] = 7.0, 2.0, np.nan
    expected = np.where(missing_samples(x, 32.0), np.nan, x)
    (marked,) = run(Stills(8), x, rng.integers(0, 15, 15))
    np.testing.assert_array_equal(marked, expected)
    assert np.isnan(marked[1, 40:60]).all()


def test_jointly_a_run_counts_only_where_all_stand_still() -> None:
    x = np.arange(60.0).reshape(2, 30) ** 1.1
    x[0, 5:15] = 1.0
    x[:, 18:26] = 3.0
    (marked,) = run(Stills(6, jointly=True), x, np.array([7, 7, 7]))
    np.testing.assert_array_equal(np.isnan(marked).all(axis=0), np.isin(np.arange(30), np.arange(18, 26)))
    assert np.isnan(marked).sum() == 16


@pytest.mark.parametrize("seed", range(20))
def test_without_its_first_sample_a_run_is_one_shorter_and_nothing_else_waits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((2, 120))
    x[:, 30:60], x[:, 90:94] = 1.5, -2.0
    (marked,) = run(Stills(8, jointly=True, whole=False), x, rng.integers(0, 9, 30))
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(marked).any(axis=0)), np.arange(31, 60))
    stills = Stills(8, jointly=True, whole=False)
    assert stills.step(stills.start(2), x[:, :20])[1].shape[1] == 20
