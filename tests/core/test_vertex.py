from __future__ import annotations

import numpy as np
import pytest

from radarode.core.vertex import parabola_offset


@pytest.mark.parametrize("at", [-0.49, -0.2, 0.0, 0.31, 0.5])
def test_the_vertex_of_a_parabola_is_found_exactly(at: float) -> None:
    left, centre, right = (3.0 - 0.7 * (x - at) ** 2 for x in (-1.0, 0.0, 1.0))
    assert parabola_offset(left, centre, right) == pytest.approx(at)


def test_what_is_no_peak_stays_on_its_sample_and_nothing_moves_further_than_half() -> None:
    offsets = parabola_offset(np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0]), np.array([1.0, 1.0, 1.9]))
    assert offsets.tolist() == [0.0, 0.0, 0.5]
