"""Write the benchmark's tables, figures and record."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radarode.benchmark.frameworks.run import Bench, described, record, split_note, titles
from radarode.benchmark.frameworks.words import FrameworkWords
from radarode.benchmark.jobs import as_json
from radarode.benchmark.noise.conditions import CLEAN, NoiseSettings
from radarode.benchmark.noise.summary import (
    MAIN,
    PERCENT,
    PUBLISHED,
    SHOWN,
    Cases,
    baseline,
    masked,
    published,
    rows_of,
    table_columns,
    undefined_notes,
)
from radarode.benchmark.scoring import figures
from radarode.benchmark.tables import write_tables
from radarode.core.files import atomic_path
from radarode.core.notice import NOTICE
from radarode.core.types import COLUMNS
from radarode.metrics.delta_m import delta_m_flat
from radarode.metrics.labels import COLUMN_MEANING
from radarode.metrics.summary import FAILED_PCC

ROWS_ARE = {"constant": "SNR", "abrupt": "Duration"}
NUMBERS = {"constant": "IV", "abrupt": "V"}


@dataclass(frozen=True, slots=True)
class Words(FrameworkWords):
    """Word the tables of the frameworks under noise."""

    @classmethod
    def of(cls, bench: Bench, settings: NoiseSettings, cases: Cases, further: Sequence[str]) -> Words:
        """Word what the results of a folder need."""
        found = {framework for framework, *_ in cases}
        seeds, noises = (", ".join(map(str, some)) for some in (settings.seeds, settings.noise_seeds))
        notes = (
            split_note(bench),
            f"Noise is added to the {settings.domain} of the test recordings and scored against their clean reference; "
            "no network is trained on noise."
            if _trained_without_noise(settings)
            else f"Noise is added to the {settings.domain} of the test recordings; networks are trained on noise, too.",
            f"± is the standard deviation over every training (seeds {seeds}) under every draw of the noise "
            f"(seeds {noises}); the clean rows vary by training alone, and a framework in which nothing is drawn is "
            "fitted once.",
            "Δm is the plain mean of the relative changes of RMSE, PCC, R error and MDR against the framework's own "
            "clean row, of every draw; where a clean figure is 0 it is undefined. "
            f"Failed: PCC below {100 * FAILED_PCC:g} % (figures in results.json and the CSV).",
            *further,
        )
        shown = [name for name in settings.frameworks if name in found]
        return cls(described(bench), bench.simulated, titles(shown), notes)

    def title(self, kind: str, column: str) -> str:
        """Return a table's caption."""
        return f"Frameworks under {kind} noise, {self.described}, {column} figures"

    def under(self, kind: str, column: str, cases: Cases) -> list[str]:
        """Return the sentences under a table."""
        own = f"{'Simulated data. ' * self.simulated}{column}: {COLUMN_MEANING[column]}."
        theirs = [published_note(kind)] * (column == MAIN)
        return [own, *self.notes, *undefined_notes(cases, self.titles, column), *theirs, NOTICE]


def _trained_without_noise(settings: NoiseSettings) -> bool:
    augment = settings.augment
    return augment is None or (augment.noise_share == 0.0 and augment.movement_share == 0.0)


def published_note(kind: str) -> str:
    """Return the sentence about the published figures."""
    return (
        f"Small figures: as published (arXiv 2410.08656, Table {NUMBERS[kind]}), real MMECG recordings, noise on the "
        "spectrogram and the delay of the whole recording removed; other data, so only the course can be compared."
    )


def write_results(bench: Bench, settings: NoiseSettings, cases: Cases, kinds: Sequence[str], words: Words) -> None:
    """Write a table for every kind of noise and column, `results.json`, `draws.csv` and the figures.

    Args:
        bench: the benchmark.
        settings: its settings.
        cases: what was scored.
        kinds: of noise.
        words: what stands around the tables.
    """
    from radarode.benchmark.noise.figures import write_figures

    rows = {
        kind: {column: rows_of(cases, settings, kind, column, words.titles) for column in COLUMNS} for kind in kinds
    }
    for kind in kinds:
        for column in COLUMNS:
            place = bench.folder / kind if column == MAIN else bench.folder / column / kind
            place.mkdir(parents=True, exist_ok=True)
            write_tables(
                place,
                words.title(kind, column),
                table_columns(settings, kind),
                masked(rows[kind][column]),
                words.under(kind, column, cases),
                published=published(kind) if column == MAIN else None,
                data=words.data,
                rows_are=ROWS_ARE[kind],
            )
    plain = {
        **record(bench),
        "main_column": MAIN,
        "titles": {kind: words.title(kind, MAIN) for kind in kinds},
        "notes": list(words.notes),
        "units": dict.fromkeys(PERCENT, "percent in `rows`, share in draws.csv"),
        "rows": rows,
    }
    with atomic_path(bench.folder / "results.json") as path:
        path.write_text(json.dumps(as_json(plain), indent=1) + "\n")
    with atomic_path(bench.folder / "draws.csv") as path, path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(_draw_lines(cases, words))
    if kinds:
        origin = "simulated recordings" if words.simulated else "given recordings"
        write_figures(Path(bench.folder), cases, settings, kinds, words.titles, origin)


def _draw_lines(cases: Cases, words: Words) -> Iterator[list[Any]]:
    """Yield one line per framework, condition, training, draw of the noise and column."""
    names = (*SHOWN, "precision", "recall", "ppi_error_ms", "hr_error_bpm", "coverage")
    yield ["framework", "data", "condition", "training_seed", "noise_seed", "column", *names, "delta_m", "failed"]
    for (framework, condition, seed, noise_seed), recordings in cases.items():
        for column in COLUMNS:
            found = figures([scores[column] for scores in recordings.values()])
            base = baseline(cases, framework, column)
            change = delta_m_flat({name: found[name] for name in PUBLISHED}, base) if base else float("nan")
            failed = "no" if found["pcc"] >= FAILED_PCC else "yes"
            shown = [f"{value:.6g}" if value == value else "" for value in (*(found[name] for name in names), change)]
            yield [framework, words.data, condition or CLEAN, seed, noise_seed or "", column, *shown, failed]
