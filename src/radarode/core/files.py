"""Write files so that a crash or Ctrl-C leaves either the old state or the new one, never half a file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from radarode.core.errors import InputError

MARKER = ".radarode"
"""File that marks a folder as made, and so replaceable, by the program."""

MARKER_TEXT = "This folder was made by radarode; --overwrite may replace it.\n"


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` on success, delete it on failure.

    Args:
        path: the file to create or replace; its folder must exist.

    Raises:
        FileNotFoundError: the folder does not exist.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"the folder {target.parent} does not exist; create it first.")
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: Path | str, *, overwrite: bool = False) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` when the block succeeds, and vanishes when it fails.

    An old folder is moved aside first and deleted last, so that at every moment either the old or the new one stands.

    Args:
        path: the folder to create; its parents are created.
        overwrite: replace what stands there, if it was made by this function; otherwise anything there is refused.

    Raises:
        InputError: `path` is taken and may not be replaced, or cannot be written.
    """
    target = Path(path)
    refuse_existing(target, overwrite=overwrite)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    aside = temporary.with_name(f"{temporary.name}.old")
    try:
        yield temporary
        (temporary / MARKER).write_text(MARKER_TEXT)
        temporary.chmod(0o777 & ~_umask())
        if target.exists():
            target.rename(aside)
        try:
            temporary.rename(target)
        except BaseException:
            if aside.exists():
                aside.rename(target)
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(aside, ignore_errors=True)


def refuse_existing(path: Path | str, *, overwrite: bool = False) -> None:
    """Raise `InputError` when a folder cannot be created at `path`; cheap, so call it before long work.

    A folder that stands there already may be replaced with `overwrite` only if it carries the mark of one that
    `new_folder` made: `--overwrite` never deletes what a user put together.
    """
    target = Path(path)
    _refuse_unwritable(target)
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if not overwrite:
        raise InputError(f"{target} exists already. Choose another output or pass --overwrite.")
    if not (target / MARKER).is_file() or target.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise InputError(f"{target} was not made by radarode, so --overwrite leaves it alone. Choose another output.")


def refuse_existing_file(path: Path | str, *, overwrite: bool = False) -> None:
    """Raise `InputError` when a file cannot be written at `path`, or is there and `overwrite` is off."""
    target = Path(path)
    _refuse_unwritable(target)
    if target.is_dir():
        raise InputError(f"{target} is a folder. Name a file.")
    if target.exists() and not overwrite:
        raise InputError(f"{target} exists already. Choose another output or pass --overwrite.")


def _refuse_unwritable(target: Path) -> None:
    parent = next(p for p in target.absolute().parents if p.exists())
    if not (parent.is_dir() and os.access(parent, os.W_OK)):
        raise InputError(f"{target} cannot be created: {parent} is not a folder that you may write to.")


def _umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask
