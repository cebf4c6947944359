"""One door for every recording: `load(path)` recognises the format and returns 200 Hz RCG."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import cast

from radarode.core.errors import InputError
from radarode.core.types import Motion, Recording
from radarode.data import readers
from radarode.data.readers import Reader, ReadOptions

_HEAD_BYTES = 512


def load(path: Path | str, *, fs_hz: float | None = None, motion: str | None = None) -> Recording:
    """Read a recording of any known format.

    Args:
        path: the file; for WFDB the header, a signal file or the record's name.
        fs_hz: sampling rate, for tables that do not state it.
        motion: "displacement", "velocity" or "acceleration", for formats that do not state it.

    Returns:
        The recording, RCG and ECG at 200 Hz.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: no reader knows the format, or the contents break a rule.
    """
    target = existing(Path(path))
    options = ReadOptions(fs_hz=fs_hz, motion=cast(Motion | None, motion))
    with target.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        raise InputError(f"{target} is empty. Copy or record it again.")
    for reader in known_readers():
        if reader.recognises(target, head):
            return _read(reader, target, options)
    raise InputError(f"{target} is foreign, truncated or lacks the needed fields: {_expected(target)}.")


def _read(reader: Reader, path: Path, options: ReadOptions) -> Recording:
    """Read with a reader; every complaint names the file."""
    try:
        return reader.read(path, options)
    except InputError as error:
        if path.name in str(error):
            raise
        raise InputError(f"{path}: {error}") from error


@cache
def known_readers() -> tuple[Reader, ...]:
    """Return every reader in `data/readers`, in the order in which they are tried."""
    names = [module.name for module in pkgutil.iter_modules(readers.__path__)]
    modules = [cast(Reader, import_module(f"{readers.__name__}.{name}")) for name in names]
    return tuple(sorted(modules, key=lambda reader: reader.PRIORITY))


def _expected(path: Path) -> str:
    """Return what files that end like `path` must hold, or the names of all formats."""
    layouts = [reader.LAYOUT for reader in known_readers() if path.suffix.lower() in reader.SUFFIXES]
    return "; ".join(layouts) or "known are " + ", ".join(reader.NAME for reader in known_readers())


def existing(path: Path) -> Path:
    """Return the file that `path` means: itself, or the header of the WFDB record of that name."""
    header = path.with_name(f"{path.name}.hea") if path.name else path
    if not path.exists() and header.is_file():
        return header
    if path.is_dir():
        raise InputError(f"{path} is a folder. Name one recording in it.")
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}.")
    if not path.is_file():
        raise InputError(f"{path} is not a regular file. Name a recording.")
    return path
