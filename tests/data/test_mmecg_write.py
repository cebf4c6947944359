from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.load import load
from radarode.data.mmecg_write import write_mmecg_mat
from radarode.simulate.cohort import mmecg_cohort, simulate_member


@pytest.fixture(scope="module")
def made() -> Recording:
    return simulate_member(replace(mmecg_cohort(3), duration_s=12.0), 2, 4)  # person 5, trial 9


def test_the_struct_is_laid_out_as_published(made: Recording, tmp_path: Path) -> None:
    write_mmecg_mat(tmp_path / "9.mat", made, 5, age=24.0, gender="girl")
    data = loadmat(tmp_path / "9.mat")["data"][0, 0]
    shapes = {"RCG": (2400, 50), "ECG": (2400, 1), "posXYZ": (50, 3), "id": (1, 1), "age": (1, 1)}
    assert {name: data[name].shape for name in shapes} == shapes
    assert all(data[name].dtype == np.float64 for name in shapes)
    assert (data["id"].item(), data["age"].item()) == (5.0, 24.0)
    assert (data["gender"].item(), data["physistatus"].item()) == ("girl", made.status)


def test_a_round_trip_keeps_everything_the_layout_holds(made: Recording, tmp_path: Path) -> None:
    write_mmecg_mat(tmp_path / "9.mat", made, 5, age=24.0, gender="girl")
    read = load(tmp_path / "9.mat")
    np.testing.assert_allclose(read.rcg, made.rcg - made.rcg.mean(axis=1, keepdims=True), rtol=1e-5, atol=1e-4)
    assert made.ecg_mv is not None
    assert read.ecg_mv is not None
    assert made.positions_m is not None
    assert read.positions_m is not None
    assert np.array_equal(read.ecg_mv, made.ecg_mv)
    assert np.array_equal(read.positions_m, made.positions_m)
    assert (read.status, read.trial, read.fs_hz) == (made.status, "9", 200.0)
    assert (read.notes["age"], read.notes["gender"]) == ("24", "girl")
    assert made.r_peaks_s is not None
    assert read.r_peaks_s is not None
    inside = made.r_peaks_s[(made.r_peaks_s > 0.5) & (made.r_peaks_s < 11.5)]
    assert np.abs(inside[:, None] - read.r_peaks_s[None, :]).min(axis=1).max() < 0.01


def test_what_is_simulated_stays_simulated(made: Recording, tmp_path: Path) -> None:
    write_mmecg_mat(tmp_path / "9.mat", made, 5)
    read = load(tmp_path / "9.mat")
    assert read.simulated
    assert read.subject == "sim-mmecg-5"
    assert "simulated" in read.notes["units"]
    assert not {"age", "gender"} & set(read.notes)


def test_what_is_measured_is_not_called_simulated(made: Recording, tmp_path: Path) -> None:
    write_mmecg_mat(tmp_path / "9.mat", replace(made, source="mmecg"), 5)
    read = load(tmp_path / "9.mat")
    assert not read.simulated
    assert (read.source, read.subject) == ("mmecg", "mmecg-5")


def test_without_reference_and_positions(made: Recording, tmp_path: Path) -> None:
    bare = replace(made, ecg_mv=None, r_peaks_s=None, positions_m=None, status="unknown")
    write_mmecg_mat(tmp_path / "9.mat", bare, 5)
    read = load(tmp_path / "9.mat")
    assert read.ecg_mv is None
    assert read.positions_m is None
    assert read.status == "unknown"


def test_what_does_not_fit_the_layout_is_refused(made: Recording, tmp_path: Path) -> None:
    few = replace(made, rcg=made.rcg[:8], positions_m=None)
    with pytest.raises(InputError, match="of 50 channels"):
        write_mmecg_mat(tmp_path / "9.mat", few, 5)
    with pytest.raises(InputError, match="200 Hz"):
        write_mmecg_mat(tmp_path / "9.mat", replace(made, fs_hz=100.0), 5)
    with pytest.raises(InputError, match=r"ends in \.mat"):
        write_mmecg_mat(tmp_path / "9.h5", made, 5)
    assert not list(tmp_path.iterdir())
