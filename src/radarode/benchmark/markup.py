"""Tables as self-contained HTML and as LaTeX."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape

from radarode.benchmark.cells import (
    DASH,
    Column,
    Mark,
    Masked,
    Row,
    Value,
    cell,
    marks,
    row_key,
    split_value,
    starts_group,
)

Published = Mapping[str, Mapping[str, Value]]
"""Key of a row -> column -> a figure printed elsewhere."""


def _spans(columns: Sequence[Column]) -> list[tuple[str, int]]:
    """Return (heading, number of columns) over neighbouring columns."""
    spans: list[tuple[str, int]] = []
    for column in columns:
        if spans and spans[-1][0] == column.group:
            spans[-1] = (column.group, spans[-1][1] + 1)
        else:
            spans.append((column.group, 1))
    return spans


def _cells(
    columns: Sequence[Column], rows: Sequence[Row], render: Callable[[Value, Column, Mark, str], str]
) -> list[list[str]]:
    of_columns = [
        [
            render(row.get(column.key), column, mark, row_key(row))
            for row, mark in zip(rows, marks(rows, column), strict=True)
        ]
        for column in columns
    ]
    return [list(line) for line in zip(*of_columns, strict=True)]


_STYLE = """
:root { color-scheme: light dark; --ink: #1f2329; --muted: #667081; --rule: #dfe3e9; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --muted: #99a3b3; --rule: #3a424e; --page: #14171c; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 2rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .6rem; }
th, td { padding: .3rem .7rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; font-weight: 400; }
thead th { font-weight: 600; border-bottom: 1px solid var(--muted); }
thead tr.spans th { text-align: center; border-bottom: 1px solid var(--rule); }
tbody td, tbody th { border-bottom: 1px solid var(--rule); }
tr.group th { color: var(--muted); font-style: italic; padding-top: .8rem; }
.best { font-weight: 700; } .second { text-decoration: underline; }
.published { display: block; color: var(--muted); font-size: .8em; font-weight: 400; }
p { color: var(--muted); max-width: 60rem; margin: .4rem 0; }
"""


def as_html(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    notes: Sequence[str],
    published: Published,
    rows_are: str = "Method",
) -> str:
    """Return one HTML page with its style, light and dark; arguments as of `write_tables`."""

    def render(value: Value, column: Column, mark: Mark, method: str) -> str:
        text = f'<span class="{mark}">{cell(value, column.digits)}</span>' if mark else cell(value, column.digits)
        theirs = published.get(method, {}).get(column.key)
        return text + (f'<span class="published">{cell(theirs, column.digits)}</span>' if published else "")

    head = "".join(f'<th scope="col">{escape(column.heading)}</th>' for column in columns)
    spans = "".join(f'<th colspan="{n}">{escape(text)}</th>' for text, n in _spans(columns))
    lines = []
    for number, (row, values) in enumerate(zip(rows, _cells(columns, rows, render), strict=True)):
        if starts_group(rows, number):
            lines.append(f'<tr class="group"><th colspan="{len(columns) + 1}">{escape(row["group"])}</th></tr>')
        values_html = "".join(f"<td>{value}</td>" for value in values)
        lines.append(f'<tr><th scope="row">{escape(str(row["method"]))}</th>{values_html}</tr>')
    over = f'<tr class="spans"><th></th>{spans}</tr>' if any(column.group for column in columns) else ""
    under = "\n".join(f"<p>{escape(note)}</p>" for note in notes)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<div class="scroll"><table>\n<caption>{escape(title)}</caption>\n<thead>\n{over}'
        f'<tr><th scope="col">{escape(rows_are)}</th>{head}</tr>\n</thead>\n<tbody>\n' + "\n".join(lines) + "\n"
        f"</tbody>\n</table></div>\n{under}\n</body>\n</html>\n"
    )


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "↑": r"$\uparrow$", "↓": r"$\downarrow$",
    "Δ": r"$\Delta$", "°": r"$^\circ$", "≤": r"$\leq$", "×": r"$\times$", "−": "$-$", DASH: "--",
    "<": "$<$", ">": "$>$",
}  # fmt: skip


def _tex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def as_latex(
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Row],
    notes: Sequence[str],
    published: Published,
    rows_are: str = "Method",
) -> str:
    """Return a `table*` for booktabs; arguments as of `write_tables`."""

    def render(value: Value, column: Column, mark: Mark, method: str) -> str:
        mean, spread = split_value(value)
        if isinstance(value, Masked):
            text = _tex(value.text)
        elif not math.isfinite(mean):
            text = "--"
        else:
            text = _number(cell(mean, column.digits))
            text = {"best": rf"\textbf{{{text}}}", "second": rf"\underline{{{text}}}", "": text}[mark]
            text += "" if spread is None else rf" $\pm$ {spread:.{column.digits}f}"
        theirs = published.get(method, {}).get(column.key)
        return text + (rf" ({_number(cell(theirs, column.digits))})" if theirs is not None else "")

    lines = [
        "% needs \\usepackage{booktabs, graphicx}", r"\begin{table*}", r"\centering", rf"\caption{{{_tex(title)}}}",
        r"\resizebox{\textwidth}{!}{%", rf"\begin{{tabular}}{{l{'r' * len(columns)}}}", r"\toprule",
    ]  # fmt: skip
    if any(column.group for column in columns):
        lines.append(
            " & ".join(["", *(rf"\multicolumn{{{n}}}{{c}}{{{_tex(t)}}}" for t, n in _spans(columns))]) + r" \\"
        )
    lines += [" & ".join([_tex(rows_are), *(_tex(column.heading) for column in columns)]) + r" \\", r"\midrule"]
    for number, (row, values) in enumerate(zip(rows, _cells(columns, rows, render), strict=True)):
        if starts_group(rows, number):
            lines.append(rf"\multicolumn{{{len(columns) + 1}}}{{l}}{{\textit{{{_tex(row['group'])}}}}} \\")
        lines.append(" & ".join([_tex(str(row["method"])), *values]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}}", *(rf"\par\footnotesize {_tex(note)}" for note in notes)]
    return "\n".join([*lines, r"\end{table*}", ""])


def _number(text: str) -> str:
    """Give a negative number a minus sign instead of a hyphen."""
    return text.replace(DASH, "--") if text == DASH else text.replace("-", "$-$")
