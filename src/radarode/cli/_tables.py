"""Tables on the terminal."""

from __future__ import annotations

import math

from rich.markup import escape
from rich.table import Table

from radarode.core.types import COLUMNS, Scores

LABELS = {
    "f1": ("F1 at 150 ms", "{:.3f}"),
    "precision": ("precision", "{:.3f}"),
    "mdr": ("missed detection rate", "{:.3f}"),
    "ppi_error_ms": ("PPI error [ms]", "{:.1f}"),
    "r_timing_ms": ("R timing error [ms]", "{:.1f}"),
    "hr_error_bpm": ("heart-rate error [bpm]", "{:.2f}"),
    "pcc": ("PCC per cycle", "{:.3f}"),
    "rmse_mv": ("RMSE per cycle [mV]", "{:.3f}"),
    "pcc_longterm": ("PCC long-term", "{:.3f}"),
    "rmse_longterm_mv": ("RMSE long-term [mV]", "{:.3f}"),
    "q_error_ms": ("Q peak error [ms]", "{:.1f}"),
    "s_error_ms": ("S peak error [ms]", "{:.1f}"),
    "t_error_ms": ("T peak error [ms]", "{:.1f}"),
    "coverage": ("reconstructed share", "{:.3f}"),
}


def score_table(scores: Scores, title: str) -> Table:
    """Lay out the three columns; the oracle column is marked as for comparison only."""
    table = Table(title=title, title_justify="left")
    table.add_column("metric")
    for column in COLUMNS:
        table.add_column(column + (" (comparison only)" if column == "oracle" else ""), justify="right")
    for key, (label, form) in LABELS.items():
        values = [getattr(scores, column).get(key, math.nan) for column in COLUMNS]
        table.add_row(escape(label), *(form.format(value) if math.isfinite(value) else "-" for value in values))
    return table
