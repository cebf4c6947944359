"""From runs to rows: medians and means, spreads over seeds, Δm by seed."""

from __future__ import annotations

import math
from typing import Any

import pytest

from radarode.benchmark.methods import METHODS
from radarode.benchmark.scoring import figures, undefined
from radarode.benchmark.strategies.summary import (
    delta_m_by_seed,
    group_of,
    summarise,
    undefined_notes,
)

BASE = {"rmse_mv": 0.2, "pcc": 0.8, "ppi_error_ms": 10.0, "r_timing_ms": 8.0, "mdr": 0.1, "f1": 0.9}


def result(**changes: Any) -> dict[str, Any]:
    return {"calibrated": BASE | changes, "undefined": {"calibrated": {}}}


RUNS = {
    "Single-task baseline": {1: result(), 2: result(ppi_error_ms=20.0)},
    "Equal Weight": {1: result(ppi_error_ms=5.0), 2: result(ppi_error_ms=5.0)},
}
METHODS_USED = METHODS[:2]


def test_delta_m_is_taken_against_the_mean_of_the_baseline_over_seeds() -> None:
    # One of three tasks changes: to 5 against a mean of 15.
    assert delta_m_by_seed(RUNS, "Equal Weight", "calibrated") == pytest.approx({1: 200 / 9, 2: 200 / 9})
    # The baseline's own seeds lie around its mean: 10 and 20 against 15.
    assert delta_m_by_seed(RUNS, "Single-task baseline", "calibrated") == pytest.approx({1: 100 / 9, 2: -100 / 9})
    assert delta_m_by_seed({"UW": RUNS["Equal Weight"]}, "UW", "calibrated") == {}


def test_one_baseline_seed_without_misses_does_not_blow_delta_m_up() -> None:
    runs = {"Single-task baseline": {1: result(mdr=0.001), 2: result(mdr=0.199)}, "UW": {1: result(), 2: result()}}
    assert delta_m_by_seed(runs, "UW", "calibrated") == pytest.approx({1: 0.0, 2: 0.0})


def test_rows_hold_means_with_spreads_in_the_units_of_the_table() -> None:
    base, equal = summarise(METHODS_USED, RUNS, "calibrated")
    assert base["ppi_error_ms"] == pytest.approx((15.0, math.sqrt(50.0)))
    assert equal["pcc"] == pytest.approx((80.0, 0.0))
    assert equal["mdr"] == pytest.approx((10.0, 0.0))
    assert equal["rmse_mv"] == pytest.approx((0.2, 0.0))
    assert equal["delta_m"] == pytest.approx((200 / 9, 0.0))
    assert base["delta_m"] == pytest.approx((0.0, math.sqrt(2) * 100 / 9))
    assert equal["seeds"] == [1, 2]


def test_a_missing_or_undefined_run_leaves_no_invented_figure() -> None:
    runs = {"Single-task baseline": RUNS["Single-task baseline"], "Equal Weight": {1: result(r_timing_ms=None)}}
    _, equal = summarise(METHODS_USED, runs, "calibrated")
    assert equal["r_timing_ms"] is None
    assert equal["delta_m"] is None
    assert equal["ppi_error_ms"] == 10.0
    _, absent = summarise(METHODS_USED, {"Single-task baseline": RUNS["Single-task baseline"]}, "calibrated")
    assert absent["pcc"] is None
    assert absent["delta_m"] is None


def test_figures_are_medians_and_rare_events_means() -> None:
    scores = [{"pcc": 0.1, "mdr": 0.0, "f1": 1.0}, {"pcc": 0.9, "mdr": 0.0, "f1": 1.0}, {"pcc": math.nan, "mdr": 0.3}]
    found = figures(scores)
    assert found["pcc"] == pytest.approx(0.5)
    assert found["mdr"] == pytest.approx(0.1)
    assert found["f1"] == 1.0
    assert math.isnan(found["r_timing_ms"])
    counts = undefined(scores)
    assert (counts["pcc"], counts["f1"], counts["r_timing_ms"]) == (1, 1, 3)
    assert "mdr" not in counts


def test_what_medians_leave_out_is_said() -> None:
    runs = {"Equal Weight": {1: result() | {"undefined": {"calibrated": {"r_timing_ms": 2, "q_error_ms": 9}}}}}
    (note,) = undefined_notes(METHODS_USED, runs, "calibrated")
    assert "Equal Weight (r_timing_ms 2)" in note
    assert undefined_notes(METHODS_USED, RUNS, "calibrated") == []


def test_groups_are_the_published_ones() -> None:
    groups = [group_of(method) for method in METHODS]
    assert groups == ["Baseline"] + ["Loss balancing"] * 5 + ["Gradient balancing"] * 11
