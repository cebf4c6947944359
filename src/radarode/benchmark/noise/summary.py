"""From the scores of single recordings to the rows of the tables: means and spreads over seeds, Δm, failures."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import numpy as np

from radarode.benchmark.cells import Number, Value
from radarode.benchmark.noise.conditions import CLEAN, Condition, NoiseSettings
from radarode.benchmark.scoring import figures, undefined
from radarode.benchmark.tables import Column, Masked, Row, spread
from radarode.metrics.delta_m import delta_m_flat
from radarode.metrics.summary import FAILED_PCC

MAIN = "calibrated"
"""The column of the first tables: one constant delay, from the first 20 s of each recording, is removed."""

PUBLISHED = ("rmse_mv", "pcc", "r_timing_ms", "mdr")
"""The four metrics of the published tables, of which Δm is the plain mean."""

SHOWN = (*PUBLISHED, "f1")
PERCENT = ("pcc", "mdr")
FAILED = "Failed"

_METRICS: tuple[tuple[str, str, int, Any], ...] = (
    ("rmse_mv", "RMSE (mV)", 3, "lower"),
    ("pcc", "PCC (%)", 1, "higher"),
    ("r_timing_ms", "R error (ms)", 1, "lower"),
    ("mdr", "MDR (%)", 2, "lower"),
    ("f1", "F1", 3, "higher"),
    ("delta_m", "Δm (%)", 1, "higher"),
)

Key = tuple[str, str, int, int]
"""Framework, name of the condition, seed of the training, seed of the noise."""

Cases = Mapping[Key, Mapping[str, Mapping[str, Mapping[str, float | None]]]]
"""What was scored: `Key` -> recording -> column -> metric, over all folds."""

Draws = dict[tuple[int, int], dict[str, float]]
"""Figures by seed of the training and seed of the noise."""


def table_columns(settings: NoiseSettings, kind: str) -> tuple[Column, ...]:
    """Return the columns of the table of a kind of noise; bursts have a block for each of their levels."""
    if kind == "constant":
        return tuple(Column(key, label, digits, better, ranked=False) for key, label, digits, better in _METRICS)
    return tuple(
        Column(f"{prefix(settings, level)}{key}", label, digits, better, level_title(settings, level), ranked=False)
        for level in settings.abrupt_db
        for key, label, digits, better in _METRICS
    )


def level_name(settings: NoiseSettings, level_db: float) -> str:
    """Return "mild" or "extensive" as published, or the level where there are others than two."""
    names = ("mild", "extensive")
    return names[settings.abrupt_db.index(level_db)] if len(settings.abrupt_db) == 2 else f"{level_db:g} dB"


def level_title(settings: NoiseSettings, level_db: float) -> str:
    """Return the heading of a level of bursts."""
    name = level_name(settings, level_db)
    return f"{name.capitalize()} body movement ({level_db:g} dB)" if "dB" not in name else f"Bursts at {name}"


def prefix(settings: NoiseSettings, level_db: float) -> str:
    """Return what a level's columns start with."""
    return f"{level_name(settings, level_db)}/"


def draws(cases: Cases, framework: str, condition: Condition, column: str) -> Draws:
    """Return the figures over all test recordings, for every training and every draw of the noise."""
    return {
        (seed, noise_seed): figures([scores[column] for scores in recordings.values()])
        for (name, key, seed, noise_seed), recordings in cases.items()
        if (name, key) == (framework, condition.key)
    }


def baseline(cases: Cases, framework: str, column: str) -> dict[str, float]:
    """Return a framework's own clean figures, the mean over its trainings, of the metrics that Δm is made of."""
    found = list(draws(cases, framework, Condition(CLEAN), column).values())
    return {name: float(np.mean([one[name] for one in found])) for name in PUBLISHED} if found else {}


def delta_ms(found: Draws, base: Mapping[str, float]) -> list[float]:
    """Return Δm of every draw against the framework's clean figures; NaN where a clean figure is 0 or undefined."""
    return [delta_m_flat(one, base) for one in found.values()] if base else []


def figures_of(cases: Cases, framework: str, condition: Condition, column: str) -> dict[str, Any]:
    """Return mean and spread of every shown metric in the tables' units, Δm, and whether the recovery failed.

    A mean PCC below `FAILED_PCC` is a failure; so is one that is undefined.
    """
    found = draws(cases, framework, condition, column)
    values: dict[str, Any] = {
        name: spread([(100.0 if name in PERCENT else 1.0) * one[name] for one in found.values()]) for name in SHOWN
    }
    values["delta_m"] = spread(delta_ms(found, baseline(cases, framework, column)))
    pcc = float(np.mean([one["pcc"] for one in found.values()])) if found else math.nan
    values["failed"] = bool(found) and not pcc >= FAILED_PCC
    values["draws"] = len(found)
    return values


def rows_of(
    cases: Cases, settings: NoiseSettings, kind: str, column: str, titles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the rows of the table of a kind of noise, unmasked: one per framework and level, or length of a burst.

    Args:
        cases: what was scored.
        settings: name the conditions.
        kind: "constant" or "abrupt".
        column: "deployable", "calibrated" or "oracle".
        titles: framework -> its name in the table.
    """
    rows = []
    for framework, title in titles.items():
        for label, parts in _lines(settings, kind):
            row: dict[str, Any] = {"method": label, "group": title, "key": f"{title}, {label}", "flags": {}}
            for start, condition in parts.items():
                found = figures_of(cases, framework, condition, column)
                row["flags"][f"{start}failed"] = found.pop("failed")
                row |= {f"{start}{name}": value for name, value in found.items()}
            rows.append(row)
    return rows


def _lines(settings: NoiseSettings, kind: str) -> Iterable[tuple[str, dict[str, Condition]]]:
    """Yield each row's label and, by what its columns start with, the conditions that it shows."""
    if kind == "constant":
        for condition in (Condition(CLEAN), *(Condition("constant", level) for level in settings.constant_db)):
            yield condition.label, {"": condition}
        return
    starts = {level: prefix(settings, level) for level in settings.abrupt_db}
    yield Condition(CLEAN).label, {start: Condition(CLEAN) for start in starts.values()}
    for length in settings.abrupt_s:
        of_length = {start: Condition("abrupt", level, length) for level, start in starts.items()}
        yield Condition("abrupt", 0.0, length).label, of_length


def masked(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the rows as published: where a recovery failed, no figures, and "Failed" in place of Δm."""
    shown = []
    for row in rows:
        line = dict(row)
        for flag, failed in row["flags"].items():
            if failed:
                start = flag.removesuffix("failed")
                line |= {f"{start}{name}": Masked(row[f"{start}{name}"], "–") for name in SHOWN}
                line[f"{start}delta_m"] = Masked(row[f"{start}delta_m"], FAILED)
        shown.append(line)
    return shown


def undefined_notes(cases: Cases, titles: Mapping[str, str], column: str) -> list[str]:
    """Say in how many reconstructions a shown metric is undefined and so left out of a median."""
    counts = dict.fromkeys(titles.values(), 0)
    totals = dict.fromkeys(titles.values(), 0)
    for (framework, *_), recordings in cases.items():
        if framework in titles:
            found = undefined([scores[column] for scores in recordings.values()])
            counts[titles[framework]] += max((found.get(name, 0) for name in SHOWN), default=0)
            totals[titles[framework]] += len(recordings)
    parts = [f"{title} {count} of {totals[title]}" for title, count in counts.items() if count]
    text = "Reconstructions, over all conditions and seeds, in which a metric is undefined and left out"
    return [f"{text}: {', '.join(parts)}."] * bool(parts)


def published(kind: str) -> dict[str, dict[str, Value]]:
    """Return the table of a kind of noise as printed: row's key -> column -> figure.

    Bursts: the same two levels as here, "mild/..." and "extensive/...".
    """
    path = resources.files("radarode") / "benchmark" / "published" / f"table_noise_{kind}.csv"
    found: dict[str, dict[str, Value]] = {}
    for line in csv.DictReader(path.read_text().splitlines()):
        level, start = line["level"], ""
        if kind == "abrupt":
            name, _, level = level.partition(" ")
            start = f"{name}/"
        values: dict[str, Number] = {
            f"{start}{key}": float(value) for key, value in line.items() if key not in ("framework", "level")
        }
        found.setdefault(f"{line['framework']}, {level}", {}).update(values)
    if kind == "constant":
        found["radarODE, -3 dB"] = {"delta_m": Masked(None, FAILED)}
    return found
