from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from radarode.core.notice import SHORT_NOTICE
from radarode.core.types import Beats, ReconstructedEcg
from radarode.export import write_csv


def make(rng: np.random.Generator) -> ReconstructedEcg:
    values = rng.random(2000)
    values[400:1000] = np.nan
    beats = Beats(np.array([0.5, 1.4, 6.0034]), np.array([0.9, 0.9, 0.8]), np.array([1.0, 0.7, 0.25]))
    return ReconstructedEcg(values, 200.0, beats, np.array([[2.0, 5.0]]))


def test_round_trip(tmp_path: Path, rng: np.random.Generator):
    ecg = make(rng)
    signal_path, beats_path = write_csv(tmp_path, "a", ecg)
    assert sorted(os.listdir(tmp_path)) == ["a-beats.csv", "a.csv"]
    rows = np.genfromtxt(signal_path, delimiter=",", names=True, skip_header=1)
    assert rows.dtype.names == ("time_s", "ecg_nominal", "gap")
    np.testing.assert_allclose(rows["time_s"], np.arange(2000) / 200, atol=1e-9)
    np.testing.assert_allclose(rows["ecg_nominal"], ecg.ecg, atol=1e-5)
    np.testing.assert_array_equal(rows["gap"] == 1, np.isnan(ecg.ecg))
    beats = np.genfromtxt(beats_path, delimiter=",", names=True, skip_header=1)
    np.testing.assert_allclose(beats["r_s"], ecg.beats.r_s, atol=1e-4)
    np.testing.assert_allclose(beats["length_s"], ecg.beats.length_s)
    np.testing.assert_allclose(beats["quality"], ecg.beats.quality)


def test_first_line_says_what_it_is(tmp_path: Path, rng: np.random.Generator):
    for path in write_csv(tmp_path, "a", make(rng)):
        assert path.read_text(encoding="utf-8").splitlines()[0] == f"# {SHORT_NOTICE}"


def test_no_beats(tmp_path: Path):
    none = np.empty(0)
    silent = ReconstructedEcg(np.full(10, np.nan), 200.0, Beats(none, none, none))
    signal_path, beats_path = write_csv(tmp_path, "a", silent)
    assert len(beats_path.read_text().splitlines()) == 2
    assert signal_path.read_text().splitlines()[2:4] == ["0.0000,,1", "0.0050,,1"]


def test_missing_folder(tmp_path: Path, rng: np.random.Generator):
    with pytest.raises(FileNotFoundError, match="create it first"):
        write_csv(tmp_path / "none", "a", make(rng))
