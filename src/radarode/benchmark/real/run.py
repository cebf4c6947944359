"""Score weights of any framework on the real recordings, and write the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from radarode.benchmark.jobs import as_json
from radarode.benchmark.real.recordings import RealFile, real_files
from radarode.benchmark.tables import Column, Row, write_tables
from radarode.core.errors import InputError
from radarode.core.files import new_folder
from radarode.core.notice import NOTICE
from radarode.core.types import COLUMNS, Scores
from radarode.metrics.labels import COLUMN_MEANING

DEFAULT_WEIGHTS = {"default": "default", "classical": "classical"}
"""Weights that the package carries, scored where none are named."""

SHOWN = (
    ("hr_error_bpm", "Heart-rate error (bpm)", 2),
    ("f1", "F1", 3),
    ("r_timing_ms", "R error (ms)", 1),
    ("ppi_error_ms", "PPI error (ms)", 1),
    ("pcc", "PCC per cycle", 3),
    ("coverage", "Coverage", 3),
)
TITLE = "REAL recordings, none of them radar: camera (1 person, 2 sessions), accelerometer on the chest (2 persons)"

Watcher = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class RealCase:
    """Hold the scores of one recording under one set of weights.

    Attributes:
        recording: which.
        weights: their name.
        framework: as in tables.
        scores: in three columns.
        seen: whether the weights say that they were trained on this recording.
    """

    recording: RealFile
    weights: str
    framework: str
    scores: Scores
    seen: bool


@dataclass(frozen=True, slots=True, eq=False)
class RealResults:
    """Hold what the benchmark gives.

    Attributes:
        cases: in order of the recordings, then of the weights.
        missing: recordings that are not in the folder.
    """

    cases: tuple[RealCase, ...]
    missing: tuple[RealFile, ...]

    def rows(self) -> list[Row]:
        """Return one row per recording and weights, with the keys `COLUMN/METRIC`."""
        rows: list[Row] = []
        for case in self.cases:
            name = f"{case.weights} ({case.framework})" + " *" * case.seen
            row: dict[str, Any] = {"method": name, "group": case.recording.label}
            row["key"] = f"{case.recording.key}, {case.weights}"
            row["flags"] = {"seen": case.seen}
            row |= {f"{column}/{key}": getattr(case.scores, column)[key] for column in COLUMNS for key, _, _ in SHOWN}
            rows.append(row)
        return rows

    def notes(self) -> list[str]:
        """Return the sentences under the table."""
        told = [f"{column}: {COLUMN_MEANING[column]}." for column in COLUMNS]
        told.append(
            "Both sensors' ECG has an unknown constant delay of its own, so the deployable F1, R error and PCC say "
            "little; heart rate and PPI do not depend on it."
        )
        if any(case.seen for case in self.cases):
            told.append("* These weights were trained on this recording: no test.")
        if self.missing:
            told.append(f"Not in the folder: {', '.join(one.file for one in self.missing)}.")
        return [*told, NOTICE]


def columns_of(column: str, group: bool = True) -> tuple[Column, ...]:
    """Return the table's columns for "deployable", "calibrated" or "oracle"; nothing is ranked across recordings."""
    heading = column if group else ""
    return tuple(Column(f"{column}/{key}", label, digits, None, heading) for key, label, digits in SHOWN)


def parse_weights(texts: Sequence[str] | None) -> dict[str, str]:
    """Return name -> weights of options such as `mine=runs/me/weights`; a bare name stands for itself.

    Raises:
        InputError: an empty part, or a name twice.

    Example:
        >>> parse_weights(["default", "mine=runs/me/weights"])
        {'default': 'default', 'mine': 'runs/me/weights'}
    """
    if not texts:
        return dict(DEFAULT_WEIGHTS)
    found: dict[str, str] = {}
    for text in texts:
        name, equals, folder = text.partition("=")
        if not name or (equals and not folder):
            raise InputError.of("--weights", "NAME=FOLDER, or the name of weights of the package", repr(text))
        if name in found:
            raise InputError.of("--weights", "of different names", f"{name} twice")
        found[name] = folder or name
    return found


def run_real(
    out: Path | str,
    data: Path,
    weights: Mapping[str, str],
    *,
    overwrite: bool = False,
    command: str = "",
    watchers: Sequence[Watcher] = (),
) -> RealResults:
    """Reconstruct and score every real recording with every set of weights; write tables and `results.json`.

    Args:
        out: folder to create.
        data: folder of the real recordings.
        weights: name -> folder of weights of any framework, or a name of the package's.
        overwrite: replace an earlier result.
        command: what was typed, for the record.
        watchers: called with what is at work.

    Raises:
        FileNotFoundError: weights that are not there.
        InputError: no recording is there, or `out` is taken.
    """
    from radarode.core.allocator import keep_freed_memory
    from radarode.data.load import load
    from radarode.evaluation import evaluate
    from radarode.frameworks import load_framework

    files, missing = real_files(data)
    keep_freed_memory()
    loaded = {name: load_framework(folder) for name, folder in weights.items()}
    with new_folder(out, overwrite=overwrite) as folder:
        cases = []
        for one, path in files:
            recording = load(path)
            for name, framework in loaded.items():
                for watcher in watchers:
                    watcher({"kind": "real", "recording": one.label, "weights": name})
                scores = evaluate(framework.reconstruct(recording), recording)
                seen = trained_on(framework.pretrained.facts, path)
                cases.append(RealCase(one, name, framework.title, scores, seen))
        results = RealResults(tuple(cases), missing)
        columns = [column for name in COLUMNS for column in columns_of(name)]
        write_tables(folder, TITLE, columns, results.rows(), results.notes(), data="real", rows_are="Weights")
        (folder / "results.json").write_text(json.dumps(_record(results, weights, command), indent=1) + "\n")
    return results


def trained_on(facts: Mapping[str, Any], path: Path) -> bool:
    """Tell whether weights name a recording, or the folder that it is in, as what they were trained on."""
    source = str(facts.get("data", ""))
    return bool(source) and Path(source).name in (path.name, path.parent.name)


def _record(results: RealResults, weights: Mapping[str, str], command: str) -> dict[str, Any]:
    import platform
    from importlib.metadata import version

    cases = [
        {
            "recording": case.recording.key,
            "weights": case.weights,
            "framework": case.framework,
            "trained_on_it": case.seen,
            **case.scores.columns(),
        }
        for case in results.cases
    ]
    return {
        "title": TITLE,
        "simulated": False,
        "notice": NOTICE,
        "command": command,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in ("radarode", "torch", "numpy", "scipy", "sleepecg")},
        "weights": sorted(weights),
        "missing": [one.key for one in results.missing],
        "cases": as_json(cases),
    }
