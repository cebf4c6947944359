from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from radarode.core.errors import InputError
from radarode.core.files import MARKER, atomic_path, new_folder, refuse_existing, refuse_existing_file


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


def visible(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name != MARKER)


def test_new_folder_replaces_only_what_it_made(tmp_path: Path):
    target = tmp_path / "out"
    for name in ("first", "second"):
        with new_folder(target, overwrite=True) as folder:
            (folder / name).touch()
    assert visible(target) == ["second"]
    with pytest.raises(InputError, match="pass --overwrite"), new_folder(target):
        pass
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_new_folder_never_replaces_what_a_user_made(tmp_path: Path, overwrite: bool):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    (tmp_path / "recording.h5").write_text("precious")
    for name in ("mine", "recording.h5"):
        with pytest.raises(InputError, match="--overwrite"), new_folder(tmp_path / name, overwrite=overwrite):
            pass
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"
    assert (tmp_path / "recording.h5").read_text() == "precious"


def test_new_folder_never_replaces_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with new_folder(tmp_path / "out"):
        pass
    monkeypatch.chdir(tmp_path / "out")
    with pytest.raises(InputError, match="leaves it alone"), new_folder(".", overwrite=True):
        pass
    assert (tmp_path / "out").is_dir()


def test_an_interrupted_swap_keeps_the_old_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "out"
    with new_folder(target) as folder:
        (folder / "old").touch()
    rename = Path.rename

    def interrupted(self: Path, to: Path) -> Path:
        if Path(to) == target and not self.name.endswith(".old"):
            raise KeyboardInterrupt
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), new_folder(target, overwrite=True) as folder:
        (folder / "new").touch()
    assert visible(target) == ["old"]
    assert os.listdir(tmp_path) == ["out"]


def test_new_folder_fills_an_empty_folder(tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty") as folder:
        (folder / "a").touch()
    assert visible(tmp_path / "empty") == ["a"]


def test_refuse_existing_file(tmp_path: Path):
    refuse_existing_file(tmp_path / "nothing")
    (tmp_path / "file").touch()
    refuse_existing_file(tmp_path / "file", overwrite=True)
    with pytest.raises(InputError, match="exists already"):
        refuse_existing_file(tmp_path / "file")
    with pytest.raises(InputError, match="is a folder"):
        refuse_existing_file(tmp_path, overwrite=True)


@pytest.mark.parametrize("refuse", [refuse_existing, refuse_existing_file])
def test_places_that_cannot_be_written_are_refused_early(tmp_path: Path, refuse: Callable[[Path], None]):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="may write to"):
        refuse(tmp_path / "file" / "deep" / "out")
