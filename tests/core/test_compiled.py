from __future__ import annotations

import numba
import numpy as np
import pytest

from radarode.core.compiled import compiled


@compiled
def larger_than(values, level, out):
    for index in range(len(values)):
        out[index] = values[index] if values[index] > level else level


def test_comparisons_with_what_is_no_number_decide_as_written() -> None:
    out = np.empty(4, np.float32)
    larger_than(np.array([1, np.nan, np.inf, -np.inf], np.float32), np.float32(0.5), out)
    assert out.tolist() == [1.0, 0.5, np.inf, 0.5]


def test_without_a_place_to_keep_it_the_loop_is_compiled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options):
        def decorate(function):
            if options.pop("cache", False):
                raise RuntimeError("cannot cache function: no locator available")
            return numba.njit(**options)(function)

        return decorate

    monkeypatch.setattr("radarode.core.compiled.njit", refuse)
    out = np.empty(1, np.float32)
    compiled(larger_than.py_func)(np.ones(1, np.float32), np.float32(3), out)
    assert out[0] == 3
