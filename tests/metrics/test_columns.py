from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radarode.core.types import Beats, ReconstructedEcg, Recording
from radarode.metrics.columns import compare, known_reference

FS_HZ = 200.0
R_S = np.cumsum(np.random.default_rng(3).normal(0.85, 0.04, 68)) + 0.3


def reconstruction(r_s: np.ndarray) -> ReconstructedEcg:
    return ReconstructedEcg(np.ones(12000), FS_HZ, Beats(r_s, np.full(len(r_s), 0.85), np.ones(len(r_s))))


def recording(fs_hz: float = FS_HZ) -> Recording:
    """Return a minute with its reference ECG missing from 20 to 40 s."""
    ecg_mv = np.sin(np.arange(round(60 * fs_hz)))
    ecg_mv[round(20 * fs_hz) : round(40 * fs_hz)] = np.nan
    return Recording(np.ones((1, len(ecg_mv))), fs_hz, ecg_mv=ecg_mv, r_peaks_s=R_S)


@pytest.mark.parametrize("fs_hz", [200.0, 500.0])
def test_the_reference_is_known_outside_its_gap_at_any_rate(fs_hz: float) -> None:
    known = known_reference(recording(fs_hz), reconstruction(R_S))
    assert np.flatnonzero(~known).tolist() == list(range(4000, 8000))


def test_a_longer_reconstruction_than_reference_is_not_known_at_its_end() -> None:
    longer = replace(reconstruction(R_S), ecg=np.ones(12400))
    assert not known_reference(recording(), longer)[12000:].any()


@pytest.mark.parametrize("delay_s", [0.0, 0.14, -0.14, 0.3])
def test_both_sides_of_a_missing_reference_are_left_out(delay_s: float) -> None:
    comparison = compare(reconstruction(R_S + delay_s), recording(), R_S)
    inside = (comparison.reference_r_s > 20.2) & (comparison.reference_r_s < 39.8)
    assert not inside.any()
    for name in ("calibrated", "oracle"):
        column = comparison.columns[name]
        assert column.ecg.delay_s == pytest.approx(delay_s)
        assert len(column.matching) == len(column.beats) == len(comparison.reference_r_s)
        assert len(column.ecg.beats) == len(R_S)


def test_false_beats_are_left_out_only_where_the_reference_is_missing() -> None:
    extra = np.sort(np.append(R_S, [(R_S[10] + R_S[11]) / 2, 30.0001]))
    column = compare(reconstruction(extra), recording(), R_S).columns["deployable"]
    assert len(column.beats) - len(column.matching) == 1


def test_a_recording_without_an_ecg_is_known_everywhere() -> None:
    comparison = compare(reconstruction(R_S), replace(recording(), ecg_mv=None), R_S)
    assert comparison.known.all()
    assert len(comparison.reference_r_s) == len(R_S)
