"""Write the report: one self-contained HTML page, and PNG and CSV of every figure beside it."""

from __future__ import annotations

import csv
import html
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from radarode.core.errors import InputError
from radarode.core.files import atomic_path
from radarode.core.notice import NOTICE
from radarode.metrics.delay import CALIBRATION_S, SHORT_S
from radarode.metrics.labels import cell, label
from radarode.metrics.summary import FAILED_PCC, Summary, summarise
from radarode.report import style
from radarode.report.figures import Data, Drawing, bland_altman, heart_rate, ppi_cdf, r_timing_cdf
from radarode.report.mechanical import events_of, mechanical_figures, mechanical_table
from radarode.report.overlay import overlay
from radarode.report.prepare import Prepared, ReportCase, prepare, safe_name
from radarode.report.tables import metrics_data, metrics_table, subject_table
from radarode.report.template import PAGE

__all__ = ["MOST_SHOWN", "ReportCase", "write_report"]

MOST_SHOWN = 3
"""Of more recordings than this, the worst, the median and the best (calibrated PCC) are drawn."""

_HEADLINE = (
    ("deployable", "f1"), ("deployable", "ppi_error_ms"), ("deployable", "hr_error_bpm"),
    ("calibrated", "r_timing_ms"), ("calibrated", "pcc"),
)  # fmt: skip


def write_report(folder: Path | str, cases: Sequence[ReportCase]) -> Path:
    """Write `report.html`, `metrics.csv` and, per figure, a PNG and a CSV with its data.

    The page holds everything it shows: no scripts, no requests, light and dark, narrow and wide screens. Files
    of the same name are replaced, each atomically, the page last.

    Args:
        folder: where to; created if it does not exist.
        cases: evaluated recordings, at least one.

    Returns:
        Path of the page.

    Raises:
        InputError: there are no cases, or one has no reference.
    """
    if not cases:
        raise InputError.of("cases", "at least one evaluated recording", "none", "Evaluate a recording first")
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    prepared = [prepare(case) for case in cases]
    shown = choose(prepared)
    keys = [f"{i + 1}_{safe_name(one.name)}" for i, one in enumerate(shown)]
    events = [events_of(one) for one in shown]
    per_case = [
        (one, [overlay(one, key), heart_rate(one, key), *mechanical_figures(one, found, key)])
        for one, found, key in zip(shown, events, keys, strict=True)
    ]
    tables = [mechanical_table(found) for found in events]
    pooled = [r_timing_cdf(prepared), ppi_cdf(prepared), bland_altman(prepared)]
    for drawing in [*pooled, *(d for _, drawings in per_case for d in drawings)]:
        style.save_png(drawing.figure, target / f"{drawing.name}.png")
        _write_csv(target / f"{drawing.name}.csv", drawing.data)
    _write_csv(target / "metrics.csv", metrics_data(cases))
    page = _page(prepared, pooled, per_case, tables)
    with atomic_path(target / "report.html") as temporary:
        temporary.write_text(page, encoding="utf-8")
    return target / "report.html"


def choose(prepared: Sequence[Prepared]) -> list[Prepared]:
    """Return the cases to draw: all of up to `MOST_SHOWN`, else worst, median and best by calibrated PCC."""
    if len(prepared) <= MOST_SHOWN:
        return list(prepared)

    def quality(one: Prepared) -> float:
        pcc = one.case.scores.calibrated.get("pcc", math.nan)
        return pcc if math.isfinite(pcc) else -math.inf

    ordered = sorted(prepared, key=quality)
    return [ordered[0], ordered[len(ordered) // 2], ordered[-1]]


def _page(
    prepared: Sequence[Prepared],
    pooled: Sequence[Drawing],
    per_case: Sequence[tuple[Prepared, Sequence[Drawing]]],
    tables: Sequence[str],
) -> str:
    cases = [one.case for one in prepared]
    summary = summarise([(case.recording, case.scores) for case in cases])
    simulated = {html.escape(case.recording.subject): case.recording.simulated for case in cases}
    return PAGE.substitute(
        notice=html.escape(NOTICE),
        lead=html.escape(_lead(cases, summary)),
        simulated=_simulated(cases),
        headline="".join(_tile(column, name, summary) for column, name in _HEADLINE),
        metrics=metrics_table(summary.overall),
        notes="".join(f"<p>{html.escape(text)}</p>" for text in _notes(prepared, summary)),
        subjects=subject_table(_escape(summary), simulated),
        pooled="".join(_figure(drawing) for drawing in pooled),
        recordings="".join(
            _recording(one, drawings, table) for (one, drawings), table in zip(per_case, tables, strict=True)
        ),
        choice="" if len(cases) <= MOST_SHOWN else "<p>Worst, median and best recording by calibrated PCC.</p>",
    )


def _lead(cases: Sequence[ReportCase], summary: Summary) -> str:
    minutes = sum(case.recording.duration_s for case in cases) / 60.0
    beats = sum(case.scores.deployable.get("n_beats", 0.0) for case in cases)
    counts = f"{_count(len(cases), 'recording')} of {_count(len(summary.subjects), 'subject')}"
    return f"{counts}, {minutes:.1f} min, {beats:.0f} reconstructed beats."


def _count(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n} {word}s"


def _simulated(cases: Sequence[ReportCase]) -> str:
    n = sum(case.recording.simulated for case in cases)
    if n == 0:
        return ""
    which = "All recordings" if n == len(cases) else f"{n} of the {len(cases)} recordings"
    which = "The recording" if len(cases) == 1 else which
    verb = "is" if len(cases) == 1 or n == 1 else "are"
    return f'<p class="simulated">{which} {verb} <b>simulated</b>: motion and reference ECG come from a model.</p>'


def _notes(prepared: Sequence[Prepared], summary: Summary) -> list[str]:
    """Return what a reader of the metrics must know, one sentence each."""
    n = len(prepared)
    failed = ", ".join(f"{column} {count} of {n}" for column, count in summary.n_failed.items())
    notes = [f"Recordings whose recovery counts as failed (PCC below {FAILED_PCC:g}): {failed}."]
    if any(count < n for counts in summary.overall.scored.values() for count in counts.values()):
        notes.append(
            f"(k of {n}): median over k recordings only. In the others the metric is undefined, mostly because no "
            "beat matched, so it looks better than it is."
        )
    short = sum(one.case.recording.duration_s < SHORT_S for one in prepared)
    if short:
        notes.append(
            f"Shorter than {SHORT_S:g} s: {short} of {n}. The calibrated column is scored on the {CALIBRATION_S:g} s "
            "that its delay was measured on, too; in a short recording it is close to the oracle."
        )
    apart = sum(not one.columns["calibrated"].ecg.calibrated for one in prepared)
    if apart:
        notes.append(
            f"Not calibrated: {apart} of {n}, as no beat of the first {CALIBRATION_S:g} s is near a reference beat; "
            "calibrated equals deployable there."
        )
    return notes


def _tile(column: str, name: str, summary: Summary) -> str:
    value = cell(summary.overall, column, name)
    value, _, of = value.partition(" (")
    of = f" ({of}" if of else ""
    return f'<div class="tile"><span>{label(name)}</span><b>{value}</b><i>{column}{of}</i></div>'


def _figure(drawing: Drawing) -> str:
    picture = style.svg(drawing.figure, drawing.name.replace("_", "-"))
    caption = html.escape(drawing.caption)
    return f"<figure>{picture}<figcaption>{caption} <code>{drawing.name}.csv</code></figcaption></figure>"


def _recording(one: Prepared, drawings: Sequence[Drawing], table: str) -> str:
    recording, scores = one.case.recording, one.case.scores
    values = ", ".join(f"{label(name)} {cell(scores, column, name)} ({column})" for column, name in _HEADLINE)
    tag = ' <em class="tag">simulated</em>' if recording.simulated else ""
    facts = f"{recording.duration_s:.0f} s, status {recording.status}, source {recording.source}. {values}."
    figures = "".join(_figure(drawing) for drawing in drawings)
    return (
        f"<section><h3>{html.escape(recording.name)}{tag}</h3><p>{html.escape(facts)}</p>"
        f'<div class="figures">{figures}</div>{table}</section>'
    )


def _escape(summary: Summary) -> Summary:
    """Escape the subjects' names: table cells are taken as HTML."""
    return Summary(
        overall=summary.overall,
        subjects={html.escape(name): scores for name, scores in summary.subjects.items()},
        n_recordings={html.escape(name): n for name, n in summary.n_recordings.items()},
        n_failed=summary.n_failed,
    )


def _write_csv(path: Path, data: Data) -> None:
    """Write equally long columns; NaN becomes an empty field."""
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(data)
        writer.writerows([_cell(value) for value in row] for row in zip(*data.values(), strict=True))


def _cell(value: object) -> object:
    if isinstance(value, float | np.floating):
        return f"{float(value):.6g}" if math.isfinite(value) else ""
    return value
