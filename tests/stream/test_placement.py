"""Streams are spread over groups by load, and those that have a place keep it."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.stream.placement import groups_needed, place


def sums(loads: dict[str, float], placed: dict[str, int], groups: list[int]) -> list[float]:
    return [sum(loads[name] for name, group in placed.items() if group == one) for one in groups]


def test_every_stream_has_one_place_and_groups_differ_by_no_more_than_a_stream(rng: np.random.Generator) -> None:
    for _ in range(200):
        groups = list(range(int(rng.integers(1, 6))))
        loads = {f"s{k}": float(rng.integers(1, 100)) for k in range(int(rng.integers(1, 40)))}
        placed = dict(place(loads, groups, most=100))
        assert placed.keys() == loads.keys()
        found = sums(loads, placed, groups)
        assert max(found) - min(found) <= max(loads.values())


def test_no_group_holds_more_than_it_may(rng: np.random.Generator) -> None:
    loads = {f"s{k}": float(rng.exponential(10)) for k in range(12)}
    placed = place(loads, [0, 1, 2], most=4)
    assert sorted(list(placed.values()).count(group) for group in (0, 1, 2)) == [4, 4, 4]


def test_when_a_group_is_lost_only_its_streams_move() -> None:
    loads = {f"s{k}": 10.0 + k for k in range(9)}
    before = place(loads, [0, 1, 2], most=9)
    after = place(loads, [0, 2], most=9, now=before)
    moved = {name for name in loads if before[name] != after[name]}
    assert moved == {name for name, group in before.items() if group == 1}
    assert set(after.values()) == {0, 2}


def test_a_new_stream_goes_where_least_is_to_be_done() -> None:
    now = {"a": 0, "b": 1, "gone": 1}
    assert place({"a": 50.0, "b": 8.0, "new": 8.0}, [0, 1], most=2, now=now) == {"a": 0, "b": 1, "new": 1}


def test_too_many_streams_are_refused() -> None:
    with pytest.raises(InputError, match="at most 4 on 2 groups"):
        place({f"s{k}": 1.0 for k in range(5)}, [0, 7], most=2)
    with pytest.raises(InputError):
        place({"a": 1.0}, [], most=2)


def test_the_number_of_groups_holds_all() -> None:
    for streams in range(1, 50):
        for most in range(1, 9):
            needed = groups_needed(streams, most)
            assert needed * most >= streams > (needed - 1) * most
