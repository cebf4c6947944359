"""What was given out before is cut; what is left joins on."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.stream.trim import ends, trimmed
from radarode.stream.types import Update
from tests.stream.made import updates


def joined(parts: list[Update]) -> dict[str, np.ndarray]:
    return {
        "rcg": np.concatenate([part.rcg for part in parts], axis=1),
        "drawn": np.concatenate([part.drawn for part in parts]),
        "settled": np.concatenate([part.settled for part in parts]),
        "drawn beats": np.concatenate([part.drawn_beats.r_s for part in parts]),
        "settled beats": np.concatenate([part.settled_beats.r_s for part in parts]),
    }


@pytest.mark.parametrize("hop", [100, 70, 330])
def test_a_stream_that_goes_on_elsewhere_is_told_as_one(hop: int) -> None:
    whole = joined(list(updates(40)))
    told = [update for update in updates(40) if ends(update)[0] <= 4000]
    last = ends(told[-1])
    parts = told + [new for again in updates(40, hop=hop) if (new := trimmed(again, last)) is not None]
    found = joined(parts)
    for name, values in whole.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
    at = 0
    for part in parts:
        assert part.rcg_first == at
        at += part.rcg.shape[1]


def test_what_was_told_wholly_is_nothing() -> None:
    made = list(updates(20))
    assert [trimmed(update, ends(made[-1])) for update in made] == [None] * len(made)


def test_what_is_wholly_new_stays_as_it_is() -> None:
    first, second = list(updates(20))[10:12]
    new = trimmed(second, ends(first))
    assert new is not None
    assert (new.rcg_first, new.rcg.shape) == (second.rcg_first, second.rcg.shape)
    np.testing.assert_array_equal(new.drawn, second.drawn)
