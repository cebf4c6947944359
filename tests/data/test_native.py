from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data import native
from radarode.data.native import load_recording, save_recording

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "native-format.md"


@pytest.fixture
def recording(rng: np.random.Generator) -> Recording:
    rcg = rng.standard_normal((5, 2000)).astype(np.float32)
    rcg[2, 100:300] = np.nan
    return Recording(
        rcg=rcg,
        fs_hz=200.0,
        ecg_mv=rng.standard_normal(2000),
        r_peaks_s=np.array([0.51, 1.4, 2.25]),
        positions_m=rng.standard_normal((5, 3)),
        subject="Zoë",
        trial="7",
        status="PE",
        source="simulated",
        motion="displacement",
        notes={"µ": "1 mm", "long": "x" * 100_000},
    )


@pytest.fixture
def saved(tmp_path: Path, recording: Recording) -> Path:
    path = tmp_path / "a.h5"
    save_recording(path, recording)
    return path


def assert_same(got: Recording, wanted: Recording) -> None:
    for name in ("rcg", "ecg_mv", "r_peaks_s", "positions_m"):
        np.testing.assert_array_equal(getattr(got, name), getattr(wanted, name))
    for name in ("fs_hz", "subject", "trial", "status", "source", "motion", "notes"):
        assert getattr(got, name) == getattr(wanted, name)


def test_round_trip_is_exact(saved: Path, recording: Recording):
    assert_same(load_recording(saved), recording)


def test_optional_parts_may_be_absent(tmp_path: Path):
    bare = Recording(rcg=np.arange(10.0)[None], fs_hz=100)
    save_recording(tmp_path / "a.h5", bare)
    got = load_recording(tmp_path / "a.h5")
    assert (got.ecg_mv, got.r_peaks_s, got.positions_m, got.notes) == (None, None, None, {})


def test_no_beats_is_not_the_same_as_unknown_beats(tmp_path: Path):
    save_recording(tmp_path / "a.h5", Recording(rcg=np.arange(10.0)[None], fs_hz=100, r_peaks_s=np.empty(0)))
    peaks = load_recording(tmp_path / "a.h5").r_peaks_s
    assert peaks is not None
    assert peaks.shape == (0,)


def test_layout_is_the_documented_one(saved: Path):
    with h5py.File(saved) as file:
        rcg = file["rcg"]
        assert isinstance(rcg, h5py.Dataset)
        assert (rcg.dtype, rcg.compression, rcg.shuffle, rcg.chunks) == (np.float32, "gzip", True, (1, 2000))
        text = DOCUMENT.read_text(encoding="utf-8")
        assert {f"`{name}`" for name in (*file, *file.attrs)} <= set(re.findall(r"`\w+`", text))
        assert (file.attrs["format"], file.attrs["version"]) == (native.FORMAT, native.VERSION)


def test_example_of_the_document_makes_a_readable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    code = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    monkeypatch.chdir(tmp_path)
    exec(code[1], {})
    assert load_recording("mine.h5").n_channels == 50


def test_failed_write_keeps_the_old_file(saved: Path, recording: Recording, monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(native, "_write", fail)
    with pytest.raises(OSError, match="disk full"):
        save_recording(saved, recording)
    assert_same(load_recording(saved), recording)
    assert os.listdir(saved.parent) == ["a.h5"]


def test_missing_file_and_folder(tmp_path: Path, recording: Recording):
    with pytest.raises(FileNotFoundError, match="no file"):
        load_recording(tmp_path / "none.h5")
    with pytest.raises(FileNotFoundError, match="create it first"):
        save_recording(tmp_path / "none" / "a.h5", recording)


@pytest.mark.parametrize("kept", [0, 4, 600, 0.5, 0.98])
def test_truncated_file_is_refused(saved: Path, kept: float):
    whole = saved.read_bytes()
    saved.write_bytes(whole[: int(kept if kept > 1 else kept * len(whole))])
    with pytest.raises(InputError, match="truncated or damaged"):
        load_recording(saved)


def test_damaged_chunk_is_refused(saved: Path):
    with h5py.File(saved) as file:
        dataset = file["rcg"]
        assert isinstance(dataset, h5py.Dataset)
        offset = dataset.id.get_chunk_info(0).byte_offset
    whole = bytearray(saved.read_bytes())
    whole[offset : offset + 64] = bytes(64)
    saved.write_bytes(whole)
    with pytest.raises(InputError, match=r"/rcg in a.h5 cannot be read: the file is truncated or damaged"):
        load_recording(saved)


def _soft_link(file: h5py.File) -> None:
    file["rcg"] = h5py.SoftLink("/ecg_mv")


def _external_link(file: h5py.File) -> None:
    file["rcg"] = h5py.ExternalLink("other.h5", "/rcg")


def _external_storage(file: h5py.File) -> None:
    file.create_dataset("rcg", (2, 1000), "f4", external=[("/etc/hostname", 0, h5py.h5f.UNLIMITED)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2, 1000), "f4")
    layout[0] = h5py.VirtualSource("other.h5", "x", (1000,))
    file.create_virtual_dataset("rcg", layout)


def _terabytes(file: h5py.File) -> None:
    file.create_dataset("rcg", (1000, 10**12), "f4", chunks=(1, 1024))


def _unfilled(file: h5py.File) -> None:
    file.create_dataset("rcg", (50, 10**6), "f4", chunks=(1, 1024), compression="gzip")


def _huge_chunk(file: h5py.File) -> None:
    file.create_dataset("rcg", (1, 1000), "f8", chunks=(1, 10**6), maxshape=(1, None))[:] = 1


def _objects(file: h5py.File) -> None:
    file.create_dataset("rcg", (2, 3), h5py.ref_dtype)


def _compound(file: h5py.File) -> None:
    file["rcg"] = np.zeros((2, 3), [("a", "f4"), ("b", "f4")])


def _vlen(file: h5py.File) -> None:
    file.create_dataset("rcg", (2,), h5py.vlen_dtype(np.float32))


def _text(file: h5py.File) -> None:
    file["rcg"] = "not numbers"


def _complex(file: h5py.File) -> None:
    file["rcg"] = np.zeros((2, 3), np.complex64)


def _other_filter(file: h5py.File) -> None:
    file.create_dataset("rcg", data=np.zeros((2, 3)), compression="lzf")


def _group(file: h5py.File) -> None:
    file.create_group("rcg")


def _type(file: h5py.File) -> None:
    file["rcg"] = np.dtype("f4")


def _nothing(file: h5py.File) -> None:
    pass


def _empty(file: h5py.File) -> None:
    file["rcg"] = np.empty((0, 5))


def _null(file: h5py.File) -> None:
    file["rcg"] = h5py.Empty("f4")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_soft_link, "links are not followed"),
        (_external_link, "links are not followed"),
        (_external_storage, "data in another file"),
        (_virtual, "virtual dataset"),
        (_terabytes, "claims 7450580.6 GiB, more than the limit of 2.0 GiB"),
        (_unfilled, "but only 0 bytes are stored"),
        (_huge_chunk, "one chunk of /rcg in a.h5 claims"),
        (_objects, "must hold plain numbers"),
        (_compound, "must hold plain numbers"),
        (_vlen, "must hold plain numbers"),
        (_text, "must hold plain numbers"),
        (_complex, "must hold plain numbers"),
        (_other_filter, "unsupported filter"),
        (_group, "not a dataset"),
        (_type, "neither"),
        (_nothing, "/rcg in a.h5 is missing"),
        (_empty, "`rcg` must be a non-empty array"),
        (_null, "must hold plain numbers"),
    ],
)
def test_what_is_not_plain_data_is_refused(saved: Path, make: Callable[[h5py.File], None], message: str):
    with h5py.File(saved, "r+") as file:
        del file["rcg"]
        make(file)
    max_bytes = 10**6 if make is _huge_chunk else native.MAX_BYTES
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        load_recording(saved, max_bytes=max_bytes)
    assert "\n" not in str(caught.value)


def test_link_as_optional_member_is_refused_too(saved: Path):
    with h5py.File(saved, "r+") as file:
        del file["ecg_mv"]
        file["ecg_mv"] = h5py.SoftLink("/rcg")
    with pytest.raises(InputError, match=r"/ecg_mv in a.h5 is a link"):
        load_recording(saved)


def test_cap_is_checked_before_reading(saved: Path):
    with pytest.raises(InputError, match="more than the limit"):
        load_recording(saved, max_bytes=1000)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", None, "not a radarode recording"),
        ("format", "other", "not a radarode recording"),
        ("format", np.arange(3), "one text or one number"),
        ("version", 99, "layout version 99; this program reads 1. Update"),
        ("fs_hz", None, "lacks the attribute fs_hz"),
        ("fs_hz", "fast", "must be a number"),
        ("fs_hz", np.nan, "`fs_hz` must be between"),
        ("fs_hz", -200.0, "`fs_hz` must be between"),
        ("subject", None, "lacks the attribute subject"),
        ("status", "XX", "`status` must be one of"),
        ("notes", "{", "not JSON"),
        ("notes", "[1]", "must be a JSON object"),
        ("notes", "[" * 100_000, "not JSON"),
    ],
)
def test_attributes_are_checked(saved: Path, name: str, value: object, message: str):
    with h5py.File(saved, "r+") as file:
        del file.attrs[name]
        if value is not None:
            file.attrs[name] = value
    with pytest.raises(InputError, match=message):
        load_recording(saved)


def test_fixed_length_text_attributes_are_read(saved: Path, recording: Recording):
    with h5py.File(saved, "r+") as file:
        file.attrs["subject"] = np.bytes_(b"abc")
        file.attrs["trial"] = np.array(["9"], dtype=h5py.string_dtype())
    got = load_recording(saved)
    assert (got.subject, got.trial) == ("abc", "9")
