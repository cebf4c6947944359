"""Every subcommand on good input, with the default weights."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import wfdb

from radarode.cli import build_app, main
from radarode.core.files import MARKER
from radarode.core.notice import NOTICE, SHORT_NOTICE


@pytest.fixture(scope="module")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people") / "one"
    options = ["--subjects", "1", "--minutes", "0.5", "--channels", "6", "--snr-db", "15", "--movement", "0"]
    assert main(["simulate", str(folder), "--seed", "900", *options]) == 0
    (path,) = folder.glob("*.h5")
    return path


def test_simulate_says_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", str(tmp_path / "p"), "--minutes", "0.1", "--channels", "2", "--subjects", "2"]) == 0
    assert "simulated" in capsys.readouterr().out.lower()
    assert len(list((tmp_path / "p").glob("*.h5"))) == 2


def test_info(person: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(person)]) == 0
    assert "simulated" in capsys.readouterr().out.lower()
    assert main(["info", str(person), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["channels"] == 6


def test_convert(person: Path, tmp_path: Path) -> None:
    assert main(["convert", str(person), str(tmp_path / "copy.h5")]) == 0
    assert (tmp_path / "copy.h5").stat().st_size > 10_000


def test_reconstruct_writes_everything(person: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["reconstruct", str(person), "--out", str(out), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["notice"] == NOTICE
    assert summary["simulated"] is True
    assert summary["beats"] > 20
    assert summary == json.loads((out / "summary.json").read_text())
    names = {path.name for path in out.iterdir()}
    exports = {"ecg.hea", "ecg.dat", "ecg.qrs", "ecg.edf", "ecg.csv", "ecg-beats.csv", "ecg.png", "mechanical.csv"}
    assert exports | {"summary.json", MARKER} == names
    beats = wfdb.rdann(str(out / "ecg"), "qrs")
    assert len(beats.sample) == summary["beats"]
    assert (out / "ecg.png").read_bytes()[:4] == b"\x89PNG"
    assert SHORT_NOTICE in (out / "ecg.csv").read_text()[:200]
    assert main(["reconstruct", str(person), "--out", str(out), "--overwrite"]) == 0
    assert "SIMULATED" in capsys.readouterr().out


def test_missing_stretches_become_gaps_and_not_failures(person: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    from radarode.data.native import load_recording, save_recording

    recording = load_recording(person)
    torn = recording.rcg.copy()
    torn[:, 2000:2600] = np.nan
    save_recording(tmp_path / "torn.h5", replace(recording, rcg=torn))
    assert main(["reconstruct", str(tmp_path / "torn.h5"), "--out", str(tmp_path / "out")]) == 0
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert any(start <= 10.01 and end >= 12.99 for start, end in summary["gaps_s"])
    assert summary["beats"] > 15
    ecg, _ = wfdb.rdsamp(str(tmp_path / "out" / "ecg"))
    assert np.isnan(ecg[2000:2600]).all()


def test_evaluate_prints_the_three_columns(person: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(person), "--json", "--out", str(tmp_path / "report")]) == 0
    columns = json.loads(capsys.readouterr().out)
    assert list(columns) == ["deployable", "calibrated", "oracle"]
    wanted = {"f1", "mdr", "ppi_error_ms", "r_timing_ms", "hr_error_bpm", "pcc", "rmse_mv"}
    assert all(wanted <= set(column) for column in columns.values())
    assert columns["calibrated"]["f1"] > 0.95
    page = (tmp_path / "report" / "report.html").read_text()
    assert SHORT_NOTICE in page
    assert "simulated" in page.lower()
    assert main(["evaluate", str(person.parent), "--snr-db", "0", "--movement-s", "3"]) == 0
    printed = capsys.readouterr().out
    assert "deployable" in printed
    assert "R timing error [ms]" in printed


def test_train_evaluate_resume(person: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    assert main(["simulate", str(data), "--subjects", "4", "--minutes", "0.2", "--channels", "3"]) == 0
    settings = ["model.preset=tiny", "train.batch=4", "train.epochs=1", "train.steps_per_epoch=2", "data.folds=2"]
    options = [part for setting in settings for part in ("--set", setting)]
    assert main(["train", str(run), "--data", str(data), *options]) == 0
    assert "best epoch 1" in capsys.readouterr().out
    assert main(["train", "--resume", str(run)]) == 0
    assert main(["evaluate", "--run", str(run), "--json"]) == 0
    assert "deployable" in capsys.readouterr().out


def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 0
    printed = capsys.readouterr().out
    assert "SIMULATED" in printed
    assert NOTICE in printed
    assert (tmp_path / "demo" / "report.html").is_file()


def test_every_subcommand_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    names = [name for name in build_app() if not name.startswith("-")]
    assert {"simulate", "info", "convert", "train", "reconstruct", "evaluate", "demo"} <= set(names)
    for name in names:
        assert main([name, "--help"]) == 0
        assert len(capsys.readouterr().out) > 200


@pytest.mark.parametrize("code", ["import radarode", "from radarode.cli import main; main(['--help'])"])
def test_torch_is_not_imported_for_nothing(code: str) -> None:
    check = f"import sys; {code}; assert not {{'torch', 'matplotlib', 'pandas', 'scipy'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, capture_output=True)


def test_a_recording_is_reconstructed_the_same_twice(person: Path) -> None:
    from radarode import load, reconstruct

    recording = load(person)
    first, second = reconstruct(recording), reconstruct(recording)
    np.testing.assert_array_equal(first.ecg, second.ecg)
