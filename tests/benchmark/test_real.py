"""The benchmark on real recordings: the whole way on files in their layout, made here; the real ones where they are."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from radarode.benchmark.real.recordings import FILES, real_files, real_folder
from radarode.benchmark.real.run import DEFAULT_WEIGHTS, TITLE, RealResults, parse_weights, run_real, trained_on
from radarode.cli import main
from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.evaluation import evaluate
from radarode.frameworks import load_framework


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make two sessions of 12 s in the layout of the camera."""
    data = tmp_path_factory.mktemp("real") / "data"
    (data / "camera_scg_multipoint").mkdir(parents=True)
    rng = np.random.default_rng(4)
    for name in ("1-1", "1-2"):
        t = np.arange(3000) / 250.371
        beat = np.exp(-(((t % 0.9) - 0.25) ** 2) / 2e-4) * np.sin(60 * (t % 0.9))
        signals = {key: beat * gain + 0.05 * rng.standard_normal(3000) for key, gain in (("Drx", 1.0), ("Dry", 0.6))}
        ecg = 1000 * np.exp(-(((np.arange(6000) / 500 % 0.9) - 0.15) ** 2) / 2e-4)
        savemat(data / "camera_scg_multipoint" / f"{name}.mat", {**signals, "ECG": ecg + rng.standard_normal(6000)})
    return data


@pytest.fixture(scope="module")
def finished(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RealResults]:
    out = tmp_path_factory.mktemp("out") / "real"
    return out, run_real(out, folder, {"default": "default", "again": "default"}, command="typed")


def test_every_recording_is_scored_with_all_weights(finished: tuple[Path, RealResults]) -> None:
    _, results = finished
    assert [(case.recording.key, case.weights) for case in results.cases] == [
        (recording, weights) for recording in ("camera-1-1", "camera-1-2") for weights in ("default", "again")
    ]
    assert [one.key for one in results.missing] == ["nilspod-Vp01", "nilspod-Vp02"]
    first, second = results.cases[:2]
    for column, values in first.scores.columns().items():
        assert values == pytest.approx(second.scores.columns()[column], nan_ok=True)
    assert not any(case.seen for case in results.cases)


def test_the_files_hold_what_was_scored(finished: tuple[Path, RealResults]) -> None:
    out, results = finished
    with (out / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows][:2] == ["camera-1-1, default", "camera-1-1, again"]
    assert {row["data"] for row in rows} == {"real"}
    for row, case in zip(rows, results.cases, strict=True):
        for column in ("deployable", "calibrated", "oracle"):
            value = getattr(case.scores, column)["coverage"]
            assert float(row[f"{column}/coverage"]) == pytest.approx(value, rel=1e-5)
    record = json.loads((out / "results.json").read_text())
    assert (record["simulated"], record["notice"], record["command"]) == (False, NOTICE, "typed")
    assert len(record["cases"]) == 4
    for name in ("table.html", "table.tex"):
        text = (out / name).read_text()
        assert "REAL recordings" in text
        assert "not a medical device" in text
        assert "Vp01" in text


def test_the_command_prints_three_tables_and_replaces_only_when_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["benchmark", "real", str(tmp_path / "out"), "--data", str(folder), "--weights", "default"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    for word in ("deployable", "calibrated", "oracle", "camera 1-2", "not a medical device"):
        assert word in " ".join(printed.split())
    assert main(arguments) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (["--data", "/nowhere"], "real recordings are not at /nowhere. Name their folder with --data, or set RADARODE"),
        (["--data", "{empty}"], "holds none of camera_scg_multipoint/1-1.mat"),
        (["--data", "{folder}", "--weights", "mine=/nowhere"], "/nowhere/config.json does not exist"),
        (["--data", "{folder}", "--weights", "mine="], "NAME=FOLDER"),
        (["--data", "{folder}", "--weights", "default", "--weights", "default"], "default twice"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    change: list[str], wanted: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    texts = [text.format(folder=folder, empty=tmp_path / "empty") for text in change]
    assert main(["benchmark", "real", str(tmp_path / "out"), *texts]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert wanted in line
    assert not (tmp_path / "out").exists()


def test_the_folder_is_found_through_the_environment(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RADARODE_REAL_DATA", str(folder))
    assert real_folder() == folder
    assert real_folder(tmp_path) == tmp_path
    monkeypatch.delenv("RADARODE_REAL_DATA")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="RADARODE_REAL_DATA"):
        real_folder()


def test_weights_trained_on_a_recording_are_marked(finished: tuple[Path, RealResults]) -> None:
    path = Path("data/camera_scg_multipoint/1-1.mat")
    assert trained_on({"data": "x/1-1.mat"}, path)
    assert trained_on({"data": "x/camera_scg_multipoint"}, path)
    assert not trained_on({"data": "simulate:training"}, path)
    assert not trained_on({}, path)
    seen = replace(finished[1].cases[0], seen=True)
    results = RealResults((seen,), ())
    assert results.rows()[0]["method"].endswith(" *")
    assert any("trained on this recording" in note for note in results.notes())


def test_weights_by_name() -> None:
    assert parse_weights(None) == DEFAULT_WEIGHTS
    with pytest.raises(InputError, match="NAME=FOLDER"):
        parse_weights(["=x"])


def test_no_recording_is_radar() -> None:
    assert "none of them radar" in TITLE


@pytest.mark.slow
def test_the_figures_of_the_real_recordings(real_data: Path) -> None:
    from radarode.data.load import load

    files, missing = real_files(real_data)
    assert missing == ()
    assert len(files) == len(FILES) == 4
    framework = load_framework("default")
    recording = load(dict(zip([one.key for one, _ in files], files, strict=True))["camera-1-2"][1])
    scores = evaluate(framework.reconstruct(recording), recording)
    assert scores.deployable["hr_error_bpm"] < 0.5
    assert scores.calibrated["f1"] > 0.99
    assert scores.calibrated["pcc"] > 0.8
