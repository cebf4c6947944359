"""Tables on the terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from radarode.core.types import COLUMNS, Scores
from radarode.metrics.labels import cell, label
from radarode.metrics.summary import METRICS


def score_table(scores: Scores, title: str) -> Table:
    """Lay out the three columns; the caption says that the oracle is for comparison only.

    A median that leaves out recordings, because the metric is undefined there, says of how many it is one.
    """
    table = Table(title=title, title_justify="left", caption="oracle: for comparison only", caption_justify="left")
    table.add_column("metric")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    for name in METRICS:
        table.add_row(escape(label(name)), *(cell(scores, column, name) for column in COLUMNS))
    return table
