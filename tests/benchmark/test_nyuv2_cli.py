"""The command's function; how it is wired into `radarode benchmark` is tested with the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from radarode.benchmark.nyuv2.scenes import MadeScenes, make_scenes
from radarode.cli._benchmark_nyuv2 import nyuv2
from tests.benchmark.here import jobs_here

SMALL = ["network_size=tiny", "epochs=1", "batch=2", "device=cpu", "scenes={height: 32, width: 32, train: 4, val: 2}"]


def test_the_command_prints_the_table_beside_the_published_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = nyuv2(tmp_path / "out", methods=["gls"], seeds=[2], processes=1, set_=SMALL)
    text = capsys.readouterr().out
    assert code == 0
    assert "GLS" in text
    assert "SIMULATED" in text
    assert "53.04" in "".join(text.split())
    assert (tmp_path / "out/table.tex").is_file()


def test_data_of_ones_own_take_the_full_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_scenes(tmp_path / "data", MadeScenes(32, 32, 4, 2))
    (data / "simulated.json").unlink()
    with jobs_here():
        nyuv2(tmp_path / "out", data=data, methods=["gls"], seeds=[1], set_=SMALL)
    text = " ".join(capsys.readouterr().out.split())
    assert "on NYUv2" in text
    assert "SIMULATED" not in text
    assert not (tmp_path / "out/scenes").exists()


def test_runs_that_fail_are_told_on_stderr_and_by_the_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = make_scenes(tmp_path / "data", MadeScenes(32, 32, 4, 2))
    np.save(data / "train/depth/3.npy", np.full((32, 32, 1), np.nan, np.float32))
    with jobs_here():
        code = nyuv2(tmp_path / "out", data=data, methods=["single"], seeds=[1], set_=SMALL)
    errors = capsys.readouterr().err
    assert code == 1
    assert errors.count("error: run single-") == 3
    assert "depth/3.npy holds NaN" in errors
