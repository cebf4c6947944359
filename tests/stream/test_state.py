"""States as bytes, and bytes that are none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from radarode.core.errors import InputError
from radarode.stream.state import MAGIC, from_bytes, to_bytes


@dataclass
class Inner:
    values: NDArray[np.float32]
    frames: Tensor


@dataclass
class Outer:
    inner: Inner
    parts: tuple[Inner, ...]
    count: int
    share: float
    name: str
    maybe: int | None
    flags: NDArray[np.bool_]


@pytest.fixture
def outer() -> Outer:
    inner = Inner(np.arange(6, dtype=np.float32).reshape(2, 3), torch.ones(2, 0, 3))
    return Outer(inner, (inner, inner), 7, float("nan"), "Ä", None, np.array([True, False]))


def test_all_comes_back(outer: Outer) -> None:
    back = from_bytes(Outer, to_bytes(outer))
    np.testing.assert_array_equal(back.parts[1].values, outer.inner.values)
    assert back.inner.frames.shape == (2, 0, 3)
    assert (back.count, back.name, back.maybe) == (7, "Ä", None)
    assert np.isnan(back.share)
    assert back.flags.dtype == np.bool_


def test_damage_anywhere_is_refused(outer: Outer, rng: np.random.Generator) -> None:
    data = to_bytes(outer)
    for place in rng.integers(0, len(data), 60):
        bad = bytearray(data)
        bad[place] ^= 0x41
        with pytest.raises(InputError):
            from_bytes(Outer, bytes(bad))
    for bad in (b"", data[:20], data[:-1], b"PK" + data):
        with pytest.raises(InputError):
            from_bytes(Outer, bad)


def test_another_version_is_named(outer: Outer) -> None:
    data = bytearray(to_bytes(outer))
    data[len(MAGIC)] = 9
    with pytest.raises(InputError, match="version"):
        from_bytes(Outer, bytes(data))


def test_other_contents_are_refused_even_with_a_right_sum(outer: Outer) -> None:
    for kind, made in ((Outer, outer.inner), (Inner, outer)):
        with pytest.raises(InputError, match="does not fit"):
            from_bytes(kind, to_bytes(made))
    wrong = Inner(np.array(["text"]), torch.zeros(1))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="does not fit"):
        from_bytes(Inner, to_bytes(wrong))
    body = b"not an archive"
    with pytest.raises(InputError, match="does not fit"):
        from_bytes(Inner, MAGIC + bytes([1]) + hashlib.sha256(body).digest() + body)
