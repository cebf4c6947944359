"""Resampling: accuracy, alias rejection, time alignment, gaps."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.resample import resample

PAIRS = [(250.371, 200), (256, 200), (2000, 200), (100, 200), (200, 100.3), (360, 200), (199.9, 200)]


@pytest.mark.parametrize(("fs_in_hz", "fs_out_hz"), PAIRS)
def test_tones_in_the_band_come_through_at_the_right_time(fs_in_hz, fs_out_hz):
    n = round(20 * fs_in_hz)
    t_in, freq_hz = np.arange(n) / fs_in_hz, 0.3 * min(fs_in_hz, fs_out_hz)
    out = resample(np.sin(2 * np.pi * freq_hz * t_in + 1) + 5 + 0.1 * t_in, fs_in_hz, fs_out_hz)
    assert len(out) == round(n * fs_out_hz / fs_in_hz)
    t = np.arange(len(out)) / fs_out_hz
    inner = (t > 1) & (t < 19)
    wanted = np.sin(2 * np.pi * freq_hz * t + 1) + 5 + 0.1 * t
    assert np.abs(out - wanted)[inner].max() < 1e-3


@pytest.mark.parametrize(("fs_in_hz", "fs_out_hz"), [(2000, 200), (250.371, 100), (500, 200), (1000, 200.7)])
def test_tones_above_the_new_nyquist_vanish(fs_in_hz, fs_out_hz):
    t_in = np.arange(round(10 * fs_in_hz)) / fs_in_hz
    out = resample(np.sin(2 * np.pi * 0.6 * fs_out_hz * t_in), fs_in_hz, fs_out_hz)
    assert np.abs(out[50:-50]).max() < 1e-3


def test_an_impulse_stays_at_its_time():
    for fs_in_hz, sample in ((250.371, 1200), (2000, 9000), (100, 500)):
        x = np.zeros(round(10 * fs_in_hz))
        x[sample] = 1
        out = np.abs(resample(x, fs_in_hz, 200))
        centre_s = (out**2 * np.arange(len(out))).sum() / (out**2).sum() / 200
        assert centre_s == pytest.approx(sample / fs_in_hz, abs=2e-4)


def test_straight_lines_and_offsets_make_no_transient():
    x = 3 + 0.5 * np.arange(1000) / 256
    for fs_out_hz in (200, 211.1):
        out = resample(x, 256, fs_out_hz)
        np.testing.assert_allclose(out, 3 + 0.5 * np.arange(len(out)) / fs_out_hz, atol=1e-9)


@pytest.mark.parametrize(("fs_in_hz", "fs_out_hz"), PAIRS)
def test_gaps_stay_gaps_and_do_not_spread(fs_in_hz, fs_out_hz):
    x = np.sin(np.arange(round(10 * fs_in_hz)) / fs_in_hz)
    start, stop = round(3 * fs_in_hz), round(4 * fs_in_hz)
    x[start:stop] = np.nan
    missing = np.flatnonzero(np.isnan(resample(x, fs_in_hz, fs_out_hz))) / fs_out_hz
    step_s = 1 / fs_in_hz + 1 / fs_out_hz
    assert missing[0] == pytest.approx(start / fs_in_hz, abs=step_s)
    assert missing[-1] == pytest.approx((stop - 1) / fs_in_hz, abs=step_s)
    assert len(missing) == pytest.approx(fs_out_hz, abs=3)


def test_shape_and_type_are_kept_and_input_is_not_changed(rng):
    x = rng.normal(size=(2, 3, 500)).astype(np.float32)
    x[0, 0, :10] = np.nan
    copy = x.copy()
    for fs_out_hz in (200, 250.0, 123.457):
        out = resample(x, 250, fs_out_hz)
        assert out.shape == (2, 3, round(500 * fs_out_hz / 250))
        assert out.dtype == np.float32
        np.testing.assert_array_equal(x, copy)
    assert np.isnan(resample(np.full(100, np.nan), 100, 200)).all()
    one_by_one = np.stack([resample(row, 250, 123.457) for row in x[1]])
    np.testing.assert_allclose(resample(x, 250, 123.457)[1], one_by_one, atol=1e-6)


def test_long_irregular_ratio_is_joined_without_seams(monkeypatch):
    x = np.sin(np.arange(3000) / 9)
    whole = resample(x, 250.371, 200)
    monkeypatch.setattr("radarode.signal.resample._OUTPUTS_AT_ONCE", 100)
    np.testing.assert_allclose(resample(x, 250.371, 200), whole, atol=1e-12)


def test_bad_input_is_refused():
    for bad in (0, -5, float("nan"), float("inf")):
        with pytest.raises(InputError, match="fs_in_hz"):
            resample(np.zeros(10), bad, 200)
        with pytest.raises(InputError, match="fs_out_hz"):
            resample(np.zeros(10), 200, bad)
    with pytest.raises(InputError, match="at least one sample"):
        resample(np.zeros((2, 0)), 100, 200)
    with pytest.raises(InputError, match="infinite"):
        resample(np.array([0.0, np.inf]), 100, 200)
