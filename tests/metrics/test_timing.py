from __future__ import annotations

import numpy as np
import pytest

from radarode.metrics.beats import match_beats
from radarode.metrics.timing import (
    heart_rate_error_bpm,
    heart_rates_bpm,
    matched_intervals_s,
    ppi_error_ms,
    r_timing_error_ms,
)


def test_a_constant_delay_is_a_timing_error_but_no_interval_error() -> None:
    r = np.arange(1.0, 20.0, 0.8)
    p = r + 0.04
    m = match_beats(p, r)
    assert r_timing_error_ms(p, r, m) == pytest.approx(40.0)
    assert ppi_error_ms(p, r, m) == pytest.approx(0.0, abs=1e-9)
    assert heart_rate_error_bpm(p, r, 20.0) == pytest.approx(0.0, abs=1e-9)


def test_intervals_next_to_missed_or_false_beats_are_left_out() -> None:
    r = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    p = np.array([1.0, 2.0, 3.0, 3.5, 4.0])
    ours, theirs, ends = matched_intervals_s(p, r, match_beats(p, r))
    assert ours.tolist() == theirs.tolist() == [1.0, 1.0]
    assert ends.tolist() == [2.0, 3.0]


def test_a_gap_in_both_is_no_interval() -> None:
    r = np.array([1.0, 2.0, 9.0, 10.0])
    ours, theirs, ends = matched_intervals_s(r, r, match_beats(r, r))
    assert ours.tolist() == theirs.tolist() == [1.0, 1.0]
    assert ends.tolist() == [2.0, 10.0]


def test_known_interval_error() -> None:
    r, p = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 2.01, 3.0, 4.03])
    assert ppi_error_ms(p, r, match_beats(p, r)) == pytest.approx(10.0)


def test_heart_rate_comes_from_the_mean_interval_of_each_window() -> None:
    r = np.concatenate([np.arange(0.0, 9.9, 1.0), np.arange(10.0, 19.9, 0.5)])
    assert heart_rates_bpm(r, 20.0).tolist() == [60.0, 120.0]
    p = np.concatenate([np.arange(0.0, 9.9, 1.0), np.arange(10.0, 19.9, 0.6)])
    assert heart_rate_error_bpm(p, r, 20.0) == pytest.approx(10.0)


def test_gaps_give_no_rate() -> None:
    assert np.isnan(heart_rates_bpm([1.0, 9.0], 10.0)).all()
    assert heart_rates_bpm([1.0, 2.0, 8.0, 9.0], 10.0).tolist() == [60.0]
    assert heart_rates_bpm([1.0, 2.0], 0.0).shape == (0,)
