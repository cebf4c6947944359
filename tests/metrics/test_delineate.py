from __future__ import annotations

import numpy as np
import pytest

from radarode.metrics.beats import match_beats
from radarode.metrics.delineate import delineate, wave_errors_ms

FS_HZ = 200.0
R_S = np.arange(1.0, 9.0, 0.9)


def ecg(t_delay_s: float = 0.28) -> np.ndarray:
    t = np.arange(2000) / FS_HZ
    waves = ((1.0, 0.0, 0.012), (-0.2, -0.04, 0.01), (-0.25, 0.045, 0.01), (0.3, t_delay_s, 0.04))
    return sum((a * np.exp(-(((t - r - d) / b) ** 2) / 2) for r in R_S for a, d, b in waves), np.zeros(2000))


def test_the_waves_are_found_where_they_were_put() -> None:
    found = delineate(ecg(), R_S, FS_HZ)
    assert found["q"] - R_S == pytest.approx(-0.04, abs=0.005)
    assert found["s"] - R_S == pytest.approx(0.045, abs=0.005)
    assert found["t"] - R_S == pytest.approx(0.28, abs=0.004)


def test_a_late_t_wave_is_an_error_of_t_only() -> None:
    m = match_beats(R_S, R_S)
    errors = wave_errors_ms(delineate(ecg(0.31), R_S, FS_HZ), delineate(ecg(), R_S, FS_HZ), m)
    assert errors["t_error_ms"] == pytest.approx(30.0, abs=4.0)
    assert errors["q_error_ms"] == pytest.approx(0.0, abs=0.5)


def test_gaps_edges_and_flat_curves_have_no_waves() -> None:
    curve = ecg()
    curve[300:600] = np.nan
    found = delineate(curve, R_S, FS_HZ)
    assert np.isnan(found["q"][1])
    assert np.isfinite(found["q"][5])
    assert all(np.isnan(v).all() for v in delineate(np.zeros(2000), R_S, FS_HZ).values())
    assert np.isnan(delineate(ecg(), [0.0], FS_HZ)["q"]).all()
    assert delineate(np.empty(0), [], FS_HZ)["t"].shape == (0,)
