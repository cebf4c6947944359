"""`radarode train --framework` for every framework, from recordings to an ECG."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from radarode.cli import main
from radarode.configuration import FRAMEWORKS
from radarode.data.native import save_recording
from radarode.simulate import iter_recordings
from radarode.simulate.cohort import plain_cohort
from radarode.simulate.recording import Conditions

SHORT = ["model.preset=tiny", "data.batch_channels=[1, 2]", "train.batch=2", "train.epochs=1",
         "train.steps_per_epoch=1", "train.threads=1"]  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    for recording in iter_recordings(replace(plain_cohort(3, 2, 20.0), conditions=Conditions(n_channels=2))):
        save_recording(folder / f"{recording.name}.h5", recording)
    return folder


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_trained_weights_reconstruct(
    framework: str, people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = tmp_path / "run", tmp_path / "out"
    changes = [part for change in SHORT for part in ("--set", change)]
    train = ["train", str(run), "--framework", framework, "--data", str(people), *changes]
    assert main(train) == 0
    assert f"weights in {run / 'weights'}" in capsys.readouterr().out.replace("\n", "")
    recording = next(people.iterdir())
    assert main(["reconstruct", str(recording), "--weights", str(run / "weights"), "--out", str(out)]) == 0
    assert (out / "ecg.edf").is_file()
    assert "SIMULATED" in capsys.readouterr().out


def test_an_unknown_framework_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(tmp_path / "run"), "--framework", "mmeg"]) == 2
    message = capsys.readouterr().err
    assert "mmecg" in message
    assert len(message.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()
