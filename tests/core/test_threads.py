from __future__ import annotations

import threading

import pytest

from radarode.core.threads import share_out

MANY = 2**20


@pytest.mark.parametrize(("count", "threads"), [(1, 2), (7, 2), (7, 3), (2, 8), (100, 1)])
def test_every_number_is_worked_on_once(count: int, threads: int) -> None:
    seen: list[int] = []
    share_out(lambda part: seen.extend(range(*part)), count, MANY, threads)
    assert sorted(seen) == list(range(count))


def test_parts_run_side_by_side_where_it_pays() -> None:
    meeting = threading.Barrier(2, timeout=30)  # passed only by two parts at a time
    share_out(lambda part: (meeting.wait(), None)[1], 2, MANY, 2)
    callers: set[str] = set()
    share_out(lambda part: callers.add(threading.current_thread().name), 2, 10, 2)
    assert callers == {threading.current_thread().name}


def test_what_goes_wrong_in_any_part_is_told() -> None:
    def work(part: tuple[int, int]) -> None:
        if part[1] == 4:
            raise ValueError("the last part")

    with pytest.raises(ValueError, match="the last part"):
        share_out(work, 4, MANY, 2)
