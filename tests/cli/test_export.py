"""`radarode export`: an ECG out of an .onnx file alone, half precision, and bad input in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from radarode import load_model, reconstruct
from radarode.cli import main
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.native import save_recording
from radarode.models.pretrained import WEIGHTS_FILE, packaged_folder, save_model
from radarode.simulate import Conditions, person_of, simulate_recording


@pytest.fixture(scope="module")
def recording() -> Recording:
    clean = Conditions(snr_db=12.0, n_channels=3, movement_per_min=0.0)
    return simulate_recording(person_of(4242, 0), 20.0, "NB", np.random.default_rng(1), clean)


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def test_an_ecg_out_of_an_onnx_file_alone(
    recording: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    file = tmp_path / "small.onnx"
    assert main(["export", str(file)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "(window, channel, 71, 120)" in said
    assert "SIMULATED" in said
    wanted, got = reconstruct(recording), reconstruct(recording, file)
    np.testing.assert_allclose(got.beats.r_s, wanted.beats.r_s, atol=1e-5)
    np.testing.assert_allclose(got.beats.quality, wanted.beats.quality, atol=1e-3)
    np.testing.assert_allclose(got.ecg, wanted.ecg, atol=1e-4)
    assert len(wanted.beats) > 15

    save_recording(tmp_path / "one.h5", recording)
    out = tmp_path / "out"
    assert main(["reconstruct", str(tmp_path / "one.h5"), "--weights", str(file), "--out", str(out), "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["beats"] == len(wanted.beats)
    assert summary["weights"] == str(file)

    before = file.read_bytes()
    assert "--overwrite" in fails(["export", str(file)], capsys)
    assert "already" in fails(["export", str(tmp_path / "x.onnx"), "--weights", str(file)], capsys)
    assert "no weights to save" in fails(["export", str(tmp_path / "x"), "--weights", str(file)], capsys)
    file.write_bytes(before[:-1000])
    (tmp_path / "out2").parent.mkdir(exist_ok=True)
    command = ["reconstruct", str(tmp_path / "one.h5"), "--weights", str(file), "--out", str(tmp_path / "out2")]
    assert "small.onnx" in fails(command, capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.h5", "out", "small.onnx"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_comes_back_whole(dtype: str, recording: Recording, tmp_path: Path) -> None:
    assert main(["export", str(tmp_path / "half"), "--dtype", dtype]) == 0
    size = (tmp_path / "half" / WEIGHTS_FILE).stat().st_size
    assert size < 0.52 * (packaged_folder() / WEIGHTS_FILE).stat().st_size
    half, whole = load_model(tmp_path / "half"), load_model("default")
    assert (half.tasks, half.transform, half.facts) == (whole.tasks, whole.transform, whole.facts)
    relative = {"float16": 2e-3, "bfloat16": 2e-2}[dtype]
    for (name, one), (_, other) in zip(half.model.named_parameters(), whole.model.named_parameters(), strict=True):
        assert one.dtype == torch.float32
        assert (one - other).abs().max() <= relative * other.abs().max(), name
    if dtype == "float16":
        wanted, got = reconstruct(recording), reconstruct(recording, half)
        np.testing.assert_allclose(got.beats.r_s, wanted.beats.r_s, atol=1e-3)


def test_weights_of_any_framework_in_half_precision(tmp_path: Path) -> None:
    assert main(["export", str(tmp_path / "half"), "--weights", "classical", "--dtype", "float16"]) == 0
    assert load_model(tmp_path / "half").framework == "classical"


def test_weights_too_large_for_float16_are_refused(tmp_path: Path) -> None:
    whole = load_model("default")
    with torch.no_grad():
        next(iter(whole.model.parameters())).fill_(1e6)
    with pytest.raises(InputError, match="too large for float16"):
        save_model(tmp_path / "half", whole.model, whole.described(), dtype=torch.float16)
    save_model(tmp_path / "half", whole.model, whole.described(), dtype=torch.bfloat16)
    assert next(iter(load_model(tmp_path / "half").model.parameters())).max() > 9e5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x.onnx", "--weights", "nowhere"], "nowhere"),
        (["x.onnx", "--weights", "classical"], "only radarode-mtl"),
        (["x.onnx", "--dtype", "bfloat16"], "`dtype`"),
        (["x.onnx", "--channels", "three"], "`channels`"),
        (["x.onnx", "--channels", "0"], "`channels`"),
        (["x.onnx", "--channels", "99999"], "`channels`"),
        (["x.onnx", "--format", "torchscript"], "native"),
        (["x", "--format", "grid-sample"], "--format"),
        (["x", "--no-with-scaling"], "--with-scaling"),
        (["nofolder/x.onnx", "--weights", "garbage.onnx"], "not an ONNX file"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "garbage.onnx").write_bytes(b"\x00\x01garbage")
    assert words in fails(["export", *arguments], capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["garbage.onnx"]
