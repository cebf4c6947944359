"""Plain values (YAML, JSON) to frozen dataclasses and back, strictly: an unknown key or a wrong type is an error."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from radarode.core.errors import InputError

ConfigT = TypeVar("ConfigT")


def from_plain(kind: type[ConfigT], values: Mapping[str, Any], where: str = "") -> ConfigT:
    """Build a (nested) dataclass from plain values; missing keys take their defaults.

    Args:
        kind: the dataclass.
        values: its fields by name; sequences may be lists.
        where: dotted path of `values` in the whole configuration, for messages.

    Raises:
        InputError: an unknown key (the nearest known one is suggested), a missing required key, or a wrong type.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Loop:
        ...     epochs: int = 3
        >>> from_plain(Loop, {"epoch": 2})
        Traceback (most recent call last):
        radarode.core.errors.InputError: unknown key `epoch`. Did you mean `epochs`?
    """
    if not isinstance(values, Mapping):
        raise InputError.of(where or "configuration", "a mapping of keys to values", repr(values))
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise InputError(f"unknown key `{_join(where, str(key))}`. {suggestion(str(key), known)}")
    hints = get_type_hints(kind)
    built = {key: _convert(hints[key], value, _join(where, key)) for key, value in values.items()}
    return kind(**built)


def to_plain(value: Any) -> Any:
    """Turn a (nested) dataclass into dictionaries, lists and plain values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    return value


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return "Did you mean ...?" for a misspelt name, or the list of known ones."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean `{close[0]}`?" if close else f"Known: {', '.join(known)}."


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _convert(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _convert_union(get_args(hint), value, where)
    if origin is Literal:
        if value not in get_args(hint):
            raise InputError.of(where, f"one of {', '.join(map(str, get_args(hint)))}", repr(value))
        return value
    if is_dataclass(hint) and isinstance(hint, type):
        return from_plain(hint, value, where)
    if origin is tuple:
        return _convert_tuple(get_args(hint), value, where)
    if origin in (dict, Mapping) or hint in (dict, Mapping) or origin is types.MappingProxyType:
        return dict(_expect(value, Mapping, "a mapping", where))
    if getattr(origin, "__name__", "") == "Mapping":
        return dict(_expect(value, Mapping, "a mapping", where))
    if hint is float:
        return float(_expect_number(value, (int, float), "a number", where))
    if hint is int:
        return _expect_number(value, int, "a whole number", where)
    if hint in (bool, str):
        return _expect(value, hint, "true or false" if hint is bool else "text", where)
    raise TypeError(f"{where}: no conversion for {hint}")


def _convert_union(choices: tuple[Any, ...], value: Any, where: str) -> Any:
    if value is None and type(None) in choices:
        return None
    real = [choice for choice in choices if choice is not type(None)]
    for choice in real[:-1]:
        try:
            return _convert(choice, value, where)
        except InputError:
            continue
    return _convert(real[-1], value, where)


def _convert_tuple(items: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    _expect(value, (list, tuple), "a list", where)
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_convert(items[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if len(value) != len(items):
        raise InputError.of(where, f"a list of {len(items)} values", f"{len(value)}")
    return tuple(_convert(hint, item, f"{where}[{i}]") for i, (hint, item) in enumerate(zip(items, value, strict=True)))


def _expect(value: Any, kind: Any, rule: str, where: str) -> Any:
    if not isinstance(value, kind):
        raise InputError.of(where, rule, repr(value))
    return value


def _expect_number(value: Any, kind: Any, rule: str, where: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, kind):
        raise InputError.of(where, rule, repr(value))
    return value
