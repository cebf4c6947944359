"""The shipped weights do what their model card says, on people they never saw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radarode import load_model, reconstruct
from radarode.core.types import Recording
from radarode.evaluation import evaluate
from radarode.models.pretrained import packaged_folder
from radarode.simulate import Conditions, person_of, simulate_empty, simulate_recording

UNSEEN = 4711


def person(number: int, n_channels: int = 8, **conditions: float) -> Recording:
    settings = Conditions(n_channels=n_channels, movement_per_min=0.0, **conditions)
    return simulate_recording(person_of(UNSEEN, number), 60.0, "NB", np.random.default_rng([UNSEEN, number]), settings)


def test_their_size_is_as_stated() -> None:
    assert sum(path.stat().st_size for path in packaged_folder().iterdir()) <= 12e6
    assert sum(parameter.numel() for parameter in load_model().model.parameters()) <= 3_000_000
    assert (packaged_folder() / "README.md").read_text().startswith("# Model card")


@pytest.mark.parametrize("number", [0, 1])
def test_unseen_people(number: int) -> None:
    recording = person(number, snr_db=15.0)
    scores = evaluate(reconstruct(recording), recording)
    assert scores.calibrated["f1"] >= 0.97
    assert scores.calibrated["r_timing_ms"] <= 10.0
    assert scores.calibrated["pcc"] >= 0.8
    assert scores.deployable["hr_error_bpm"] <= 1.0


@pytest.mark.parametrize("n_channels", [1, 64])
def test_any_number_of_channels(n_channels: int) -> None:
    recording = person(2, n_channels=n_channels, snr_db=20.0)
    scores = evaluate(reconstruct(recording), recording)
    assert scores.calibrated["f1"] >= 0.95


def test_no_heart_no_beats(rng: np.random.Generator) -> None:
    white = Recording(rcg=rng.standard_normal((6, 12_000)), fs_hz=200.0)
    empty = simulate_empty(60.0, rng, 16, "nobody")
    for recording in (white, empty):
        assert np.isfinite(reconstruct(recording).ecg).mean() <= 0.1


def test_a_heart_that_leaves_becomes_a_gap(rng: np.random.Generator) -> None:
    recording = person(0, snr_db=15.0)
    rcg = recording.rcg.copy()
    rcg[:, 6000:] = rng.standard_normal((8, 6000)) * rcg.std(axis=1, keepdims=True)
    ecg = reconstruct(replace(recording, rcg=rcg)).ecg
    assert np.isfinite(ecg[1000:5000]).mean() > 0.95
    assert np.isfinite(ecg[7500:]).mean() < 0.2
