"""Tables of methods by metrics: mean ± spread, best bold, second best underlined; as CSV, HTML, LaTeX and text."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from radarode.benchmark.cells import (
    Column,
    Masked,
    Row,
    Value,
    cell,
    marks,
    row_key,
    split_value,
    spread,
    starts_group,
)
from radarode.benchmark.markup import Published, as_html, as_latex
from radarode.core.errors import InputError
from radarode.core.files import atomic_path

__all__ = [
    "Column",
    "Masked",
    "Row",
    "Value",
    "cell",
    "marks",
    "print_table",
    "split_value",
    "spread",
    "uneven_notes",
    "write_tables",
]

_WIDE = 130
"""Columns of a terminal from which a spread stands beside its mean; below it stands under it."""


def write_tables(
    folder: Path | str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    notes: Sequence[str] = (),
    *,
    published: Published | None = None,
    data: str = "",
    rows_are: str = "Method",
) -> None:
    """Write `results.csv`, `table.html` and `table.tex`.

    Args:
        folder: an existing folder; older files of these names are replaced.
        title: caption; say "simulated" where the data are.
        columns: in order.
        rows: in order; consecutive rows of one `group` stand under its heading.
        notes: sentences under the table (not in the CSV).
        published: method -> column -> a figure printed elsewhere, shown small beside ours (HTML and LaTeX) and
            as `KEY_published` in the CSV.
        data: what our figures are of, "simulated" for one: a column `data` of the CSV, left out where empty.
        rows_are: heading of the first column.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: a row without `method`.
    """
    for row in rows:
        if "method" not in row:
            raise InputError.of("rows", "mappings with a `method`", sorted(row))
    texts = {
        "table.html": as_html(title, columns, rows, notes, published or {}, rows_are),
        "table.tex": as_latex(title, columns, rows, notes, published or {}, rows_are),
    }
    for name, text in texts.items():
        with atomic_path(Path(folder) / name) as path:
            path.write_text(text, encoding="utf-8")
    with atomic_path(Path(folder) / "results.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_csv_lines(columns, rows, published or {}, data))


def uneven_notes(seeds_of: Mapping[str, int], seeds: int) -> list[str]:
    """Return a sentence about rows with fewer results than there are seeds; none where all have as many.

    Example:
        >>> uneven_notes({"UW": 3, "GLS": 1}, 3)
        ['Of 3 seeds, fewer are done in: GLS (1).']
    """
    fewer = [f"{label} ({count})" for label, count in seeds_of.items() if count < seeds]
    return [f"Of {seeds} seeds, fewer are done in: {', '.join(fewer)}."] if fewer else []


def print_table(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    notes: Sequence[str] = (),
    *,
    published: Published | None = None,
    console: Any = None,
    rows_are: str = "Method",
) -> None:
    """Print a table on the terminal.

    Args:
        title, columns, rows, notes: as in `write_tables`.
        published: figures printed elsewhere, dim under ours in the same cell.
        console: a rich console; None makes one.
        rows_are: heading of the first column.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    target = console or Console(highlight=False)
    wide = target.width >= _WIDE
    styles = {"best": "bold green", "second": "underline", "": ""}
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1 + wide, 0, 0))
    table.add_column(rows_are.lower() if rows_are.istitle() else rows_are, no_wrap=True)
    for column in columns:
        table.add_column(Text(column.heading), justify="right")
    of_columns = [marks(rows, column) for column in columns]
    for number, row in enumerate(rows):
        if starts_group(rows, number):
            table.add_section()
            if "key" in row:  # labels repeat from block to block
                table.add_row(Text(str(row["group"]), style="italic"))
        cells = []
        for column, places in zip(columns, of_columns, strict=True):
            text = cell(row.get(column.key), column.digits)
            lines = [(text if wide else text.replace(" ± ", "\n±"), styles[places[number]])]
            theirs = (published or {}).get(row_key(row), {}).get(column.key)
            lines += [("\n" + cell(theirs, column.digits), "dim")] * (theirs is not None)
            cells.append(Text.assemble(*lines))
        table.add_row(Text(str(row["method"])), *cells)
    target.print(table)
    for note in notes:
        target.print(Text(note))


def _csv_lines(columns: Sequence[Column], rows: Sequence[Row], published: Published, data: str) -> list[list[str]]:
    """Return full precision, empty where there is nothing; a spread column only where some row has a spread."""
    spreads = {c.key for c in columns if any(split_value(row.get(c.key))[1] is not None for row in rows)}
    flags = list(dict.fromkeys(name for row in rows for name in row.get("flags", {})))
    head = ["method"] + ["data"] * bool(data)
    for column in columns:
        head += [column.key] + [f"{column.key}_spread"] * (column.key in spreads)
    lines = [head + flags + [f"{column.key}_published" for column in columns] * bool(published)]
    for row in rows:
        line = [row_key(row)] + [data] * bool(data)
        for column in columns:
            mean, spread = split_value(row.get(column.key))
            line.append(_plain(mean))
            line += [_plain(spread)] * (column.key in spreads)
        line += ["yes" if row.get("flags", {}).get(name) else "no" for name in flags]
        theirs = published.get(row_key(row), {})
        lines.append(line + [_plain(split_value(theirs.get(column.key))[0]) for column in columns] * bool(published))
    return lines


def _plain(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else f"{value:.6g}"
