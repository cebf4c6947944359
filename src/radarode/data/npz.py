"""Read `.npz` from strangers: no pickles, and claimed sizes checked against the stored ones before reading."""

from __future__ import annotations

import math
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from radarode.core.errors import InputError
from radarode.core.limits import BYTES_PER_NUMBER, MAX_BYTES, check_bytes

SIGNATURE = b"PK\x03\x04"
_SUFFIX = ".npy"
_DAMAGED = (
    *(ValueError, TypeError, OSError, EOFError, SyntaxError, NotImplementedError, RuntimeError, OverflowError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


def array_names(path: Path) -> tuple[str, ...]:
    """Return the names of the arrays in a `.npz`, or nothing when it is a zip of other things.

    Raises:
        InputError: the file is truncated or damaged.
    """
    with _open(path) as archive:
        names = archive.namelist()
    plain = all(name.endswith(_SUFFIX) for name in names)
    return tuple(name.removesuffix(_SUFFIX) for name in names) if plain else ()


def load_arrays(path: Path, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Return every array of a `.npz`; numbers and text only.

    Raises:
        InputError: an array is pickled or of another type, claims more than it stores or than the cap, or
            the file is damaged.
    """
    with _open(path) as archive:
        members = archive.infolist()
        check_bytes(sum(info.file_size for info in members), str(path), max_bytes)
        numbers = sum(_check_header(archive, info, path) for info in members)
        check_bytes(numbers * BYTES_PER_NUMBER, str(path), max_bytes)
        return {info.filename.removesuffix(_SUFFIX): _read(archive, info, path) for info in members}


def _open(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(f"{path} is a truncated or damaged .npz file. Copy it again.") from error


def _where(info: zipfile.ZipInfo, path: Path) -> str:
    return f"{info.filename.removesuffix(_SUFFIX)} in {path}"


def _check_header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> int:
    """Return how many numbers an array claims, once they are plain and can be stored in its bytes."""
    where = _where(info, path)
    try:
        with archive.open(info) as member:
            version = npy.read_magic(member)
            header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = header(member)
        if dtype.kind not in "fiubU":
            raise InputError(f"{where} must hold plain numbers; got {dtype} (pickled objects are never loaded).")
        if math.prod(shape) * dtype.itemsize > info.file_size:
            raise InputError(f"{where} claims shape {shape}, but only {info.file_size} bytes are stored.")
        return math.prod(shape)
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{where} cannot be read: the file is truncated or damaged.") from error


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> np.ndarray:
    try:
        with archive.open(info) as member:
            return npy.read_array(member, allow_pickle=False)
    except _DAMAGED as error:
        raise InputError(f"{_where(info, path)} cannot be read: the file is truncated or damaged.") from error
