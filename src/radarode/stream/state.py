"""The state of a stream as bytes: arrays in an uncompressed NPZ archive, numbers as JSON in it, no pickles.

    b"radarode-stream" · version (1 byte) · SHA-256 of the rest · NPZ

Nested dataclasses are taken apart by their fields and put together by their annotations, so bytes that do not fit are
refused, whoever wrote them.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np
import torch
from torch import Tensor

from radarode.core.errors import InputError

MAGIC = b"radarode-stream"
VERSION = 1
LARGEST = 2**30
"""Bytes; a state of 1024 channels stays well below."""

_HEAD = len(MAGIC) + 1 + 32
_PLAIN = "plain"

StateT = TypeVar("StateT")


def to_bytes(state: Any) -> bytes:
    """Return a (nested) dataclass of arrays, tensors, numbers, texts and tuples as bytes.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Sum:
        ...     total: np.ndarray
        ...     count: int
        >>> back = from_bytes(Sum, to_bytes(Sum(np.arange(3.0), 3)))
        >>> back.total.tolist(), back.count
        ([0.0, 1.0, 2.0], 3)
    """
    arrays: dict[str, np.ndarray] = {}
    plain = _take_apart(state, "", arrays)
    text = np.frombuffer(json.dumps(plain).encode(), np.uint8)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{_PLAIN: text}, **arrays)
    body = stream.getvalue()
    return MAGIC + bytes([VERSION]) + hashlib.sha256(body).digest() + body


def from_bytes(kind: type[StateT], data: bytes) -> StateT:
    """Return the dataclass that `to_bytes` was given.

    Args:
        kind: the dataclass.
        data: from `to_bytes`.

    Raises:
        InputError: the bytes are no such state, damaged, or of another version.
    """
    if len(data) < _HEAD or data[: len(MAGIC)] != MAGIC:
        raise InputError("these bytes are not the state of a stream.")
    if data[len(MAGIC)] != VERSION:
        raise InputError.of("version of the state", str(VERSION), data[len(MAGIC)], "Begin the stream anew")
    body = data[_HEAD:]
    if len(body) > LARGEST or hashlib.sha256(body).digest() != data[len(MAGIC) + 1 : _HEAD]:
        raise InputError("the state of the stream is damaged or cut short. Begin the stream anew.")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
                raise InputError("the state of the stream claims to be larger than any. Begin the stream anew.")
        with np.load(io.BytesIO(body), allow_pickle=False) as archive:
            arrays = dict(archive.items())
        plain = json.loads(arrays.pop(_PLAIN).tobytes().decode())
        return _put_together(kind, plain, arrays)
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, zipfile.BadZipFile, OSError) as error:
        raise InputError(f"the state of the stream does not fit this version ({error}). Begin it anew.") from None


def _take_apart(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """Return a value as plain JSON; arrays are put aside under their paths."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _take_apart(getattr(value, one.name), f"{path}/{one.name}", arrays) for one in fields(value)}
    if isinstance(value, Tensor):
        value = value.numpy()
    if isinstance(value, np.ndarray):
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {"array": name}
    if isinstance(value, tuple):
        return [_take_apart(item, f"{path}/{k}", arrays) for k, item in enumerate(value)]
    if isinstance(value, (np.integer, np.floating)):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{path}: no state can hold a {type(value).__name__}")


def _put_together(hint: Any, plain: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return what `_take_apart` was given, checked against its annotation."""
    origin = get_origin(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        names = [one.name for one in fields(hint)]
        if not isinstance(plain, dict) or sorted(plain) != sorted(names):
            raise ValueError(f"fields of {hint.__name__}")
        return hint(**{name: _put_together(hints[name], plain[name], arrays) for name in names})
    if hint is Tensor or hint is np.ndarray or origin is np.ndarray:
        return _array(hint, arrays[plain["array"]])
    if origin is tuple:
        items = get_args(hint)
        each = [items[0]] * len(plain) if len(items) == 2 and items[1] is Ellipsis else list(items)
        return tuple(_put_together(item, value, arrays) for item, value in zip(each, plain, strict=True))
    if origin is Union or type(hint).__name__ == "UnionType":
        if plain is None:
            return None
        return _put_together(next(item for item in get_args(hint) if item is not type(None)), plain, arrays)
    if hint is float:
        return float(plain["float"]) if isinstance(plain, dict) else float(plain)
    return _plain_value(hint, plain)


def _plain_value(hint: Any, plain: Any) -> Any:
    wanted = str if get_origin(hint) is not None else hint
    if not isinstance(plain, wanted) or (wanted is int and isinstance(plain, bool)):
        raise ValueError(f"{plain!r} is not {wanted.__name__}")
    return plain


def _array(hint: Any, array: np.ndarray) -> Any:
    if hint is Tensor:
        return torch.from_numpy(np.array(array))
    item = get_args(get_args(hint)[1])[0] if get_origin(hint) is np.ndarray else np.generic
    if isinstance(item, type) and not np.issubdtype(array.dtype, item):
        raise ValueError(f"an array of {array.dtype}")
    return np.array(array)
