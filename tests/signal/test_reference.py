from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.signal.reference import find_r_peaks, reference_r_peaks

FS_HZ = 200.0
RCG = np.ones((1, 4000))


def ecg(r_s: np.ndarray) -> np.ndarray:
    t = np.arange(4000) / FS_HZ
    return np.exp(-(((t[:, None] - r_s) / 0.015) ** 2)).sum(axis=1)


def test_given_peaks_win() -> None:
    recording = Recording(RCG, FS_HZ, ecg_mv=ecg(np.arange(1.0, 19.0)), r_peaks_s=[2.0, 3.0])
    assert reference_r_peaks(recording).tolist() == [2.0, 3.0]


def test_peaks_are_detected_in_the_ecg() -> None:
    r_s = np.arange(1.0, 19.0, 0.9)
    found = reference_r_peaks(Recording(RCG, FS_HZ, ecg_mv=ecg(r_s)))
    assert len(found) == pytest.approx(len(r_s), abs=1)
    assert np.abs(found[:, None] - r_s).min(axis=1).max() < 0.01


@pytest.mark.parametrize(
    ("ecg_mv", "message"),
    [(None, "no reference"), (np.zeros(4000), "single R peak"), (np.full(4000, np.nan), "R peak")],
)
def test_without_beats_there_is_nothing_to_find_and_nothing_to_score(ecg_mv: np.ndarray | None, message: str) -> None:
    recording = Recording(RCG, FS_HZ, ecg_mv=ecg_mv)
    assert find_r_peaks(recording).shape == (0,)
    with pytest.raises(InputError, match=message):
        reference_r_peaks(recording)
