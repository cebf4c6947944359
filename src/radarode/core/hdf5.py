"""Read HDF5 from strangers: plain numeric datasets and scalar attributes, nothing that points elsewhere.

Refused, each with one line: soft and external links, external storage, virtual datasets, object, compound and
variable-length element types, filters that would load a plug-in, claimed sizes over a cap, and claimed sizes
that the stored bytes cannot fill. Sizes are checked before anything is allocated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from radarode.core.errors import InputError
from radarode.core.limits import BYTES_PER_NUMBER, MAX_BYTES, check_bytes

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_BUILT_IN_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
_LARGEST_RATIO = 1100
"""Deflate cannot shrink by more than 1032; a larger claim is filled from nothing."""
_MAX_TEXT_BYTES = 2**20
_DAMAGED = (OSError, RuntimeError, KeyError, ValueError, TypeError)
"""What h5py raises for damaged files; `InputError` is a ValueError, so it is let through before."""


@contextmanager
def open_hdf5(path: Path | str) -> Iterator[h5py.File]:
    """Open `path` for reading, and close it after the block.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: the file is not HDF5, or it is truncated.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}.")
    try:
        file = h5py.File(path, "r")
    except _DAMAGED as error:
        raise InputError(f"{path} is not a readable HDF5 file (foreign, truncated or damaged).") from error
    with file:
        yield file


def members(group: h5py.Group) -> tuple[str, ...]:
    """Return the names in `group`, without following any link."""
    try:
        return tuple(str(name) for name in group)
    except _DAMAGED as error:
        raise InputError(f"{_where(group)} cannot be listed: the file is damaged.") from error


def child_group(group: h5py.Group, name: str) -> h5py.Group:
    """Return the group `name` that `group` holds itself.

    Raises:
        InputError: it is missing, a link to elsewhere, or not a group.
    """
    item = _member(group, name)
    if not isinstance(item, h5py.Group):
        raise InputError(f"{_where(group, name)} must be a group; it is not.")
    return item


def read_array(group: h5py.Group, name: str, *, max_bytes: int = MAX_BYTES) -> np.ndarray:
    """Return the numeric dataset `name` of `group` as an array, once it is known to be plain and small enough.

    Args:
        group: where to look.
        name: one name, not a path.
        max_bytes: largest size accepted, at 8 bytes a number.

    Raises:
        InputError: missing, not plain, too large, or unreadable.
    """
    dataset = find_dataset(group, name, max_bytes=max_bytes)
    try:
        return np.asarray(dataset[()])
    except _DAMAGED as error:
        raise InputError(f"{_where(group, name)} cannot be read: the file is truncated or damaged.") from error


def find_dataset(
    group: h5py.Group, name: str, *, max_bytes: int | None = MAX_BYTES, complex_numbers: bool = False
) -> h5py.Dataset:
    """Return the numeric dataset `name` of `group`, unread, once it is known to be plain and small enough.

    Args:
        group: where to look.
        name: one name, not a path.
        max_bytes: largest size accepted, at 8 bytes a number; None for a caller that reads it piece by piece.
        complex_numbers: accept complex numbers, also as pairs of fields `real` and `imag`.

    Raises:
        InputError: missing, not plain, or too large.
    """
    dataset = _member(group, name)
    if not isinstance(dataset, h5py.Dataset):
        raise InputError(f"{_where(group, name)} must be a numeric dataset; it is not a dataset.")
    try:
        kind = dataset.dtype
        numeric = kind.subdtype is None and (kind.kind in "fiub" or (complex_numbers and _is_complex(kind)))
        if dataset.shape is None or not numeric:
            raise InputError(f"{_where(group, name)} must hold plain numbers; got elements of type {kind}.")
        _check_plain(dataset, _where(group, name), max_bytes)
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{_where(group, name)} cannot be read: the file is truncated or damaged.") from error
    return dataset


def read_text(group: h5py.Group, name: str) -> str | None:
    """Return the text of the scalar dataset `name` of `group`, or None where there is none of that name.

    Raises:
        InputError: it is a link, not one text, or longer than 1 MiB.
    """
    if name not in members(group):
        return None
    dataset = _member(group, name)
    where = _where(group, name)
    if not isinstance(dataset, h5py.Dataset):
        raise InputError(f"{where} must be one text; it is not a dataset.")
    try:
        plain = not dataset.is_virtual and not dataset.id.get_create_plist().get_external_count()
        if not plain or h5py.check_string_dtype(dataset.dtype) is None or dataset.shape != ():
            raise InputError(f"{where} must be one text; it is not.")
        value = dataset[()]
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{where} cannot be read: the file is truncated or damaged.") from error
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    if len(text) > _MAX_TEXT_BYTES:
        raise InputError(f"{where} must be shorter than 1 MiB; it is not.")
    return text


def _is_complex(kind: np.dtype) -> bool:
    fields = kind.names or ()
    return kind.kind == "c" or (fields == ("real", "imag") and all(kind[part].kind in "fi" for part in fields))


def read_attribute(item: h5py.Group | h5py.Dataset, name: str) -> str | float | int | None:
    """Return the scalar attribute `name` (text or number), or None where it is absent.

    Raises:
        InputError: the attribute is an array, a reference, or longer than 1 MiB.
    """
    where = f"the attribute {name} of {_where(item)}"
    try:
        if name not in item.attrs:
            return None
        kind = item.attrs.get_id(name)
        text = h5py.check_string_dtype(kind.dtype) is not None
        if math.prod(kind.shape) != 1 or (not text and kind.dtype.kind not in "fiub"):
            raise InputError(f"{where} must be one text or one number; it is neither.")
        if kind.get_storage_size() > _MAX_TEXT_BYTES:
            raise InputError(f"{where} must be shorter than 1 MiB; it is not.")
        value: Any = item.attrs[name]
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{where} cannot be read: the file is damaged.") from error
    value = value.reshape(-1)[0] if isinstance(value, np.ndarray) else value
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return value.item() if isinstance(value, np.generic) else value


def _member(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset:
    where = _where(group, name)
    try:
        link = group.get(name, getlink=True)
        if link is None:
            raise InputError(f"{where} is missing.")
        if not isinstance(link, h5py.HardLink):
            raise InputError(f"{where} is a link to elsewhere; links are not followed. Store the data itself.")
        item = group[name]
    except InputError:
        raise
    except _DAMAGED as error:
        raise InputError(f"{where} cannot be opened: the file is truncated or damaged.") from error
    if not isinstance(item, h5py.Group | h5py.Dataset):
        raise InputError(f"{where} must be a group or a dataset; it is neither.")
    return item


def _check_plain(dataset: h5py.Dataset, where: str, max_bytes: int | None) -> None:
    plist = dataset.id.get_create_plist()
    if dataset.is_virtual:
        raise InputError(f"{where} is a virtual dataset; those are not read. Store the data itself.")
    if plist.get_external_count():
        raise InputError(f"{where} keeps its data in another file; that is not read. Store the data itself.")
    filters = {plist.get_filter(i)[0] for i in range(plist.get_nfilters())}
    if not filters <= _BUILT_IN_FILTERS:
        raise InputError(f"{where} is compressed with an unsupported filter. Store it with gzip or as it is.")
    if max_bytes is not None:
        check_bytes(math.prod(dataset.shape) * BYTES_PER_NUMBER, where, max_bytes)
    if dataset.chunks:
        largest = MAX_BYTES if max_bytes is None else max_bytes
        check_bytes(math.prod(dataset.chunks) * dataset.dtype.itemsize, f"one chunk of {where}", largest)
    stored = dataset.id.get_storage_size()
    if dataset.size * dataset.dtype.itemsize > 2**20 + stored * _LARGEST_RATIO:
        raise InputError(f"{where} claims shape {dataset.shape}, but only {stored} bytes are stored.")


def _where(item: h5py.Group | h5py.Dataset, name: str = "") -> str:
    path = f"{item.name or '/'}/{name}".replace("//", "/").rstrip("/") or "/"
    return f"{path} in {Path(item.file.filename).name}"
