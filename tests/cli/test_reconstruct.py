"""`radarode reconstruct`: the classical baseline by name and as a fallback, and the mechanical events."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from radarode.cli import main
from radarode.data.native import save_recording
from radarode.models.config import preset
from radarode.models.pretrained import load_model, save_model
from radarode.models.radarode_mtl import build_model
from radarode.simulate import Conditions, person_of, simulate_recording


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clean = Conditions(snr_db=12.0, n_channels=3, movement_per_min=0.0)
    recording = simulate_recording(person_of(4242, 0), 30.0, "NB", np.random.default_rng(1), clean)
    path = tmp_path_factory.mktemp("people") / "one.h5"
    save_recording(path, recording)
    return path


@pytest.fixture(scope="module")
def five_channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return weights that take 5 channels and no other number."""
    known = load_model("default")
    model = build_model(preset("tiny", channels=5, stem_width=0), 1)
    folder = tmp_path_factory.mktemp("weights") / "five"
    facts = {"tasks": dict(known.tasks), "scaling": known.scaling, "transform": dict(known.transform)}
    save_model(folder, model, facts)
    return folder


def test_classical_weights_by_name(person: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["reconstruct", str(person), "--out", str(out), "--weights", "classical", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["weights"] == "classical"
    assert summary["fallback"] is None
    assert summary["beats"] > 20
    events = summary["mechanical"]
    assert events["beats"] == summary["beats"]
    assert "Not validated" in events["what"]
    lines = [line for line in (out / "mechanical.csv").read_text().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    assert len(rows) == summary["beats"]
    assert float(rows[10]["v1_peak_s"]) - float(rows[10]["r_s"]) < 0.2


def test_weights_that_do_not_fit_point_to_the_fallback(
    person: Path, five_channels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["reconstruct", str(person), "--weights", str(five_channels), "--out", str(tmp_path / "out")]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert "--fallback" in error
    assert "--weights classical" in error
    assert len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_fallback_says_so(
    person: Path, five_channels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["reconstruct", str(person), "--weights", str(five_channels), "--out", str(out), "--fallback"]
    assert main(command) == 0
    assert "CLASSICAL BASELINE" in capsys.readouterr().out
    summary = json.loads((out / "summary.json").read_text())
    assert summary["weights"] == "classical"
    assert "must be of shape" in summary["fallback"]
    assert summary["beats"] > 20


def test_what_is_too_short_has_no_fallback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean = Conditions(n_channels=2)
    short = simulate_recording(person_of(4242, 0), 3.0, "NB", np.random.default_rng(1), clean)
    save_recording(tmp_path / "short.h5", short)
    assert main(["reconstruct", str(tmp_path / "short.h5"), "--out", str(tmp_path / "out"), "--fallback"]) == 2
    assert "--fallback" not in capsys.readouterr().err
