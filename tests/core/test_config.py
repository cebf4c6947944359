"""Plain values to dataclasses: strict, with suggestions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest

from radarode.core.config import from_plain, to_plain
from radarode.core.errors import InputError


@dataclass(frozen=True)
class Inner:
    rate: float = 1.0
    mode: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Outer:
    inner: Inner = field(default_factory=Inner)
    pair: tuple[int, int] | None = None
    sizes: tuple[int, ...] = (1, 2)
    flag: bool = False
    name: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


def test_round_trip() -> None:
    value = Outer(Inner(2.0, "b"), (3, 4), (5,), True, "x", {"k": 1})
    assert from_plain(Outer, to_plain(value)) == value
    assert from_plain(Outer, {}) == Outer()


def test_whole_numbers_stand_for_numbers() -> None:
    assert from_plain(Outer, {"inner": {"rate": 3}}).inner.rate == 3.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"iner": {}}, "unknown key `iner`. Did you mean `inner`"),
        ({"inner": {"rat": 1}}, "unknown key `inner.rat`. Did you mean `rate`"),
        ({"inner": {"rate": "fast"}}, "`inner.rate` must be a number"),
        ({"inner": {"rate": True}}, "`inner.rate` must be a number"),
        ({"inner": {"mode": "c"}}, "`inner.mode` must be one of a, b"),
        ({"inner": 3}, "`inner` must be a mapping"),
        ({"pair": [1]}, "`pair` must be a list of 2 values"),
        ({"pair": [1, "x"]}, r"`pair\[1\]` must be a whole number"),
        ({"sizes": 3}, "`sizes` must be a list"),
        ({"flag": 1}, "`flag` must be true or false"),
        ({"name": 1}, "`name` must be text"),
        ({"options": []}, "`options` must be a mapping"),
    ],
)
def test_mistakes_are_named_with_their_path(values: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_plain(Outer, values)
