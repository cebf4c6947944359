from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from radarode.cli.convert import convert
from radarode.core.errors import InputError
from radarode.data.load import load


@pytest.fixture
def table(tmp_path: Path, rng: np.random.Generator) -> Path:
    path = tmp_path / "in.csv"
    np.savetxt(path, rng.standard_normal((1000, 2)), delimiter=",")
    return path


def test_converted_file_holds_the_same_recording(table: Path, capsys: pytest.CaptureFixture[str]):
    out = table.with_name("out.h5")
    convert(table, out, fs=100, motion="velocity")
    wanted, got = load(table, fs_hz=100, motion="velocity"), load(out)
    np.testing.assert_array_equal(got.rcg, wanted.rcg)
    assert (got.source, got.motion, got.trial, got.notes) == ("table", "velocity", "in", wanted.notes)
    assert "2 channels, 10.0 s" in capsys.readouterr().out


def test_existing_output_is_kept_unless_told(table: Path):
    out = table.with_name("out.h5")
    out.write_text("old")
    with pytest.raises(InputError, match="--overwrite"):
        convert(table, out, fs=100, motion="velocity")
    assert out.read_text() == "old"
    convert(table, out, fs=100, motion="velocity", overwrite=True)
    assert load(out).n_channels == 2


def test_bad_input_leaves_nothing(table: Path):
    with pytest.raises(InputError, match="Add --motion"):
        convert(table, table.with_name("out.h5"), fs=100)
    with pytest.raises(InputError, match=r"must be a file name that ends in \.h5"):
        convert(table, table.with_name("out.mat"), fs=100, motion="velocity")
    with pytest.raises(FileNotFoundError, match="create it first"):
        convert(table, table.parent / "none" / "out.h5", fs=100, motion="velocity")
    (table.parent / "folder.h5").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        convert(table, table.parent / "folder.h5", fs=100, motion="velocity", overwrite=True)
    assert sorted(os.listdir(table.parent)) == ["folder.h5", "in.csv"]
