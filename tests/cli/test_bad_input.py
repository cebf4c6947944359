"""Walk the bad-input list at the command line: one line that names the fault, exit code 2, nothing half-written."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

from radarode.cli import main
from radarode.core.types import Recording
from radarode.data.native import save_recording

Maker = Callable[[Path], list[str]]


@pytest.fixture
def good(tmp_path: Path, rng: np.random.Generator) -> Path:
    path = tmp_path / "good.h5"
    save_recording(path, Recording(rcg=rng.standard_normal((3, 2000)), fs_hz=200.0, r_peaks_s=np.arange(1, 9.0)))
    return path


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 2) -> str:
    assert main(arguments) == code
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, f"one line, not {lines}"
    assert lines[0].startswith("error: ")
    assert "Traceback" not in captured.err
    return lines[0]


def write_csv(path: Path, columns: dict[str, np.ndarray]) -> Path:
    rows = np.column_stack(list(columns.values()))
    np.savetxt(path, rows, delimiter=",", header=",".join(columns), comments="", fmt="%.6f")
    return path


def missing(folder: Path) -> list[str]:
    return [str(folder / "nowhere.h5")]


def empty(folder: Path) -> list[str]:
    (folder / "empty.h5").touch()
    return [str(folder / "empty.h5")]


def empty_mat(folder: Path) -> list[str]:
    (folder / "1.mat").touch()
    return [str(folder / "1.mat")]


def truncated(folder: Path) -> list[str]:
    whole = folder / "whole.h5"
    save_recording(whole, Recording(rcg=np.random.default_rng(0).standard_normal((8, 4000)), fs_hz=200.0))
    (folder / "cut.h5").write_bytes(whole.read_bytes()[:-2000])
    return [str(folder / "cut.h5")]


def truncated_mat(folder: Path) -> list[str]:
    scipy.io.savemat(folder / "w.mat", {"data": {"RCG": np.random.default_rng(0).standard_normal((4000, 50))}})
    (folder / "2.mat").write_bytes((folder / "w.mat").read_bytes()[:5000])
    return [str(folder / "2.mat")]


def foreign(folder: Path) -> list[str]:
    (folder / "song.mp3").write_bytes(b"ID3" + bytes(range(256)) * 10)
    return [str(folder / "song.mp3")]


def folder_instead(folder: Path) -> list[str]:
    (folder / "directory").mkdir()
    return [str(folder / "directory")]


def mat_without_fields(folder: Path) -> list[str]:
    scipy.io.savemat(folder / "3.mat", {"something": np.ones((10, 10))})
    return [str(folder / "3.mat")]


def nan_channels(folder: Path) -> list[str]:
    t = np.arange(2000) / 200
    write_csv(folder / "nan.csv", {"t": t, "x": np.full(2000, np.nan)})
    return [str(folder / "nan.csv"), "--motion", "acceleration"]


def constant_channels(folder: Path) -> list[str]:
    t = np.arange(2000) / 200
    write_csv(folder / "flat.csv", {"t": t, "x": np.full(2000, 3.0)})
    return [str(folder / "flat.csv"), "--motion", "acceleration"]


def too_short(folder: Path) -> list[str]:
    x = np.random.default_rng(0).standard_normal(400)
    write_csv(folder / "short.csv", {"x": x})
    return [str(folder / "short.csv"), "--fs", "200", "--motion", "acceleration"]


def absurd_rate(folder: Path) -> list[str]:
    x = np.random.default_rng(0).standard_normal(4000)
    write_csv(folder / "rate.csv", {"x": x})
    return [str(folder / "rate.csv"), "--fs", "-5", "--motion", "acceleration"]


def negative_time(folder: Path) -> list[str]:
    x = np.random.default_rng(0).standard_normal(2000)
    write_csv(folder / "negative.csv", {"t": np.arange(2000) / 200 - 5, "x": x})
    return [str(folder / "negative.csv"), "--motion", "acceleration"]


def shuffled_time(folder: Path) -> list[str]:
    generator = np.random.default_rng(0)
    t = generator.permutation(np.arange(2000) / 200)
    write_csv(folder / "shuffled.csv", {"t": t, "x": generator.standard_normal(2000)})
    return [str(folder / "shuffled.csv"), "--motion", "acceleration"]


def soft_link(folder: Path) -> list[str]:
    return [str(tampered(folder, "soft", lambda file: file.__setitem__("rcg", h5py.SoftLink("/other"))))]


def external_link(folder: Path) -> list[str]:
    link = h5py.ExternalLink("/etc/passwd", "/x")
    return [str(tampered(folder, "external", lambda file: file.__setitem__("rcg", link)))]


def virtual(folder: Path) -> list[str]:
    def put(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(shape=(3, 2000), dtype="f4")
        layout[:] = h5py.VirtualSource(folder / "elsewhere.h5", "rcg", shape=(3, 2000))
        file.create_virtual_dataset("rcg", layout)

    return [str(tampered(folder, "virtual", put))]


def terabytes(folder: Path) -> list[str]:
    def put(file: h5py.File) -> None:
        file.create_dataset("rcg", shape=(50, 10**11), dtype="f4", chunks=(1, 10**5))

    return [str(tampered(folder, "huge", put))]


def tampered(folder: Path, name: str, put: Callable[[h5py.File], None]) -> Path:
    path = folder / f"{name}.h5"
    save_recording(path, Recording(rcg=np.random.default_rng(0).standard_normal((3, 2000)), fs_hz=200.0))
    with h5py.File(path, "r+") as file:
        del file["rcg"]
        put(file)
    return path


def pickled_npz(folder: Path) -> list[str]:
    np.savez(folder / "pickled.npz", x=np.array([{"a": 1}, None], dtype=object))
    return [str(folder / "pickled.npz"), "--fs", "200"]


def bare_pickle(folder: Path) -> list[str]:
    (folder / "bare.npz").write_bytes(pickle.dumps([1, 2, 3]))
    return [str(folder / "bare.npz"), "--fs", "200"]


FILES: list[Maker] = [
    missing, empty, empty_mat, truncated, truncated_mat, foreign, folder_instead, mat_without_fields, nan_channels,
    constant_channels, too_short, absurd_rate, negative_time, shuffled_time, soft_link, external_link, virtual,
    terabytes, pickled_npz, bare_pickle,
]  # fmt: skip


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
@pytest.mark.parametrize("command", ["info", "convert", "reconstruct", "evaluate"])
def test_bad_files(make: Maker, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, *options = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    out = tmp_path / "out.h5" if command == "convert" else tmp_path / "out"
    extra = {"info": [], "convert": [str(out)], "reconstruct": ["--out", str(out)], "evaluate": ["--out", str(out)]}
    if make is folder_instead and command == "evaluate":
        message = fails([command, file, *extra[command], *options], capsys)
        assert "no recordings" in message
    else:
        message = fails([command, file, *extra[command], *options], capsys)
        if make is not absurd_rate:
            assert Path(file).name in message
    assert sorted(tmp_path.rglob("*")) == before, "nothing may be written"


def test_output_that_exists_is_kept(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    assert "--overwrite" in fails(["reconstruct", str(good), "--out", str(out)], capsys)
    assert (out / "mine.txt").read_text() == "precious"
    assert "--overwrite" in fails(["simulate", str(out)], capsys)
    assert "--overwrite" in fails(["convert", str(good), str(good)], capsys)
    assert "--overwrite" in fails(["train", str(out)], capsys)


@pytest.mark.parametrize("command", ["reconstruct", "simulate", "train"])
def test_output_that_cannot_be_written(
    command: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file.txt" / "out"
    (tmp_path / "file.txt").touch()
    arguments = {
        "reconstruct": ["reconstruct", str(good), "--out", str(blocked)],
        "simulate": ["simulate", str(blocked), "--minutes", "0.1", "--channels", "2"],
        "train": ["train", str(blocked), "--data", str(good)],
    }
    fails(arguments[command], capsys)


def test_weights_that_do_not_fit(good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from radarode.models.config import preset
    from radarode.models.pretrained import save_model
    from radarode.models.radarode_mtl import RadarOdeMtl

    folder = tmp_path / "weights"
    save_model(folder, RadarOdeMtl(preset("tiny")), {"scaling": "log_mean", "transform": {"name": "sst"}})
    arguments = ["reconstruct", str(good), "--out", str(tmp_path / "out"), "--weights"]
    settings = json.loads((folder / "config.json").read_text())
    settings["model"]["head_width"] = 8
    (folder / "config.json").write_text(json.dumps(settings))
    assert "does not fit" in fails([*arguments, str(folder)], capsys)
    settings["model"]["head_wdth"] = 8
    (folder / "config.json").write_text(json.dumps(settings))
    assert "head_width" in fails([*arguments, str(folder)], capsys)
    (folder / "weights.safetensors").write_bytes(b"not weights")
    settings["model"].pop("head_wdth")
    (folder / "config.json").write_text(json.dumps(settings))
    fails([*arguments, str(folder)], capsys)
    fails([*arguments, str(tmp_path / "nowhere")], capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "train.epoch=3"], "epochs"),
        (["--set", "balance.strategy=egga"], "ega"),
        (["--set", "model.preset=smal"], "small"),
        (["--set", "train.batch=none"], "train.batch"),
        (["--config", "nowhere.yaml"], "nowhere.yaml"),
        (["--config", "defalt"], "default, finetune"),
        (["--data", "simulate:trainign"], "training"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_bad_training_settings(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert message in fails(["train", str(tmp_path / "run"), *arguments], capsys)
    assert not (tmp_path / "run").exists()


def test_unknown_keys_of_a_configuration_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yaml").write_text("train: {epcohs: 3}\n")
    message = fails(["train", str(tmp_path / "run"), "--config", str(tmp_path / "bad.yaml")], capsys)
    assert "train.epcohs" in message
    assert "epochs" in message


@pytest.mark.parametrize("arguments", [["nonsense"], ["reconstruct"], ["info", "--colour"], ["train"], ["evaluate"]])
def test_wrong_commands(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    fails(arguments, capsys)


def test_a_recording_without_reference_cannot_be_evaluated(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "blind.h5"
    save_recording(path, Recording(rcg=rng.standard_normal((3, 2000)), fs_hz=200.0))
    assert "reference" in fails(["evaluate", str(path)], capsys)


def test_ctrl_c_in_training_keeps_a_checkpoint_and_exits_130(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert main(["simulate", str(data), "--subjects", "2", "--minutes", "0.3", "--channels", "3"]) == 0
    settings = ["model.preset=tiny", "train.batch=4", "train.epochs=5000", "train.steps_per_epoch=2"]
    options = [part for setting in settings for part in ("--set", setting)]
    command = [sys.executable, "-m", "radarode", "train", str(tmp_path / "run"), "--data", str(data), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    log = tmp_path / "run" / "log.jsonl"
    deadline = time.monotonic() + 120
    while not log.is_file() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert len(errors.strip().splitlines()) == 1
    assert "--resume" in errors
    assert (tmp_path / "run" / "checkpoint.pt").is_file()
