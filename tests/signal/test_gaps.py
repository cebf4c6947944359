"""Gaps: finding and bridging."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.gaps import fill_gaps, find_gaps


@pytest.mark.parametrize(
    ("mask", "gaps"),
    [([], []), ([0, 0], []), ([1, 1], [[0, 2]]), ([1, 0, 1, 1, 0], [[0, 1], [2, 4]]), ([0, 1], [[1, 2]])],
)
def test_find_gaps(mask, gaps):
    found = find_gaps(np.array(mask, dtype=bool))
    assert found.shape == (len(gaps), 2)
    assert found.tolist() == gaps


def test_found_gaps_cover_the_mask_exactly(rng):
    mask = rng.random(500) < 0.3
    rebuilt = np.zeros(500, dtype=bool)
    for start, stop in find_gaps(mask):
        rebuilt[start:stop] = True
    np.testing.assert_array_equal(rebuilt, mask)


def test_fill_gaps_bridges_each_row_alone():
    nan = np.nan
    x = np.array([[0, nan, nan, 3, 4], [nan, 1, 2, nan, nan], [nan] * 5], dtype=np.float32)
    filled, missing = fill_gaps(x)
    np.testing.assert_allclose(filled, [[0, 1, 2, 3, 4], [1, 1, 2, 2, 2], [0] * 5])
    np.testing.assert_array_equal(missing, np.isnan(x))
    assert filled.dtype == np.float32


def test_fill_gaps_keeps_whole_numbers_and_does_not_change_its_input():
    whole, missing = fill_gaps([1, 2, 3])
    assert whole.dtype == np.float64
    assert not missing.any()
    assert fill_gaps(np.zeros((2, 0)))[0].shape == (2, 0)
    x = np.array([1.0, np.nan])
    fill_gaps(x)
    assert np.isnan(x[1])


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="infinite"):
        fill_gaps([np.inf, 1])
    with pytest.raises(InputError, match="time axis"):
        fill_gaps(3.0)
    with pytest.raises(InputError, match="one-dimensional"):
        find_gaps(np.zeros((2, 2), dtype=bool))
