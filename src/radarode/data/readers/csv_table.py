"""CSV, TSV or text tables: one row per sample, one column per signal (`radarode.data.columns` names them).

Separators are comma, semicolon or tab, lines that start with # are comments, empty cells and `nan` are
missing samples. Without a header every column is motion.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import numpy as np

from radarode.core.errors import InputError
from radarode.core.limits import check_bytes
from radarode.core.types import FloatArray, Recording
from radarode.data.columns import columns_to_recording
from radarode.data.readers import ReadOptions

NAME = "CSV table"
LAYOUT = "a table is text, one row per sample"
SUFFIXES = (".csv", ".tsv", ".txt")
PRIORITY = 90

_BYTES_PER_CHARACTER = 4
"""A cell takes at least two characters of text and eight bytes decoded."""


def recognises(path: Path, head: bytes) -> bool:
    """Tell whether the name ends like a table's and the start is text."""
    return path.suffix.lower() in SUFFIXES and b"\0" not in head


def read(path: Path, options: ReadOptions) -> Recording:
    """Read a table.

    Raises:
        InputError: a cell is not a number, rows differ in length, or the columns do not make a recording.
    """
    return columns_to_recording(read_columns(path), path, options)


def read_columns(path: Path) -> dict[str, FloatArray]:
    """Return name -> (row,) values of a delimited text file, NaN where a cell is empty.

    Raises:
        InputError: a cell is not a number, rows differ in length, or two columns share a name.
    """
    check_bytes(path.stat().st_size * _BYTES_PER_CHARACTER, str(path))
    try:
        with path.open(encoding="utf-8-sig", newline=None) as file:
            position, first = _next_row(file)
            separator = max(",;\t", key=first.count)
            cells = [cell.strip().strip('"') for cell in first.rstrip("\n").split(separator)]
            has_header = not all(_is_number(cell) for cell in cells)
            if has_header:
                position, first = _next_row(file)
            if not first:
                raise InputError(f"{path} holds no rows of numbers.")
            file.seek(position)
            table = np.loadtxt(file, delimiter=separator, converters=_number, ndmin=2, encoding=None)
    except InputError:
        raise
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text. Export it as CSV.") from error
    except ValueError as error:
        raise InputError(f"{path} is not a table of numbers: {error}.") from error
    names = cells if has_header else [f"column {i + 1}" for i in range(len(cells))]
    return _named(names, table, path)


def _next_row(file: TextIO) -> tuple[int, str]:
    """Return where the next line that is neither empty nor a comment starts, and that line ("" at the end)."""
    position, line = file.tell(), file.readline()
    while line and (line.startswith("#") or not line.strip()):
        position, line = file.tell(), file.readline()
    return position, line


def _named(names: list[str], table: FloatArray, path: Path) -> dict[str, FloatArray]:
    if len(names) != table.shape[1]:
        raise InputError(f"{path} names {len(names)} columns, but its rows have {table.shape[1]}.")
    if len(set(names)) != len(names):
        raise InputError(f"{path} has two columns of the same name. Rename one.")
    return dict(zip(names, table.T, strict=True))


def _number(cell: str) -> float:
    return float(cell) if cell.strip() else float("nan")


def _is_number(cell: str) -> bool:
    try:
        _number(cell)
    except ValueError:
        return False
    return True
