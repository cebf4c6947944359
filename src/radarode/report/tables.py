"""The tables of the report, as HTML fragments and as CSV columns."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import pandas as pd
from great_tables import GT

from radarode.core.types import COLUMNS, Scores
from radarode.metrics.labels import COLUMN_MEANING, cell, label
from radarode.metrics.summary import METRICS, Summary
from radarode.report.prepare import ReportCase

SUBJECT_METRICS: tuple[tuple[str, str], ...] = (
    ("deployable", "f1"),
    ("deployable", "ppi_error_ms"),
    ("deployable", "hr_error_bpm"),
    ("deployable", "coverage"),
    ("calibrated", "f1"),
    ("calibrated", "r_timing_ms"),
    ("calibrated", "pcc"),
    ("calibrated", "rmse_mv"),
)
"""What the per-subject table shows; its CSV holds every metric."""


def metrics_table(overall: Scores) -> str:
    """Return the table of all metrics in the three columns."""
    rows = {"Metric": [label(name) for name in METRICS]}
    rows |= {column: [cell(overall, column, name) for name in METRICS] for column in COLUMNS}
    table = GT(pd.DataFrame(rows), id="metrics", rowname_col="Metric").cols_align("right", columns=list(COLUMNS))
    return _html(table.tab_stubhead("median over recordings")) + _meanings()


def subject_table(summary: Summary, simulated: Mapping[str, bool]) -> str:
    """Return the per-subject table, medians over each subject's recordings.

    Args:
        summary: result of `summarise`.
        simulated: whether a subject's recordings are simulated.
    """
    rows: dict[str, list[object]] = {
        "subject": [f"{name} (simulated)" if simulated[name] else name for name in summary.subjects],
        "recordings": [summary.n_recordings[name] for name in summary.subjects],
    }
    for column, name in SUBJECT_METRICS:
        rows[f"{column}-{name}"] = [cell(scores, column, name) for scores in summary.subjects.values()]
    table = GT(pd.DataFrame(rows), id="subjects", rowname_col="subject")
    for column in ("deployable", "calibrated"):
        members = [f"{c}-{name}" for c, name in SUBJECT_METRICS if c == column]
        table = table.tab_spanner(column, columns=members)
    table = table.cols_label({f"{column}-{name}": label(name) for column, name in SUBJECT_METRICS})
    return _html(table.cols_align("right", columns=[name for name in rows if name != "subject"]))


def metrics_data(cases: Sequence[ReportCase]) -> dict[str, list[object]]:
    """Return every metric of every recording and column, one row per recording and column."""
    rows: dict[str, list[object]] = {
        name: [] for name in ("recording", "subject", "status", "source", "column", *METRICS)
    }
    for case in cases:
        for column, values in case.scores.columns().items():
            facts = (case.recording.name, case.recording.subject, case.recording.status, case.recording.source)
            for name, value in zip(("recording", "subject", "status", "source"), facts, strict=True):
                rows[name].append(value)
            rows["column"].append(column)
            for name in METRICS:
                rows[name].append(values.get(name, math.nan))
    return rows


def _html(table: GT) -> str:
    """Return the bare table: the page's own style replaces the library's, which knows no dark mode."""
    text = re.sub(r"<style.*?</style>", "", table.as_raw_html(), flags=re.DOTALL)
    text = re.sub(r'\sstyle="[^"]*"', "", text)
    return f'<div class="scroll">{text}</div>'


def _meanings() -> str:
    items = "".join(f"<li><b>{name}</b>: {COLUMN_MEANING[name]}</li>" for name in COLUMNS)
    return f'<ul class="meanings">{items}</ul>'
