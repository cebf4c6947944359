from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.data.clock import check_regular, fit_clock

N = 12_000


def fitted(time_s: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the rate, the sample of each row, and how late each row is placed in seconds."""
    clock = fit_clock(time_s, "time")
    check_regular(clock, time_s, "time")
    return clock.fs_hz, clock.index, clock.start_s + clock.index / clock.fs_hz - time_s


def jittered(fs_hz: float, sd_s: float) -> np.ndarray:
    return np.sort(np.arange(N) / fs_hz + sd_s * np.random.default_rng(0).standard_normal(N))


def test_jitter_neither_stretches_the_record_nor_makes_holes():
    fs_hz, index, _ = fitted(jittered(200.0, 1e-3))
    assert fs_hz == pytest.approx(200.0, rel=1e-5)
    assert (index == np.arange(N)).all()


def test_packets_are_spread_over_their_span():
    """Ten rows arrive every 50 ms, 0.1 ms apart."""
    row = np.arange(N)
    time_s = 0.05 * (row // 10) + 1e-4 * (row % 10)
    fs_hz, index, late_s = fitted(time_s)
    assert fs_hz == pytest.approx(200.0, rel=1e-4)
    assert (index == row).all()
    assert np.abs(late_s).max() < 0.03


def test_a_lost_packet_is_a_gap():
    row = np.delete(np.arange(N), slice(5000, 5200))
    fs_hz, index, _ = fitted(0.05 * (row // 10) + 1e-4 * (row % 10))
    assert fs_hz == pytest.approx(200.0, rel=1e-4)
    assert (index == row).all()


@pytest.mark.parametrize("fs_hz", [256.0, 400.0, 700.0, 900.0, 950.0])
@pytest.mark.parametrize("lost", [0, 350])
def test_stamps_in_whole_milliseconds(fs_hz: float, lost: int):
    row = np.delete(np.arange(N), slice(5000, 5000 + lost))
    found_hz, index, late_s = fitted(np.round(row / fs_hz, 3))
    assert found_hz == pytest.approx(fs_hz, rel=1e-5)
    assert np.abs(index - row).max() <= 1
    assert (np.diff(index) == np.diff(row)).mean() > 0.9999
    assert np.abs(late_s).max() < 1e-3


@pytest.mark.parametrize("sd_s", [0.0, 1e-3])
@pytest.mark.parametrize("start_s", [0.0, 1.7e9])
def test_a_dropout_is_a_gap_of_its_length_and_later_rows_keep_their_time(sd_s: float, start_s: float):
    keep = np.delete(np.arange(N), slice(4000, 4400))
    time_s = start_s + jittered(200.0, sd_s)[keep]
    fs_hz, index, late_s = fitted(time_s)
    assert fs_hz == pytest.approx(200.0, rel=1e-5)
    assert (index == keep).all()
    assert np.abs(late_s).max() < 5e-3


@pytest.mark.parametrize("share", [1e-4, 0.01, 0.1, 0.2])
def test_single_missing_rows_are_found(share: float):
    rng = np.random.default_rng(1)
    keep = np.flatnonzero(rng.random(N) > share)
    fs_hz, index, _ = fitted(np.round(keep / 200.0, 3))
    assert fs_hz == pytest.approx(200.0, rel=1e-6)
    assert (index == keep - keep[0]).all()


def test_a_rate_that_changes_is_refused():
    time_s = np.cumsum(np.where(np.arange(N) < N // 2, 0.005, 0.006))
    with pytest.raises(InputError, match=r"time is not regular: rows lie up to .* s off a grid"):
        fitted(time_s)


def test_packets_longer_than_a_beat_are_refused():
    row = np.arange(N)
    with pytest.raises(InputError, match="not regular"):
        fitted(1.0 * (row // 200) + 1e-4 * (row % 200))


@pytest.mark.parametrize("time_s", [np.arange(9.0) * 1e-300, np.arange(9.0) * 1e200, np.array([0.0, 5e-324])])
def test_times_that_are_no_seconds_are_refused(time_s: np.ndarray):
    with pytest.raises(InputError, match="Give seconds"):
        fit_clock(time_s, "time")
