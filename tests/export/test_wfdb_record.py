from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import wfdb

from radarode.core.errors import InputError
from radarode.core.notice import SHORT_NOTICE
from radarode.core.types import Beats, ReconstructedEcg
from radarode.export import write_wfdb


@pytest.fixture
def ecg(rng: np.random.Generator) -> ReconstructedEcg:
    values = rng.random(2100)
    values[400:1000] = np.nan
    beats = Beats(np.array([0.5, 1.4, 6.003]), np.array([0.9, 0.9, 0.8]), np.array([1.0, 0.7, 0.25]))
    return ReconstructedEcg(values, 200.0, beats, np.array([[2.0, 5.0]]), calibrated=True, delay_s=0.123)


def test_round_trip(tmp_path: Path, ecg: ReconstructedEcg):
    files = write_wfdb(tmp_path, "rec-1", ecg)
    assert sorted(file.name for file in files) == ["rec-1.dat", "rec-1.hea", "rec-1.qrs"]
    assert sorted(os.listdir(tmp_path)) == ["rec-1.dat", "rec-1.hea", "rec-1.qrs"]
    record = wfdb.rdrecord(str(tmp_path / "rec-1"))
    assert (record.fs, record.units, record.sig_name) == (200, ["mV"], ["ECG reconstructed"])
    np.testing.assert_allclose(record.p_signal[:, 0], ecg.ecg, atol=0.6e-4)
    annotation = wfdb.rdann(str(tmp_path / "rec-1"), "qrs")
    assert annotation.sample.tolist() == [100, 280, 1201]
    assert set(annotation.symbol) == {"N"}
    assert annotation.fs == 200


def test_header_says_what_it_is(tmp_path: Path, ecg: ReconstructedEcg):
    write_wfdb(tmp_path, "r", ecg)
    comments = wfdb.rdheader(str(tmp_path / "r")).comments
    assert comments[0] == SHORT_NOTICE
    assert any("nominal" in line for line in comments)
    assert any("0.1230 s was removed" in line for line in comments)


def test_without_beats_no_stale_annotations_are_left(tmp_path: Path, ecg: ReconstructedEcg):
    write_wfdb(tmp_path, "r", ecg)
    none = np.empty(0)
    silent = ReconstructedEcg(np.full(1000, np.nan), 200.0, Beats(none, none, none), np.array([[0.0, 5.0]]))
    files = write_wfdb(tmp_path, "r", silent)
    assert sorted(os.listdir(tmp_path)) == sorted(file.name for file in files) == ["r.dat", "r.hea"]
    assert np.isnan(wfdb.rdrecord(str(tmp_path / "r")).p_signal).all()


def test_beats_outside_are_left_out_and_values_clipped(tmp_path: Path):
    beats = Beats(np.array([-1.0, 1.0, 50.0]), np.ones(3), np.ones(3))
    write_wfdb(tmp_path, "r", ReconstructedEcg(np.array([-9.0, 9.0] * 500), 200.0, beats))
    assert wfdb.rdann(str(tmp_path / "r"), "qrs").sample.tolist() == [200]
    values = wfdb.rdrecord(str(tmp_path / "r")).p_signal
    assert (values.min(), values.max()) == (-3.2, 3.2)


@pytest.mark.parametrize("name", ["a b", "../a", "", "ä", "a.b"])
def test_names_that_wfdb_does_not_allow(tmp_path: Path, ecg: ReconstructedEcg, name: str):
    with pytest.raises(InputError, match="`name` must be letters, digits"):
        write_wfdb(tmp_path, name, ecg)
    assert os.listdir(tmp_path) == []


def test_missing_folder(tmp_path: Path, ecg: ReconstructedEcg):
    with pytest.raises(FileNotFoundError, match="create it first"):
        write_wfdb(tmp_path / "none", "r", ecg)


def test_failure_leaves_nothing(tmp_path: Path, ecg: ReconstructedEcg, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(wfdb, "wrann", fail)
    with pytest.raises(OSError, match="disk full"):
        write_wfdb(tmp_path, "r", ecg)
    assert os.listdir(tmp_path) == []
