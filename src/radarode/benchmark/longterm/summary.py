"""From the scores of single recordings to tables by framework, by status and by subject."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radarode.benchmark.scoring import figures, undefined
from radarode.benchmark.tables import Column, Row, spread

MAIN = "calibrated"
"""The column of the first tables: one constant delay, from the first 20 s of each recording, is removed."""

PERCENT = ("pcc", "pcc_longterm", "mdr", "precision", "coverage")

TABLE: tuple[Column, ...] = (
    Column("rmse_mv", "RMSE (mV)", 3, "lower", "Per cycle"),
    Column("pcc", "PCC (%)", 1, "higher", "Per cycle"),
    Column("rmse_longterm_mv", "RMSE (mV)", 3, "lower", "Whole recording"),
    Column("pcc_longterm", "PCC (%)", 1, "higher", "Whole recording"),
    Column("coverage", "Coverage (%)", 1, "higher", "Whole recording"),
    Column("mdr", "MDR (%)", 2, "lower", "Beats"),
    Column("precision", "Precision (%)", 1, "higher", "Beats"),
    Column("f1", "F1", 3, "higher", "Beats"),
    Column("hr_error_bpm", "Heart rate (bpm)", 2, "lower", "Beats"),
    Column("q_error_ms", "Q", 1, "lower", "Peak error (ms)"),
    Column("r_timing_ms", "R", 1, "lower", "Peak error (ms)"),
    Column("s_error_ms", "S", 1, "lower", "Peak error (ms)"),
    Column("t_error_ms", "T", 1, "lower", "Peak error (ms)"),
)

TERMINAL: tuple[Column, ...] = (
    *TABLE[:2],
    Column("pcc_longterm", "PCC whole (%)", 1, "higher"),
    *(one for one in TABLE if one.key in ("mdr", "f1", "hr_error_bpm")),
    Column("r_timing_ms", "R error (ms)", 1, "lower"),
)
"""What fits on a terminal; the files hold the whole table."""

STATUS_NAMES = {
    "NB": "Normal breathing", "IB": "Irregular breathing", "PE": "Post-exercise", "SP": "Sleep", "unknown": "Unknown",
}  # fmt: skip

Group = Literal["status", "subject"]

Cases = Mapping[tuple[str, int], Mapping[str, Mapping[str, Any]]]
"""Framework, seed of the training -> recording -> subject, status, scores, errors; over all folds."""


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Hold all single errors of a kind of one framework.

    Attributes:
        values: sorted, over all recordings and trainings.
        total: how many there could be: reference beats with that wave, or windows with a reference rate.
    """

    values: NDArray[np.float64]
    total: int


def rows_of(cases: Cases, titles: Mapping[str, str], column: str) -> list[Row]:
    """Return one row per framework: mean and spread over the trainings."""
    return [{"method": title, **_values(cases, name, column, lambda _: True)} for name, title in titles.items()]


def rows_by(cases: Cases, titles: Mapping[str, str], column: str, group: Group) -> list[Row]:
    """Return one row per status or subject and framework."""
    rows: list[Row] = []
    for value in groups_of(cases, group):
        head = STATUS_NAMES.get(value, value) if group == "status" else value
        count = len(_names(cases, group, value))
        for name, title in titles.items():
            found = _values(cases, name, column, lambda one, value=value: one[group] == value)
            text = f"{head} ({count} recording{'s' * (count != 1)})"
            rows.append({"method": title, "group": text, "key": f"{head}, {title}", **found})
    return rows


def groups_of(cases: Cases, group: Group) -> list[str]:
    """Return the statuses in MMECG's order, or the subjects sorted."""
    found = {one[group] for recordings in cases.values() for one in recordings.values()}
    return [status for status in STATUS_NAMES if status in found] if group == "status" else sorted(found)


def unranked(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return the columns without marks for the best: groups are not ranked against each other."""
    return tuple(Column(one.key, one.label, one.digits, one.better, one.group, ranked=False) for one in columns)


def per_recording(cases: Cases, framework: str, column: str, metric: str) -> list[float]:
    """Return a metric of every recording and training, undefined ones left out."""
    found = [
        one["scores"][column].get(metric)
        for (name, _), recordings in cases.items()
        if name == framework
        for one in recordings.values()
    ]
    return [value for value in found if value is not None and math.isfinite(value)]


def errors_of(cases: Cases, framework: str, column: str, kind: str) -> Errors:
    """Return all errors of a peak ("q", "r", "s", "t"; ms) or of the heart rate ("rate"; bpm)."""
    values: list[float] = []
    total = 0
    for (name, _), recordings in cases.items():
        if name != framework:
            continue
        for one in recordings.values():
            errors = one["errors"][column]
            values += errors["heart_rate_bpm"] if kind == "rate" else errors["peaks_ms"].get(kind, [])
            total += errors["n_reference"].get(kind, 0)
    return Errors(np.sort(np.array(values, dtype=np.float64)), total)


def median_recording(cases: Cases, framework: str, seed: int) -> str | None:
    """Return the recording whose calibrated PCC of one training is the (lower) median; None without any.

    Where two recordings have the same PCC, the name decides.
    """
    recordings = cases.get((framework, seed), {})
    scored = sorted(
        (value, name)
        for name, one in recordings.items()
        if (value := one["scores"][MAIN]["pcc"]) is not None and math.isfinite(value)
    )
    return scored[(len(scored) - 1) // 2][1] if scored else None


def undefined_notes(cases: Cases, titles: Mapping[str, str], column: str) -> list[str]:
    """Say which medians leave out recordings because the metric is undefined there."""
    parts = []
    for name, title in titles.items():
        counts: dict[str, int] = {}
        for (framework, _), recordings in cases.items():
            if framework == name:
                scores: Sequence[Mapping[str, float | None]] = [one["scores"][column] for one in recordings.values()]
                for metric, count in undefined(scores).items():
                    counts[metric] = counts.get(metric, 0) + count
        shown = {column.key: counts[column.key] for column in TABLE if counts.get(column.key)}
        if shown:
            parts.append(f"{title} ({', '.join(f'{metric} {count}' for metric, count in shown.items())})")
    text = "Recordings, over all seeds, in which a metric is undefined and left out"
    return [f"{text}: {'; '.join(parts)}."] * bool(parts)


def _values(cases: Cases, framework: str, column: str, keep: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
    of_seeds = [
        figures([one["scores"][column] for one in recordings.values() if keep(one)])
        for (name, _), recordings in cases.items()
        if name == framework
    ]
    return {
        one.key: spread([(100.0 if one.key in PERCENT else 1.0) * found[one.key] for found in of_seeds])
        for one in TABLE
    }


def _names(cases: Cases, group: Group, value: str) -> set[str]:
    return {name for recordings in cases.values() for name, one in recordings.items() if one[group] == value}
