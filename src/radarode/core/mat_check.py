"""Check the inner structure of a MATLAB v5 variable before it is handed to scipy, which trusts it.

A damaged tag inside a variable can crash scipy's compiled reader, which no `except` can catch. Here every
element must lie inside the one around it, and only numeric, text and struct arrays whose sizes match their
dimensions pass. The layout is that of MathWorks, "MAT-File Format", version 5.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from math import prod

from radarode.core.errors import InputError

INT8, INT32, UINT32, MATRIX = 1, 5, 6, 14
STRUCT_CLASS, CHAR_CLASS = 2, 4
NUMERIC_CLASSES = range(6, 16)
_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}
_TEXT_BYTES = {1: 1, 2: 1, 3: 2, 4: 2, 16: 1, 17: 2, 18: 4}
_COMPLEX, _LONGEST_NAME, _DEEPEST = 0x08, 64, 8


def check_variable(data: bytes, order: str, names: Sequence[str], where: str) -> int:
    """Count the numbers in the matrix element `data` (without its tag), if it is named in `names` and is sound.

    Args:
        data: contents of one top-level matrix element, unpacked.
        order: "<" or ">".
        names: variables that will be loaded; others are skipped.
        where: the file, for the message.

    Returns:
        Numbers and characters in it, those of inner arrays included; 0 where it is not named.

    Raises:
        InputError: it is named and not sound.
    """
    try:
        _, _, position = _header(data, 0, order)
        kind, start, size, _ = _element(data, position, order)
        if kind == INT8 and data[start : start + size].decode("latin-1") in names:
            return _check_matrix(data, order, 0)
        return 0
    except (struct.error, ValueError) as error:
        raise InputError(f"{where} is a damaged MATLAB file: a variable in it is not sound.") from error


def _element(data: bytes, position: int, order: str) -> tuple[int, int, int, int]:
    """Return (type, start, size, next position) of the element at `position`, in full or small form."""
    kind, size = struct.unpack_from(order + "II", data, position)
    if kind >> 16:
        kind, size, start, following = kind & 0xFFFF, kind >> 16, position + 4, position + 8
        _require(size <= 4)
    else:
        start = position + 8
        following = start + size + (-size % 8)
    _require(start + size <= len(data))
    return kind, start, size, following


def _header(data: bytes, position: int, order: str) -> tuple[int, tuple[int, ...], int]:
    """Return (flags and class, dimensions, position of the name)."""
    kind, start, size, position = _element(data, position, order)
    _require(kind == UINT32 and size == 8)
    flags = struct.unpack_from(order + "I", data, start)[0]
    kind, start, size, position = _element(data, position, order)
    _require(kind == INT32 and 8 <= size <= 64 and size % 4 == 0)
    dimensions = struct.unpack_from(f"{order}{size // 4}i", data, start)
    _require(min(dimensions) >= 0)
    return flags, dimensions, position


def _check_matrix(data: bytes, order: str, depth: int) -> int:
    _require(depth < _DEEPEST)
    if not data:
        return 0
    flags, dimensions, position = _header(data, 0, order)
    kind, _, size, position = _element(data, position, order)
    _require(kind == INT8 and size <= _LONGEST_NAME)
    count, array_class = prod(dimensions), flags & 0xFF
    if array_class == STRUCT_CLASS:
        return _check_fields(data, position, order, count, depth)
    _require(array_class == CHAR_CLASS or array_class in NUMERIC_CLASSES)
    sizes = _TEXT_BYTES if array_class == CHAR_CLASS else _BYTES
    parts = 2 if flags >> 8 & _COMPLEX else 1
    for _ in range(parts):
        kind, _, size, position = _element(data, position, order)
        _require(kind in sizes and size == count * sizes[kind])
    return parts * count


def _check_fields(data: bytes, position: int, order: str, count: int, depth: int) -> int:
    kind, start, size, position = _element(data, position, order)
    _require(kind == INT32 and size == 4)
    width = struct.unpack_from(order + "i", data, start)[0]
    kind, _, size, position = _element(data, position, order)
    _require(kind == INT8 and 1 <= width <= _LONGEST_NAME and size % width == 0)
    fields = count * (size // width)
    _require(fields * 8 <= len(data))
    numbers = 0
    for _ in range(fields):
        kind, start, size, position = _element(data, position, order)
        _require(kind == MATRIX)
        numbers += _check_matrix(data[start : start + size], order, depth + 1)
    return numbers


def _require(sound: bool) -> None:
    if not sound:
        raise ValueError("not sound")
