from __future__ import annotations

import os
from pathlib import Path

import pytest

from radarode.core.errors import InputError
from radarode.core.files import atomic_path, new_folder, refuse_existing


def test_atomic_path_appears_only_when_the_block_succeeds(tmp_path: Path):
    target = tmp_path / "a.txt"
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_atomic_path_keeps_the_old_file_when_the_block_fails(tmp_path: Path, error: type[BaseException]):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        write_half()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_atomic_path_keeps_the_suffix_and_gives_usual_permissions(tmp_path: Path):
    umask = os.umask(0o022)
    try:
        with atomic_path(tmp_path / "a.npz") as temporary:
            assert temporary.suffix == ".npz"
    finally:
        os.umask(umask)
    assert (tmp_path / "a.npz").stat().st_mode & 0o777 == 0o644


def test_atomic_path_needs_its_folder(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="create it first"), atomic_path(tmp_path / "no" / "a.txt"):
        pass


def test_new_folder_vanishes_on_failure_and_appears_on_success(tmp_path: Path):
    target = tmp_path / "out"

    def write_half() -> None:
        with new_folder(target) as folder:
            (folder / "half.txt").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert os.listdir(tmp_path) == []
    with new_folder(target) as folder:
        (folder / "whole.txt").write_text("whole")
    assert os.listdir(tmp_path) == ["out"]
    assert (target / "whole.txt").read_text() == "whole"


def test_new_folder_refuses_what_exists_unless_told(tmp_path: Path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "old.txt").write_text("old")
    with pytest.raises(InputError, match="--overwrite"), new_folder(target):
        pass
    with new_folder(target, overwrite=True) as folder:
        (folder / "new.txt").write_text("new")
    assert os.listdir(target) == ["new.txt"]


def test_new_folder_fills_an_empty_folder_and_replaces_a_file(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as folder:
        (folder / "a").touch()
    assert os.listdir(tmp_path / "empty") == ["a"]
    (tmp_path / "file").touch()
    with new_folder(tmp_path / "file", overwrite=True):
        pass
    assert (tmp_path / "file").is_dir()


def test_refuse_existing(tmp_path: Path):
    refuse_existing(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    refuse_existing(tmp_path / "empty")
    (tmp_path / "file").touch()
    refuse_existing(tmp_path / "file", overwrite=True)
    with pytest.raises(InputError, match="exists already"):
        refuse_existing(tmp_path / "file")
