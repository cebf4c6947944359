"""Fitting the classical baseline; what every framework promises is in `test_contract.py`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.data.native import save_recording
from radarode.evaluation import evaluate
from radarode.experiment import read_experiment, run_experiment
from radarode.frameworks import load_framework
from radarode.simulate import Conditions, iter_recordings, simulate_empty
from radarode.simulate.cohort import plain_cohort


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    cohort = replace(plain_cohort(31, 7, 30.0), conditions=Conditions(n_channels=3, snr_db=12.0, movement_per_min=0.0))
    for recording in iter_recordings(cohort):
        save_recording(folder / f"{recording.name}.h5", recording)
    empty = simulate_empty(20.0, np.random.default_rng(3), 3, "empty-0000")
    save_recording(folder / "empty.h5", empty)
    return folder


@pytest.fixture(scope="module")
def run(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "classical"
    changes = ["framework=classical", f"data.source={people}", "transform.name=stft", "data.validation=0.3"]
    facts = run_experiment(read_experiment(None, changes), folder)
    assert facts["best_epoch"] == 0
    assert 0.0 <= facts["score"] < 0.5
    return folder


def test_what_is_measured_is_written_down(run: Path) -> None:
    measured = json.loads((run / "measured.json").read_text())
    assert 3 <= measured["recordings"] <= 7
    assert len(measured["delay_quartiles_ms"]) == 3
    config = json.loads((run / "weights" / "config.json").read_text())
    assert config["framework"] == "classical"
    assert config["facts"]["validation"] == measured["validation"]


def test_fitted_averages_find_beats(run: Path, people: Path) -> None:
    from radarode.data.load import load

    framework = load_framework(run / "weights")
    scores = []
    for path in sorted(people.glob("sim-*.h5")):
        recording = load(path)
        scores.append(evaluate(framework.reconstruct(recording), recording).calibrated["f1"])
    assert np.median(scores) > 0.95


def test_resuming_measures_the_same(run: Path) -> None:
    before = (run / "weights" / "weights.safetensors").read_bytes()
    run_experiment(read_experiment(None), run, resume=True)
    assert (run / "weights" / "weights.safetensors").read_bytes() == before


def test_nobody_with_a_heart_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number in range(3):
        empty = simulate_empty(12.0, np.random.default_rng(number), 2, f"empty-{number:04d}")
        save_recording(tmp_path / "data" / f"{number}.h5", empty)
    changes = ["framework=classical", f"data.source={tmp_path / 'data'}", "transform.name=stft"]
    with pytest.raises(InputError, match="reference beats"):
        run_experiment(read_experiment(None, changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_wrong_settings_show_before_the_data_are_read(tmp_path: Path) -> None:
    changes = ["framework=classical", "data.source=/nowhere", 'model.changes={"energy": {"band_hz": [9, 4]}}']
    with pytest.raises(InputError, match="band_hz"):
        run_experiment(read_experiment(None, changes), tmp_path / "run")


@pytest.mark.parametrize("session", ["1-1.mat", "1-2.mat"])
def test_a_real_recording(real_data: Path, session: str) -> None:
    from radarode.data.load import load

    recording = load(real_data / "camera_scg_multipoint" / session)
    scores = evaluate(load_framework("classical").reconstruct(recording), recording)
    assert scores.deployable["hr_error_bpm"] < 1.0
    assert scores.calibrated["f1"] > 0.98
    assert scores.calibrated["r_timing_ms"] < 10.0
