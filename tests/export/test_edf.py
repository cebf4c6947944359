from __future__ import annotations

import os
from pathlib import Path

import edfio
import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.core.types import Beats, ReconstructedEcg
from radarode.export import write_edf
from radarode.export.edf import BEAT_TEXT, GAP_TEXT, PADDING_TEXT


def make(n: int, rng: np.random.Generator, fs_hz: float = 200.0) -> ReconstructedEcg:
    values = rng.random(n)
    values[400:1000] = np.nan
    beats = Beats(np.array([0.5, 1.4, 6.003]), np.array([0.9, 0.9, 0.8]), np.array([1.0, 0.7, 0.25]))
    return ReconstructedEcg(values, fs_hz, beats, np.array([[2.0, 5.0]]))


def found(edf: edfio.Edf, text: str) -> list[tuple[float, float | None]]:
    return [(note.onset, note.duration) for note in edf.annotations if note.text == text]


@pytest.mark.parametrize("n", [2000, 2101])
def test_round_trip(tmp_path: Path, rng: np.random.Generator, n: int):
    ecg = make(n, rng)
    assert write_edf(tmp_path, "a", ecg) == (tmp_path / "a.edf",)
    assert os.listdir(tmp_path) == ["a.edf"]
    edf = edfio.read_edf(tmp_path / "a.edf")
    signal = edf.signals[0]
    assert (signal.sampling_frequency, signal.physical_dimension) == (200.0, "mV")
    np.testing.assert_allclose(signal.data[:n], np.nan_to_num(ecg.ecg), atol=1e-4)
    assert found(edf, BEAT_TEXT) == [(0.5, None), (1.4, None), (6.003, None)]
    assert found(edf, GAP_TEXT) == [(2.0, 3.0)]
    padding = [] if n == 2000 else [(pytest.approx(n / 200), pytest.approx(len(signal.data) / 200 - n / 200))]
    assert found(edf, PADDING_TEXT) == padding


def test_header_is_anonymous_and_says_what_it_is(tmp_path: Path, rng: np.random.Generator):
    edf = edfio.read_edf(write_edf(tmp_path, "a", make(2000, rng))[0])
    assert (edf.patient.code, edf.patient.name, edf.patient.sex) == ("X", "X", "X")
    assert edf.recording.equipment_code == "radarode"
    assert "reconstructed, not measured" in " ".join(edf.recording.additional)
    assert "not for diagnosis" in edf.signals[0].prefiltering
    assert "reconstructed" in edf.signals[0].transducer_type
    assert found(edf, NOTICE) == [(0.0, None)]


def test_no_beats_no_signal(tmp_path: Path):
    none = np.empty(0)
    silent = ReconstructedEcg(np.full(1000, np.nan), 200.0, Beats(none, none, none), np.array([[0.0, 5.0]]))
    edf = edfio.read_edf(write_edf(tmp_path, "a", silent)[0])
    assert found(edf, GAP_TEXT) == [(0.0, 5.0)]
    assert not edf.signals[0].data.round(3).any()


def test_the_same_input_gives_the_same_bytes(tmp_path: Path):
    for name in ("a", "b"):
        write_edf(tmp_path, name, make(2000, np.random.default_rng(0)))
    assert (tmp_path / "a.edf").read_bytes() == (tmp_path / "b.edf").read_bytes()


def test_bad_rate_and_missing_folder(tmp_path: Path, rng: np.random.Generator):
    with pytest.raises(InputError, match="whole number of Hz"):
        write_edf(tmp_path, "a", make(2000, rng, fs_hz=100.5))
    with pytest.raises(FileNotFoundError, match="create it first"):
        write_edf(tmp_path / "none", "a", make(2000, rng))
    assert os.listdir(tmp_path) == []
