from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from radarode.cli.info import describe, info
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.load import load
from radarode.data.native import save_recording
from radarode.simulate import simulate_empty


@pytest.fixture
def recording(rng: np.random.Generator) -> Recording:
    rcg = rng.standard_normal((3, 2000))
    rcg[:, 100:300] = np.nan
    rcg[:, 500:600] = np.nan
    rcg[1, 1000:1100] = np.nan
    return Recording(
        rcg=rcg,
        fs_hz=200,
        ecg_mv=rng.standard_normal(2000),
        r_peaks_s=np.arange(0.5, 10, 0.8),
        subject="[bold]a",
        source="simulated",
        notes={"snr": "[6 dB]"},
    )


def test_facts(recording: Recording):
    facts = describe(recording)
    assert (facts["simulated"], facts["channels"], facts["duration_s"]) == (True, 3, 10.0)
    assert (facts["gaps"], facts["gap_s"], facts["partly_missing_s"]) == (2, 1.5, 0.5)
    assert (facts["ecg"], facts["r_peaks"], facts["heart_rate_bpm"]) == (True, 12, 75.0)


def test_facts_of_a_recording_without_reference():
    facts = describe(Recording(rcg=np.arange(2000.0)[None], fs_hz=200))
    assert (facts["ecg"], facts["r_peaks"], facts["heart_rate_bpm"]) == (False, None, None)


def test_table_and_json(tmp_path: Path, recording: Recording, capsys: pytest.CaptureFixture[str]):
    save_recording(tmp_path / "a.h5", recording)
    info(tmp_path / "a.h5")
    shown = capsys.readouterr().out
    assert "[bold]a" in shown
    assert "[6 dB]" in shown
    assert "simulated" in shown
    info(tmp_path / "a.h5", json=True)
    facts = json.loads(capsys.readouterr().out)
    assert facts["subject"] == "[bold]a"
    assert facts["notes"] == {"snr": "[6 dB]"}


def test_missing_and_foreign_files(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        info(tmp_path / "none.h5")
    (tmp_path / "a.h5").write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="foreign, truncated"):
        info(tmp_path / "a.h5")


def test_a_recording_known_to_hold_no_heartbeat(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    save_recording(tmp_path / "a.h5", simulate_empty(10.0, np.random.default_rng(0), 2, "empty-0000"))
    facts = describe(load(tmp_path / "a.h5"))
    assert (facts["ecg"], facts["r_peaks"], facts["heart_rate_bpm"]) == (False, 0, None)
    info(tmp_path / "a.h5")
    shown = " ".join(capsys.readouterr().out.split())
    assert "r_peaks │ 0" in shown
    assert "heart_rate_bpm │ not known" in shown
    info(tmp_path / "a.h5", json=True)
    assert json.loads(capsys.readouterr().out)["r_peaks"] == 0
