from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wfdb

from radarode.core.errors import InputError
from radarode.data.load import load
from radarode.data.readers.wfdb_record import read_wfdb_ecg

FS_HZ = 400.0
N = 4000


def write(folder: Path, names: list[str], units: list[str], **changes: Any) -> Path:
    time_s = np.arange(N) / FS_HZ
    rng = np.random.default_rng(1)
    columns = []
    for number, name in enumerate(names):
        wave = np.sin(2 * np.pi * (number + 2) * time_s)
        ecg = 0.02 * rng.standard_normal(N) + np.exp(-0.5 * (((time_s - 0.5) % 1.0 - 0.5) / 0.01) ** 2)
        columns.append(ecg if name.lower().startswith(("ecg", "ii")) else wave)
    signals = np.stack(columns, axis=1)
    for name, value in changes.items():
        signals[value, names.index(name)] = np.nan
    wfdb.wrsamp("rec", FS_HZ, units, names, signals, fmt=["16"] * len(names), write_dir=str(folder))
    return folder / "rec.hea"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return write(tmp_path, ["II", "radar 1", "radar 2", "RESP"], ["mV", "mm", "mm", "NU"])


def test_motion_channels_are_told_by_their_units(record: Path):
    made = load(record)
    assert (made.motion, made.source, made.trial, made.rcg.shape) == ("displacement", "wfdb", "rec", (2, 2000))
    omega = 2 * np.pi * 3
    wanted = -(omega**2) * np.sin(omega * np.arange(2000) / 200)
    assert np.abs(made.rcg[0] - wanted)[100:-100].max() < 0.01 * omega**2
    assert made.r_peaks_s is not None
    assert np.abs(np.diff(made.r_peaks_s) - 1.0).max() < 0.01
    assert made.notes["channels"] == "radar 1, radar 2"


@pytest.mark.parametrize("name", ["rec", "rec.hea", "rec.dat"])
def test_header_signal_file_and_record_name_mean_the_same(record: Path, name: str):
    assert load(record.parent / name).n_channels == 2


def test_annotated_beats_win_over_detected_ones(record: Path):
    beats = np.array([300, 700, 1500])
    wfdb.wrann("rec", "atr", beats, ["N", "+", "V"], fs=FS_HZ, write_dir=str(record.parent))
    peaks_s = load(record).r_peaks_s
    assert peaks_s is not None
    assert peaks_s.tolist() == [300 / FS_HZ, 1500 / FS_HZ]


def test_invalid_samples_become_gaps(tmp_path: Path):
    path = write(tmp_path, ["radar 1", "radar 2"], ["mm", "mm"], **{"radar 1": slice(1000, 2000)})
    rcg = load(path).rcg
    assert np.isnan(rcg[0, 510:990]).all()
    assert np.isfinite(rcg[1]).all()


def test_named_motion_without_a_unit_needs_its_kind(tmp_path: Path):
    path = write(tmp_path, ["radar", "ECG1"], ["NU", "uV"])
    with pytest.raises(InputError, match="Add --motion"):
        load(path)
    made = load(path, motion="velocity")
    assert made.motion == "velocity"
    assert made.ecg_mv is not None
    assert np.nanmax(made.ecg_mv) == pytest.approx(1e-3, rel=0.2)


def test_kinds_are_not_mixed(tmp_path: Path):
    path = write(tmp_path, ["x", "acc x"], ["mm", "m/s2"])
    assert load(path).notes["channels"] == "x"
    assert load(path, motion="acceleration").notes["channels"] == "acc x"
    with pytest.raises(InputError, match="has no velocity channel"):
        load(path, motion="velocity")
    with pytest.raises(InputError, match="sampled at 400 Hz, not 100"):
        load(path, fs_hz=100)


def test_ecg_alone_is_not_a_recording_but_can_be_read(tmp_path: Path):
    path = write(tmp_path, ["II"], ["mV"])
    with pytest.raises(InputError, match=r"has no motion channel .*ECG alone is not enough"):
        load(path)
    ecg, fs_hz, beats = read_wfdb_ecg(path)
    assert (ecg.shape, fs_hz, beats) == ((N,), FS_HZ, None)


def test_reading_an_ecg_that_is_not_there(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="no WFDB header"):
        read_wfdb_ecg(tmp_path / "none")
    path = write(tmp_path, ["RESP"], ["NU"])
    with pytest.raises(InputError, match="has no ECG channel"):
        read_wfdb_ecg(path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("rec 1 400 4000\n../secret.dat 16 200 16 0 0 0 0 x\n", "not in its folder|damaged"),
        ("rec 1 400 4000\n/etc/hostname 16 200 16 0 0 0 0 x\n", "not in its folder|damaged"),
        ("rec 1 400 4000\nnone.dat 16 200/mm 16 0 0 0 0 x\n", "not in its folder"),
        ("rec 1 400 900000000000\nrec.dat 16 200/mm 16 0 0 0 0 x\n", "more than the limit"),
        ("rec 1 400 40000\nrec.dat 16 200/mm 16 0 0 0 0 x\n", "missing, truncated or damaged"),
        ("rec 1 1e9 4000\nrec.dat 16 200/mm 16 0 0 0 0 x\n", "`fs_hz` must be between"),
        ("rec 1 -400 4000\nrec.dat 16 200/mm 16 0 0 0 0 x\n", "not a WFDB header"),
        ("rec 1 400 4000\nrec.dat 99 200/mm 16 0 0 0 0 x\n", "damaged"),
        ("rec/2 1 400 4000\na 2000\nb 2000\n", "multi-segment or empty"),
        ("rec 0 400 4000\n", "multi-segment or empty"),
        ("this is no header\n", "not a WFDB header"),
        ("rec 1\n", "not a WFDB header"),
        ("\n", "not a WFDB header"),
    ],
)
def test_bad_headers_are_refused(record: Path, header: str, message: str):
    record.write_text(header)
    with pytest.raises(InputError, match=message) as caught:
        load(record)
    assert "\n" not in str(caught.value)


def test_truncated_signal_and_annotation_files_are_refused(record: Path):
    record.with_suffix(".atr").write_bytes(b"\x01")
    with pytest.raises(InputError, match="not a readable annotation file"):
        load(record)
    data = record.with_suffix(".dat")
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(InputError, match="truncated or damaged"):
        load(record)


def test_real_record_and_its_expert_annotations(real_data: Path):
    ecg, fs_hz, beats = read_wfdb_ecg(real_data / "wfdb_sample_ecg" / "100")
    assert (ecg.shape, fs_hz) == ((650_000,), 360.0)
    assert beats is not None
    assert len(beats) == 2273
