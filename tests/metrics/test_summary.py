from __future__ import annotations

import io
import json

import numpy as np
import pytest
from rich.console import Console

from radarode.cli._tables import score_table
from radarode.core.types import COLUMNS, Recording, Scores
from radarode.metrics.labels import LABELS, cell, label
from radarode.metrics.summary import METRICS, as_json, summarise


def recording(subject: str = "P1") -> Recording:
    return Recording(np.ones((1, 800)), 200.0, subject=subject, source="simulated")


def scores(**values: float) -> Scores:
    column = {**dict.fromkeys(METRICS, np.nan), **values}
    return Scores(column, column, column)


FOUND = scores(f1=1.0, mdr=0.0, r_timing_ms=30.0, ppi_error_ms=5.0, hr_error_bpm=0.5, n_beats=70.0)
LOST = scores(f1=0.0, mdr=1.0, n_beats=0.0)


def test_every_metric_is_labelled_once_and_in_order() -> None:
    assert tuple(LABELS) == METRICS


def test_summary_takes_medians_per_subject_and_overall() -> None:
    people = [recording(name) for name in ("A", "A", "A", "B")]
    values = [(0.9, 1.0), (0.8, 0.9), (0.5, 0.8), (0.7, np.nan)]
    summary = summarise(list(zip(people, [scores(pcc=pcc, f1=f1) for pcc, f1 in values], strict=True)))
    assert summary.n_recordings == {"A": 3, "B": 1}
    assert summary.subjects["A"].deployable["pcc"] == 0.8
    assert summary.overall.oracle["pcc"] == pytest.approx(0.75)
    assert summary.overall.oracle["f1"] == 0.9
    assert np.isnan(summary.subjects["B"].calibrated["f1"])
    assert summary.n_failed == {"deployable": 1, "calibrated": 1, "oracle": 1}
    assert np.isnan(summarise([]).overall.deployable["pcc"])


def test_medians_say_how_many_recordings_they_are_of() -> None:
    summary = summarise([(recording(), FOUND), (recording(), LOST), (recording("P2"), FOUND)])
    assert summary.overall.n_recordings == 3
    for column in COLUMNS:
        assert summary.overall.scored[column]["r_timing_ms"] == summary.overall.scored[column]["ppi_error_ms"] == 2
        assert summary.overall.scored[column]["f1"] == 3
        assert summary.subjects["P1"].scored[column]["hr_error_bpm"] == 1
    assert cell(summary.overall, "deployable", "r_timing_ms") == "30.0 (2 of 3)"
    assert cell(summary.overall, "deployable", "mdr") == "0.000"
    assert cell(FOUND, "deployable", "r_timing_ms") == "30.0"


def test_json_of_medians_is_plain_numbers_in_three_columns() -> None:
    plain = as_json(summarise([(recording(), FOUND), (recording(), LOST)]).overall)
    assert list(plain) == list(COLUMNS)
    assert all(tuple(column) == METRICS for column in plain.values())
    assert plain["deployable"]["r_timing_ms"] == 30.0
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_the_terminal_table_says_of_how_many_recordings_a_median_is() -> None:
    file = io.StringIO()
    Console(width=160, file=file).print(
        score_table(summarise([(recording(), FOUND), (recording(), LOST)]).overall, "x")
    )
    printed = file.getvalue()
    assert "30.0 (1 of 2)" in printed
    assert all(label(name) in printed for name in METRICS)
    assert [" of 2)" in line for line in printed.splitlines() if "F1 at 150 ms" in line] == [False]
