"""Which stream is computed where: pure decisions about groups of streams.

A group is a worker that computes several streams. Streams go where least is to be done, the heaviest first, so that
groups differ by no more than one stream's load; when a group is lost, only its own streams move.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from radarode.core.errors import InputError

Placement = Mapping[str, int]
"""Stream -> number of its group."""


def place(loads: Mapping[str, float], groups: Iterable[int], most: int, now: Placement | None = None) -> Placement:
    """Return where every stream goes; streams that have a group in `groups` stay there.

    Args:
        loads: of each stream, in any unit; its channels will do.
        groups: numbers of the groups that live.
        most: streams that a group may hold.
        now: where streams are.

    Raises:
        InputError: the groups cannot hold so many streams.

    Example:
        >>> dict(sorted(place({"a": 50, "b": 8, "c": 50, "d": 8}, [0, 1], 4).items()))
        {'a': 0, 'b': 0, 'c': 1, 'd': 1}
        >>> dict(sorted(place({"a": 50, "b": 8, "c": 50}, [0, 2], 2, {"a": 0, "b": 0, "c": 1}).items()))
        {'a': 0, 'b': 0, 'c': 2}
    """
    living = sorted(set(groups))
    if len(loads) > most * len(living):
        raise InputError.of("streams", f"at most {most * len(living)} on {len(living)} groups", len(loads))
    placed = {name: group for name, group in (now or {}).items() if name in loads and group in living}
    sums = {group: sum(loads[name] for name in placed if placed[name] == group) for group in living}
    held = {group: sum(placed[name] == group for name in placed) for group in living}
    for name in sorted(loads.keys() - placed.keys(), key=lambda one: (-loads[one], one)):
        group = min((one for one in living if held[one] < most), key=lambda one: (sums[one], one))
        placed[name] = group
        sums[group] += loads[name]
        held[group] += 1
    return placed


def groups_needed(streams: int, most: int) -> int:
    """Return how many groups hold so many streams.

    Example:
        >>> [groups_needed(streams, 4) for streams in (1, 4, 5)]
        [1, 1, 2]
    """
    return max(1, -(-streams // most))
