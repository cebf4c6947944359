"""MATLAB v5 files: list and load variables, with truncation and claimed sizes checked before reading."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import loadmat, whosmat
from scipy.io.matlab import MatReadError

from radarode.core.errors import InputError
from radarode.core.limits import BYTES_PER_NUMBER, check_bytes
from radarode.core.mat_check import MATRIX, check_variable

_COMPRESSED = 15
_HEADER_BYTES = 128
_DAMAGED = (
    *(ValueError, TypeError, KeyError, IndexError, OSError, EOFError, OverflowError, NameError),
    *(MatReadError, zlib.error),
)


def is_mat5(head: bytes) -> bool:
    """Tell whether the first bytes are those of a MATLAB v5, v6 or v7 file."""
    return len(head) >= _HEADER_BYTES and head[126:128] in (b"IM", b"MI") and 1 in (head[124], head[125])


def is_mat73(head: bytes) -> bool:
    """Tell whether the first bytes are those of a MATLAB v7.3 file (HDF5 behind a text header)."""
    return head.startswith(b"MATLAB 7.3 MAT-file")


def variables(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Return name -> (shape, MATLAB class) of every variable in a v5 file.

    Raises:
        InputError: the file is truncated or damaged, or claims more than the size cap.
    """
    _check_elements(path)
    try:
        return {name: (tuple(shape), kind) for name, shape, kind in whosmat(path)}
    except _DAMAGED as error:
        raise InputError(f"{path} is a damaged MATLAB file: its list of variables cannot be read.") from error


def load_variables(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Return the named variables of a v5 file, singleton dimensions kept.

    Raises:
        InputError: the file is truncated or damaged.
    """
    _check_elements(path, names)
    try:
        loaded = loadmat(path, variable_names=list(names), squeeze_me=False, struct_as_record=True)
    except _DAMAGED as error:
        raise InputError(f"{path} is a damaged MATLAB file: its variables cannot be read.") from error
    return {name: loaded[name] for name in names if name in loaded}


def numeric(value: Any, what: str) -> np.ndarray:
    """Return `value` as a real float64 array, without a copy where it is one, or raise `InputError` naming `what`."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise InputError(f"{what} must hold plain numbers; got elements of type {array.dtype}.")
    check_bytes(array.size * BYTES_PER_NUMBER, what)
    return array.astype(np.float64, copy=False)


def _check_elements(path: Path, names: Sequence[str] = ()) -> None:
    """Walk the top-level elements: each must end inside the file, none may unpack beyond the cap.

    Those in `names` are unpacked and checked inside, too; their numbers count as float64.
    """
    size = path.stat().st_size
    total, numbers = 0, 0
    with path.open("rb") as file:
        order = "<" if file.read(_HEADER_BYTES)[126:128] == b"IM" else ">"
        position = _HEADER_BYTES
        while position < size:
            file.seek(position)
            tag = file.read(8)
            kind, n_bytes = struct.unpack(order + "II", tag) if len(tag) == 8 else (0, size)
            if position + 8 + n_bytes > size:
                raise InputError(f"{path} is truncated: a variable ends beyond the file. Copy it again.")
            packed = kind == _COMPRESSED
            unpacked = _unpacked_size(file.read(min(n_bytes, 512)), order, path) if packed else n_bytes
            total += unpacked
            check_bytes(total, str(path))
            if names and (packed or kind == MATRIX):
                file.seek(position + 8)
                contents = file.read(n_bytes)
                contents = _unpack(contents, unpacked, path) if packed else contents
                numbers += check_variable(contents, order, names, str(path))
                check_bytes(numbers * BYTES_PER_NUMBER, str(path))
            position += 8 + n_bytes


def _unpack(packed: bytes, size: int, path: Path) -> bytes:
    """Return the contents of a packed element of the given unpacked size, without its tag of 8 bytes."""
    unpacker = zlib.decompressobj()
    try:
        contents = unpacker.decompress(packed, size + 8)
        unpacker.decompress(unpacker.unconsumed_tail, 8)
    except zlib.error as error:
        raise InputError(f"{path} is a damaged MATLAB file: a variable cannot be unpacked.") from error
    if len(contents) != size + 8 or not unpacker.eof:
        raise InputError(f"{path} is a damaged MATLAB file: a variable does not unpack to its size.")
    return contents[8:]


def _unpacked_size(packed: bytes, order: str, path: Path) -> int:
    try:
        tag = zlib.decompressobj().decompress(packed, 8)
    except zlib.error as error:
        raise InputError(f"{path} is a damaged MATLAB file: a variable cannot be unpacked.") from error
    return struct.unpack(order + "II", tag)[1] if len(tag) == 8 else 0
