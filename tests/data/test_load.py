from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from scipy.io import savemat

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.load import known_readers, load
from radarode.data.native import save_recording

SUFFIXES = sorted({suffix for reader in known_readers() for suffix in reader.SUFFIXES})


def test_every_reader_keeps_the_contract():
    readers = known_readers()
    names = [reader.NAME for reader in readers]
    assert names == ["native", "MMECG", "laser-speckle camera", "NilsPod", "WFDB", "NPZ table", "CSV table"]
    assert len({reader.PRIORITY for reader in readers}) == len(readers)
    for reader in readers:
        assert reader.LAYOUT
        assert all(suffix.startswith(".") for suffix in reader.SUFFIXES)


def test_native_files_pass_through(tmp_path: Path, rng: np.random.Generator):
    saved = Recording(rcg=rng.standard_normal((3, 2000)), fs_hz=200, subject="a", motion="displacement")
    save_recording(tmp_path / "a.h5", saved)
    made = load(tmp_path / "a.h5")
    np.testing.assert_array_equal(made.rcg, saved.rcg)
    assert made.subject == "a"
    with pytest.raises(InputError, match="holds displacement, not velocity"):
        load(tmp_path / "a.h5", motion="velocity")


def test_native_files_are_brought_to_200_hz_and_need_a_window(tmp_path: Path, rng: np.random.Generator):
    save_recording(tmp_path / "a.h5", Recording(rcg=rng.standard_normal((1, 1000)), fs_hz=100))
    made = load(tmp_path / "a.h5")
    assert (made.fs_hz, made.rcg.shape) == (200, (1, 2000))
    save_recording(tmp_path / "b.h5", Recording(rcg=rng.standard_normal((1, 399)), fs_hz=100))
    with pytest.raises(InputError, match="at least one window"):
        load(tmp_path / "b.h5")


def test_zeros_in_a_native_file_are_a_dropout(tmp_path: Path, rng: np.random.Generator):
    rcg = rng.standard_normal((2, 2000))
    rcg[:, 500:900] = 0
    save_recording(tmp_path / "a.h5", Recording(rcg=rcg, fs_hz=200))
    assert np.isnan(load(tmp_path / "a.h5").rcg[:, 500:900]).all()


def test_the_name_does_not_decide(tmp_path: Path, rng: np.random.Generator):
    save_recording(tmp_path / "a.mat", Recording(rcg=rng.standard_normal((1, 2000)), fs_hz=200, source="simulated"))
    assert load(tmp_path / "a.mat").simulated


@pytest.mark.parametrize("suffix", [*SUFFIXES, "", ".xyz"])
def test_missing_empty_and_foreign_files_of_every_suffix(tmp_path: Path, suffix: str):
    path = tmp_path / f"file{suffix}"
    with pytest.raises(FileNotFoundError, match="there is no file"):
        load(path)
    path.touch()
    with pytest.raises(InputError, match="is empty"):
        load(path)
    for content in (b"\x7fELF" + bytes(range(256)) * 4, b"\x89PNG\r\n\x1a\n" + bytes(600), b"\0" * 5000, b"x"):
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            load(path, fs_hz=200, motion="velocity")
        assert "\n" not in str(caught.value)
        assert "file" in str(caught.value)


@pytest.mark.parametrize("head", [b"MATLAB 7.3 MAT-file", b"\x89HDF\r\n\x1a\n", b"PK\x03\x04", b"MATLAB 5.0 MAT-file"])
def test_a_true_beginning_alone_is_not_enough(tmp_path: Path, head: bytes):
    path = tmp_path / "a"
    path.write_bytes(head.ljust(124) + b"\0\1IM" + bytes(500))
    with pytest.raises(InputError, match="truncated"):
        load(path)


def test_folders_and_devices_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="is a folder"):
        load(tmp_path)
    with pytest.raises(InputError, match="not a regular file"):
        load("/dev/null")
    with pytest.raises(InputError, match="is a folder"):
        load("/")


def test_known_containers_with_foreign_contents(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros(5)
    with pytest.raises(InputError, match=r"an .h5 must be the native recording"):
        load(tmp_path / "a.h5")
    savemat(tmp_path / "a.mat", {"x": np.zeros(5)})
    with pytest.raises(InputError, match=r"an MMECG .mat has .*; a camera .mat has"):
        load(tmp_path / "a.mat")
    np.savez(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"a NilsPod .npz|truncated"):
        load(tmp_path / "a.npz")
    (tmp_path / "a.bin").write_bytes(b"abc")
    with pytest.raises(InputError, match="known are native, MMECG"):
        load(tmp_path / "a.bin")


def test_unreadable_files_are_the_systems_own_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.h5"
    path.write_bytes(b"x")

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(PermissionError):
        load(path)


def test_importing_does_not_import_torch_or_wfdb():
    code = "import sys, radarode.data.load as l; l.known_readers(); print({'torch', 'wfdb'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
