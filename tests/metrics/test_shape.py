from __future__ import annotations

import numpy as np
import pytest

from radarode.metrics.shape import cycle_scores, cycle_spans, longterm_scores, min_max, pearson


def test_cycles_tile_the_recording_with_r_at_its_place() -> None:
    r = np.array([1.0, 2.0, 2.8, 3.8, 4.6])
    spans = cycle_spans(r, 200.0, 2000)
    assert spans.tolist() == [[314, 491], [491, 674], [674, 851]]
    assert (spans[1:, 0] == spans[:-1, 1]).all()


def test_cycles_beside_a_gap_or_outside_are_left_out() -> None:
    assert len(cycle_spans([1.0, 2.0, 6.0, 7.0, 8.0], 200.0, 4000)) == 1
    assert len(cycle_spans([1.0, 2.0, 3.0], 200.0, 450)) == 0


def test_rmse_is_that_of_min_max_curves_times_the_reference_range() -> None:
    reference = np.array([0.0, 2.0, 0.0, 0.0])
    predicted = np.array([5.0, 6.0, 6.0, 5.0])
    _, rmse = cycle_scores(predicted, reference, np.array([[0, 4]]))
    assert rmse[0] == pytest.approx(np.sqrt(1 / 4) * 2.0)


def test_the_sign_of_the_correlation_is_kept() -> None:
    x = np.sin(np.arange(50))
    assert pearson(-x, x) == pytest.approx(-1.0)
    assert longterm_scores(-x, x)[0] == pytest.approx(-1.0)


def test_flat_curves_are_defined() -> None:
    assert pearson(np.ones(5), np.arange(5.0)) == 0.0
    assert np.isnan(pearson(np.arange(5.0), np.ones(5)))
    assert min_max(np.full(3, 4.0)).tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(min_max(np.full(3, np.nan))).all()
