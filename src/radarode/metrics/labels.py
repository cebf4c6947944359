"""Spell the metrics for readers: label, unit, digits."""

from __future__ import annotations

import math
from collections.abc import Mapping

from radarode.core.types import Scores
from radarode.metrics.summary import Medians

LABELS: Mapping[str, tuple[str, str, str]] = {
    "f1": ("F1 at 150 ms", "", ".3f"),
    "precision": ("Precision", "", ".3f"),
    "recall": ("Recall", "", ".3f"),
    "mdr": ("Missed beats (MDR)", "", ".3f"),
    "ppi_error_ms": ("PPI error", "ms", ".1f"),
    "r_timing_ms": ("R timing error", "ms", ".1f"),
    "hr_error_bpm": ("Heart-rate error", "bpm", ".2f"),
    "pcc": ("PCC per cycle", "", ".3f"),
    "rmse_mv": ("RMSE per cycle", "mV", ".3f"),
    "pcc_longterm": ("PCC, whole recording", "", ".3f"),
    "rmse_longterm_mv": ("RMSE, whole recording", "mV", ".3f"),
    "q_error_ms": ("Q timing error", "ms", ".1f"),
    "s_error_ms": ("S timing error", "ms", ".1f"),
    "t_error_ms": ("T timing error", "ms", ".1f"),
    "coverage": ("Coverage", "", ".3f"),
    "n_beats": ("Beats", "", ".0f"),
}
"""Label, unit and format of every metric, in the order of `radarode.metrics.summary.METRICS`."""

COLUMN_MEANING: Mapping[str, str] = {
    "deployable": "no reference of any kind",
    "calibrated": "one constant delay from the first 20 s, then frozen",
    "oracle": "one delay from the whole reference; for comparison only",
}


def label(name: str) -> str:
    """Return the label of a metric with its unit."""
    text, unit, _ = LABELS[name]
    return f"{text} [{unit}]" if unit else text


def number(name: str, value: float) -> str:
    """Format a value of a metric; undefined values are a dash."""
    return format(value, LABELS[name][2]) if math.isfinite(value) else "–"


def cell(scores: Scores, column: str, name: str) -> str:
    """Format one metric of one column; a median says of how many recordings it is one where that is not all.

    Example:
        >>> scored = {"deployable": {"r_timing_ms": 18}}
        >>> cell(Medians({"r_timing_ms": 4.3}, {}, {}, 20, scored), "deployable", "r_timing_ms")
        '4.3 (18 of 20)'
    """
    text = number(name, getattr(scores, column).get(name, math.nan))
    if not isinstance(scores, Medians):
        return text
    n_scored = scores.scored[column][name]
    return text if n_scored == scores.n_recordings else f"{text} ({n_scored} of {scores.n_recordings})"
