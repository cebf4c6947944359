"""Write the benchmark's tables, figures and record."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radarode.benchmark.frameworks.look import save
from radarode.benchmark.frameworks.run import Bench, described, record, split_note, titles
from radarode.benchmark.frameworks.words import FrameworkWords
from radarode.benchmark.jobs import as_json
from radarode.benchmark.longterm.settings import LongtermSettings
from radarode.benchmark.longterm.summary import (
    MAIN,
    PERCENT,
    TABLE,
    Cases,
    errors_of,
    rows_by,
    rows_of,
    undefined_notes,
    unranked,
)
from radarode.benchmark.tables import Column, Row, write_tables
from radarode.core.files import atomic_path
from radarode.core.notice import NOTICE
from radarode.core.types import COLUMNS
from radarode.metrics.labels import COLUMN_MEANING
from radarode.metrics.summary import METRICS

PUBLISHED_NOTE = (
    "Published on other data, so for orientation only: median heart-rate errors of 0.6 (MMECG), 0.3 (radarODE) and 0.3 "
    "bpm (radarODE-MTL); radarODE over whole recordings 0.097 mV, 89.6 %, Q/R/S/T 15/7/9/14 ms; MMECG per beat, on its "
    "own 35 persons, 0.081 mV, 90 %, Q/R/S/T 14/3/8/10 ms."
)


@dataclass(frozen=True, slots=True)
class Words(FrameworkWords):
    """Word the tables of the frameworks over whole recordings."""

    @classmethod
    def of(cls, bench: Bench, settings: LongtermSettings, cases: Cases, further: Sequence[str]) -> Words:
        """Word what the results of a folder need."""
        found = {framework for framework, _ in cases}
        seeds = ", ".join(map(str, settings.seeds))
        notes = (
            split_note(bench),
            f"± is the standard deviation over the trainings (seeds {seeds}); a framework in which nothing is drawn is "
            "fitted once. Peak errors are medians over matched beats; beats that are missed show in MDR.",
            *further,
        )
        shown = [name for name in settings.frameworks if name in found]
        return cls(described(bench), bench.simulated, titles(shown), notes)

    def title(self, column: str, by: str = "") -> str:
        """Return a table's caption."""
        return f"Long-term recovery{f' by {by}' if by else ''}, {self.described}, {column} figures"

    def under(self, column: str, cases: Cases) -> list[str]:
        """Return the sentences under a table."""
        own = f"{'Simulated data. ' * self.simulated}{column}: {COLUMN_MEANING[column]}."
        return [own, *self.notes, *undefined_notes(cases, self.titles, column), PUBLISHED_NOTE, NOTICE]


def write_results(bench: Bench, cases: Cases, examples: Mapping[str, Mapping[str, Any]], words: Words) -> None:
    """Write tables by framework, status and subject, `results.json`, two CSV files of single values and the figures.

    Args:
        bench: the benchmark.
        cases: what was scored.
        examples: framework -> what it makes of the example.
        words: what stands around the tables.
    """
    rows = {column: rows_of(cases, words.titles, column) for column in COLUMNS}
    for column in COLUMNS:
        place = bench.folder if column == MAIN else bench.folder / column
        _table(place, words.title(column), TABLE, rows[column], words.under(column, cases), words.data)
    grouped = {by: rows_by(cases, words.titles, MAIN, by) for by in ("status", "subject")}
    for by, lines in grouped.items():
        place = bench.folder / f"by_{by}"
        _table(place, words.title(MAIN, by), unranked(TABLE), lines, words.under(MAIN, cases), words.data)
    plain = {
        **record(bench),
        "main_column": MAIN,
        "title": words.title(MAIN),
        "notes": [*words.notes, PUBLISHED_NOTE],
        "units": dict.fromkeys(PERCENT, "percent in the rows, share in recordings.csv"),
        "rows": rows,
        "rows_by": grouped,
        "example": next((one["recording"] for one in examples.values()), None),
    }
    with atomic_path(bench.folder / "results.json") as path:
        path.write_text(json.dumps(as_json(plain), indent=1) + "\n")
    for name, lines in (("recordings.csv", _recording_lines(cases, words)), ("errors.csv", _error_lines(cases, words))):
        with atomic_path(bench.folder / name) as path, path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(lines)
    if words.titles:
        _write_figures(bench.folder, cases, examples, words)


def _table(
    folder: Path, title: str, columns: Sequence[Column], rows: Sequence[Row], notes: Sequence[str], data: str
) -> None:
    folder.mkdir(exist_ok=True)
    write_tables(folder, title, columns, rows, notes, data=data, rows_are="Framework")


def _write_figures(folder: Path, cases: Cases, examples: Mapping[str, Mapping[str, Any]], words: Words) -> None:
    from radarode.benchmark.longterm.example import draw_example
    from radarode.benchmark.longterm.figures import draw_boxes, draw_by_status, draw_heart_rate, draw_peak_errors

    origin = "simulated recordings" if words.simulated else "given recordings"
    drawings = {
        "recordings": draw_boxes(cases, words.titles, origin),
        "by_status": draw_by_status(cases, words.titles, origin),
        "peak_errors": draw_peak_errors(cases, words.titles, origin),
        "heart_rate": draw_heart_rate(cases, words.titles, origin),
    }
    if examples:
        drawings["example"] = draw_example(examples, words.titles, origin)
    save(drawings, folder)


def _recording_lines(cases: Cases, words: Words) -> Iterator[list[Any]]:
    """Yield one line per framework, training, recording and column."""
    yield ["framework", "data", "training_seed", "recording", "subject", "status", "column", *METRICS]
    for (framework, seed), recordings in cases.items():
        for name, one in recordings.items():
            for column in COLUMNS:
                values = [one["scores"][column].get(metric) for metric in METRICS]
                shown = ["" if value is None else f"{value:.6g}" for value in values]
                yield [framework, words.data, seed, name, one["subject"], one["status"], column, *shown]


def _error_lines(cases: Cases, words: Words) -> Iterator[list[Any]]:
    """Yield the quantiles of single errors that the distributions are drawn from."""
    shares = [0.05 * step for step in range(1, 20)]
    yield ["framework", "data", "column", "kind", "unit", "found", "of", *(f"quantile_{one:.2f}" for one in shares)]
    for framework in words.titles:
        for column in COLUMNS:
            for kind in ("q", "r", "s", "t", "rate"):
                errors = errors_of(cases, framework, column, kind)
                n, values = len(errors.values), errors.values
                marks = [f"{values[min(n - 1, int(share * n))]:.2f}" if n else "" for share in shares]
                unit = "bpm" if kind == "rate" else "ms"
                yield [framework, words.data, column, kind, unit, n, errors.total, *marks]
