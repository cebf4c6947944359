"""MMECG itself may not be redistributed, so these files are made in its exact layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from radarode.core import limits
from radarode.core.errors import InputError
from radarode.data.load import load
from radarode.data.readers import mmecg

N_SAMPLES, N_CHANNELS = 35505, 50

Fields = dict[str, Any]
Save = Callable[[Path, Fields], Path]


@pytest.fixture(scope="module")
def fields() -> Fields:
    rng = np.random.default_rng(5)
    ecg = 0.02 * rng.standard_normal((N_SAMPLES, 1))
    ecg[100::180] += 1.0
    return {
        "RCG": rng.standard_normal((N_SAMPLES, N_CHANNELS)),
        "ECG": ecg,
        "posXYZ": rng.standard_normal((N_CHANNELS, 3)),
        "id": 30.0,
        "age": 24.0,
        "gender": "boy",
        "physistatus": "PE",
    }


def save_v5(path: Path, fields: Fields) -> Path:
    savemat(path, {"data": fields}, do_compression=True)
    return path


def save_v73(path: Path, fields: Fields) -> Path:
    """Write what MATLAB's -v7.3 writes: HDF5 behind 512 bytes of text, arrays transposed, text as uint16."""
    with h5py.File(path, "w", userblock_size=512) as file:
        group = file.create_group("data")
        group.attrs["MATLAB_class"] = np.bytes_(b"struct")
        for name, value in fields.items():
            is_text = isinstance(value, str)
            array = np.array([[ord(c)] for c in value], np.uint16) if is_text else np.atleast_2d(value).T
            dataset = group.create_dataset(name, data=array, compression="gzip" if array.size > 100 else None)
            dataset.attrs["MATLAB_class"] = np.bytes_(b"char" if is_text else b"double")
    text = b"MATLAB 7.3 MAT-file, Platform: PCWIN64, Created on: Mon Jan  1 00:00:00 2024 HDF5 schema 1.00 ."
    with path.open("r+b") as file:
        file.write(text.ljust(124) + b"\0\2IM")
    return path


both = pytest.mark.parametrize("save", [save_v5, save_v73])


@both
def test_trial_is_read_as_laid_out(tmp_path: Path, fields: Fields, save: Save):
    made = load(save(tmp_path / "85.mat", fields))
    np.testing.assert_allclose(made.rcg, fields["RCG"].T - fields["RCG"].mean(0)[:, None], atol=1e-5)
    assert made.ecg_mv is not None
    assert made.r_peaks_s is not None
    assert made.positions_m is not None
    np.testing.assert_allclose(made.ecg_mv, fields["ECG"][:, 0], atol=1e-6)
    np.testing.assert_allclose(made.positions_m, fields["posXYZ"], atol=1e-6)
    assert np.abs(np.diff(made.r_peaks_s) - 0.9).max() < 0.01
    assert (made.fs_hz, made.subject, made.trial, made.status) == (200.0, "mmecg-30", "85", "PE")
    assert (made.source, made.motion) == ("mmecg", "displacement")
    assert (made.notes["age"], made.notes["gender"]) == ("24", "boy")


@both
def test_either_orientation_is_understood(tmp_path: Path, fields: Fields, save: Save):
    turned = {**fields, "RCG": fields["RCG"].T, "ECG": fields["ECG"].T, "posXYZ": fields["posXYZ"].T}
    made = load(save(tmp_path / "1.mat", turned))
    assert made.rcg.shape == (N_CHANNELS, N_SAMPLES)
    np.testing.assert_allclose(made.rcg[7], fields["RCG"][:, 7] - fields["RCG"][:, 7].mean(), atol=1e-5)
    assert made.positions_m is not None
    assert made.positions_m.shape == (N_CHANNELS, 3)


@both
def test_subject_comes_from_the_trial_when_the_file_has_none(tmp_path: Path, fields: Fields, save: Save):
    short = {"RCG": fields["RCG"][:2000], "ECG": fields["ECG"][:2000]}
    assert load(save(tmp_path / "22.mat", short)).subject == "mmecg-9"
    assert load(save(tmp_path / "mine.mat", short)).subject == "unknown"
    assert load(save(tmp_path / "92.mat", {**short, "id": 7.0})).subject == "mmecg-7"
    assert load(save(tmp_path / "93.mat", {**short, "id": np.nan})).subject == "unknown"


@both
@pytest.mark.parametrize("stated", [9.0, "9"])
def test_the_published_subject_wins_over_the_files(tmp_path: Path, fields: Fields, save: Save, stated: object):
    """Otherwise one person could stand on both sides of a fold."""
    made = load(save(tmp_path / "23.mat", {"RCG": fields["RCG"][:900], "id": stated}))
    assert made.subject == "mmecg-10"
    assert made.notes["subject_check"] == "the file says 9, the published order of trials 10"


@both
def test_motion_without_reference_is_enough(tmp_path: Path, fields: Fields, save: Save):
    made = load(save(tmp_path / "1.mat", {"RCG": fields["RCG"][:1000], "physistatus": "odd"}))
    assert (made.ecg_mv, made.r_peaks_s, made.positions_m, made.status) == (None, None, None, "unknown")
    assert made.rcg.shape == (N_CHANNELS, 1000)


@both
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RCG": None}, "has no RCG in its struct data"),
        ({"ECG": np.zeros((77, 1))}, "does not fit an ECG of 77 samples"),
        ({"RCG": np.zeros((1000, 2, 2))}, r"must be \(time, channel\)"),
        ({"posXYZ": np.zeros((4, 3))}, r"posXYZ in .* must be \(50, 3\)"),
        ({"RCG": np.ones((1000, N_CHANNELS))}, "is constant or NaN"),
        ({"RCG": np.full((1000, N_CHANNELS), np.nan)}, "is constant or NaN"),
        ({"RCG": np.zeros((799, N_CHANNELS)), "ECG": None}, "at least one window"),
        ({"RCG": "words"}, "RCG in .* must hold plain numbers"),
    ],
)
def test_wrong_fields_are_refused(tmp_path: Path, fields: Fields, save: Save, change: Fields, message: str):
    short = {**fields, "RCG": fields["RCG"][:1000], "ECG": fields["ECG"][:1000], **change}
    path = save(tmp_path / "1.mat", {name: value for name, value in short.items() if value is not None})
    with pytest.raises(InputError, match=message):
        load(path)


@both
def test_stated_facts_cannot_be_contradicted(tmp_path: Path, fields: Fields, save: Save):
    path = save(tmp_path / "1.mat", {"RCG": fields["RCG"][:1000]})
    with pytest.raises(InputError, match="sampled at 200 Hz, not 100"):
        load(path, fs_hz=100)
    with pytest.raises(InputError, match="holds displacement, not velocity"):
        load(path, motion="velocity")
    assert load(path, fs_hz=200, motion="displacement").fs_hz == 200


@both
@pytest.mark.parametrize("kept", [0.3, 0.7, 0.99])
def test_truncated_files_are_refused(tmp_path: Path, fields: Fields, save: Save, kept: float):
    path = save(tmp_path / "1.mat", {"RCG": fields["RCG"][:4000]})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match="truncated"):
        load(path)


def test_v5_with_damaged_contents_is_refused(tmp_path: Path, fields: Fields):
    path = save_v5(tmp_path / "1.mat", {"RCG": fields["RCG"][:4000]})
    whole = bytearray(path.read_bytes())
    for start in (150, 1000, len(whole) // 2):
        damaged = whole.copy()
        damaged[start : start + 40] = bytes(40)
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="damaged"):
            load(path)


def test_v5_claiming_terabytes_is_refused(tmp_path: Path, fields: Fields):
    """A few compressed variables that each claim almost 4 GiB."""
    import struct
    import zlib

    path = save_v5(tmp_path / "1.mat", {"RCG": fields["RCG"][:900]})
    packed = zlib.compress(struct.pack("<II", 14, 2**32 - 8) + bytes(64))
    with path.open("ab") as file:
        for _ in range(3):
            file.write(struct.pack("<II", 15, len(packed)) + packed)
    with pytest.raises(InputError, match=r"more than the limit of 2.0 GiB"):
        load(path)


def test_v5_without_the_struct_is_refused(tmp_path: Path):
    savemat(tmp_path / "a.mat", {"other": np.zeros(5)})
    with pytest.raises(InputError, match=r"lacks the needed fields: an MMECG .mat has a struct data"):
        load(tmp_path / "a.mat")
    savemat(tmp_path / "b.mat", {"data": np.zeros(5)})
    with pytest.raises(InputError, match="lacks the needed fields"):
        load(tmp_path / "b.mat")
    records = np.zeros(2, [("RCG", object)])
    records["RCG"] = [np.zeros(3), np.zeros(4)]
    savemat(tmp_path / "c.mat", {"data": records})
    with pytest.raises(InputError, match="must be one struct"):
        load(tmp_path / "c.mat")


def test_v73_with_links_or_claims_is_refused(tmp_path: Path, fields: Fields):
    def damaged(change: Callable[[h5py.Group], None]) -> Path:
        path = save_v73(tmp_path / "1.mat", {"RCG": fields["RCG"][:900]})
        with h5py.File(path, "r+") as file:
            group = file["data"]
            assert isinstance(group, h5py.Group)
            del group["RCG"]
            change(group)
        return path

    with pytest.raises(InputError, match="links are not followed"):
        load(damaged(lambda group: group.__setitem__("RCG", h5py.ExternalLink("x.mat", "/data/RCG"))))
    with pytest.raises(InputError, match="more than the limit"):
        load(damaged(lambda group: group.create_dataset("RCG", (50, 10**12), "f8", chunks=(1, 1000))))
    with pytest.raises(InputError, match="must hold plain numbers"):
        load(damaged(lambda group: group.create_dataset("RCG", (1, 1), h5py.ref_dtype)))


@pytest.mark.parametrize("code", [0x110000, -1.0, np.nan, np.inf, 0xD800, 0xDFFF])
def test_v73_text_of_impossible_characters_is_refused(tmp_path: Path, fields: Fields, code: float):
    path = save_v73(tmp_path / "1.mat", {"RCG": fields["RCG"][:900]})
    with h5py.File(path, "r+") as file:
        file["data/gender"] = np.array([[98.0], [code]])
        file["data/gender"].attrs["MATLAB_class"] = np.bytes_(b"char")
    with pytest.raises(InputError, match=r"gender in .*1\.mat is marked as text, but holds numbers"):
        load(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_v5_counts_numbers_as_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compressed: bool):
    """A million bytes become eight million."""
    monkeypatch.setattr(limits.check_bytes, "__defaults__", (4_000_000,))
    small, large = np.zeros((500, 900), np.uint8), np.zeros((500, 2000), np.uint8)
    savemat(tmp_path / "1.mat", {"data": {"RCG": small}}, do_compression=compressed)
    with pytest.raises(InputError, match="constant or NaN"):
        load(tmp_path / "1.mat")
    savemat(tmp_path / "1.mat", {"data": {"RCG": large}}, do_compression=compressed)
    with pytest.raises(InputError, match="more than the limit"):
        load(tmp_path / "1.mat")


def test_v73_counts_numbers_as_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mmecg, "MAX_BYTES", 8_000_000)
    path = save_v73(tmp_path / "1.mat", {"RCG": np.zeros((600, 1000), np.uint8)})
    with pytest.raises(InputError, match="constant or NaN"):
        load(path)
    path = save_v73(path, {"RCG": np.zeros((600, 1000), np.uint8), "ECG": np.zeros((600, 1000), np.uint8)})
    with pytest.raises(InputError, match="more than the limit"):
        load(path)


def test_v73_without_the_struct_is_refused(tmp_path: Path):
    path = save_v73(tmp_path / "1.mat", {})
    with h5py.File(path, "r+") as file:
        del file["data"]
    with pytest.raises(InputError, match="holds no struct `data`"):
        load(path)
    with h5py.File(path, "r+") as file:
        file["data"] = np.zeros(5)
    with pytest.raises(InputError, match="must be a group"):
        load(path)


def test_v73_empty_and_reference_fields(tmp_path: Path, fields: Fields):
    """MATLAB stores an empty array as its size, marked by an attribute."""
    path = save_v73(tmp_path / "1.mat", {"RCG": fields["RCG"][:900], "ECG": np.array([0.0, 0.0])})
    with h5py.File(path, "r+") as file:
        file["data/ECG"].attrs["MATLAB_empty"] = np.uint8(1)
    assert load(path).ecg_mv is None


def test_uncompressed_v5_damaged_anywhere_loads_or_is_refused(tmp_path: Path):
    """Such damage has no checksum, and scipy's compiled reader crashes on some of it."""
    rng = np.random.default_rng(11)
    path = tmp_path / "1.mat"
    savemat(path, {"data": {"RCG": rng.standard_normal((800, 1)), "id": 3.0, "physistatus": "NB"}})
    whole = path.read_bytes()
    structure = [*range(128, 400), *range(len(whole) - 300, len(whole) - 7)]
    messages = []
    for _ in range(300):
        damaged = bytearray(whole)
        start = int(rng.choice(structure))
        damaged[start : start + 4] = rng.integers(0, 256, 4, dtype=np.uint8).tobytes()
        path.write_bytes(damaged)
        try:
            load(path)
        except InputError as error:
            messages.append(str(error))
    assert len(messages) > 50
    assert not any("\n" in message for message in messages)
