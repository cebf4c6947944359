from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import COLUMNS, Beats, ReconstructedEcg, Recording, Scores, Spectrogram, TaskOutputs


def recording(**changes: Any) -> Recording:
    settings: dict[str, Any] = {"rcg": np.zeros((2, 10)), "fs_hz": 200, **changes}
    return Recording(**settings)


def test_recording_derives_its_facts():
    made = recording(rcg=np.zeros((3, 500)), subject="a", trial="2", source="simulated")
    assert (made.n_channels, made.duration_s, made.name, made.simulated) == (3, 2.5, "a-2", True)
    assert made.rcg.dtype == np.float32
    assert isinstance(made.fs_hz, float)


def test_recording_is_frozen_and_texts_its_notes():
    made = recording(notes={"snr_db": 3})
    assert made.notes == {"snr_db": "3"}
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.subject = "b"  # pyright: ignore


def test_recording_accepts_gaps():
    assert np.isnan(recording(rcg=[[np.nan, 1.0]], ecg_mv=[np.nan, np.nan]).rcg[0, 0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rcg": np.zeros(10)}, "`rcg` must be a non-empty array"),
        ({"rcg": np.zeros((0, 10))}, "`rcg` must be a non-empty array"),
        ({"rcg": np.full((1, 4), np.inf)}, "infinite"),
        ({"rcg": np.full((1, 4), np.nan)}, "NaN in every sample"),
        ({"fs_hz": 0}, "`fs_hz` must be between 20 and 20000"),
        ({"fs_hz": np.nan}, "`fs_hz`"),
        ({"fs_hz": 1e6}, "`fs_hz`"),
        ({"ecg_mv": np.zeros(9)}, r"`ecg_mv` must be of shape \(10,\)"),
        ({"ecg_mv": np.full(10, np.inf)}, "`ecg_mv`"),
        ({"positions_m": np.zeros((3, 2))}, r"`positions_m` must be of shape \(2, 3\)"),
        ({"r_peaks_s": [1.0, 1.0]}, "`r_peaks_s` must be finite and strictly increasing"),
        ({"r_peaks_s": [[1.0]]}, "`r_peaks_s` must be one-dimensional"),
        ({"r_peaks_s": [np.nan]}, "`r_peaks_s`"),
        ({"status": "XX"}, "`status` must be one of NB"),
        ({"motion": "phase"}, "`motion` must be one of displacement"),
    ],
)
def test_recording_refuses(changes: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        recording(**changes)


def test_spectrogram_checks_its_axes():
    Spectrogram(np.zeros((1, 2, 5)), np.array([1.0, 2.0]), 30.0)
    with pytest.raises(InputError, match="`values`"):
        Spectrogram(np.zeros((1, 3, 5)), np.array([1.0, 2.0]), 30.0)
    with pytest.raises(InputError, match="`freqs_hz`"):
        Spectrogram(np.zeros((1, 2, 5)), np.array([2.0, 1.0]), 30.0)


def test_beats_check_lengths_and_order():
    assert len(Beats(np.array([1, 2]), np.array([1, 1]), np.array([1, 0.5]))) == 2
    assert len(Beats(np.empty(0), np.empty(0), np.empty(0))) == 0
    with pytest.raises(InputError, match="equally long"):
        Beats(np.array([1.0]), np.array([1.0, 1.0]), np.array([1.0]))
    with pytest.raises(InputError, match="strictly increasing"):
        Beats(np.array([2.0, 1.0]), np.ones(2), np.ones(2))


def test_reconstructed_ecg_has_no_gaps_by_default():
    ecg = ReconstructedEcg(np.zeros(400), 200.0, Beats(np.empty(0), np.empty(0), np.empty(0)))
    assert ecg.duration_s == 2.0
    assert ecg.gaps_s.shape == (0, 2)


def test_task_outputs_and_scores_keep_their_order():
    assert [name for name, _ in TaskOutputs(1, 2, 3).items()] == ["shape", "length", "anchor"]
    scores = Scores({"f1": 1.0}, {"f1": 0.9}, {"f1": 0.8})
    assert tuple(scores.columns()) == COLUMNS
    assert scores.columns()["oracle"] == {"f1": 0.8}
