"""The whole protocol on a folder in the layout of MMECG: folds by person, all frameworks, all benchmarks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from radarode.benchmark.claim import MANIFEST
from radarode.benchmark.engines import check_engine
from radarode.benchmark.frameworks.recordings import recording_facts
from radarode.benchmark.jobs import check_processes
from radarode.benchmark.longterm.run import LongtermResults, run_longterm
from radarode.benchmark.noise.run import NoiseResults, run_noise
from radarode.benchmark.protocol.folds import check_tested_once, tested_folds
from radarode.benchmark.protocol.settings import LEAVE_SUBJECTS_OUT, PARTS, ProtocolSettings, number_of_folds
from radarode.core.config import suggestion
from radarode.core.errors import InputError
from radarode.core.files import atomic_path
from radarode.core.notice import NOTICE
from radarode.data.mmecg_folder import MmecgFolder, check_mmecg_folder
from radarode.data.splits import Split

RECORD, FOLDS = "protocol.json", "folds.csv"

Watcher = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Say what is done of the protocol, and how.

    Attributes:
        folds: a number as text, or "leave-subjects-out".
        frameworks: some of the configured ones; None runs all.
        parts: some of `PARTS`.
        allow_missing: work on a part of the trials.
        ignore_ids: go by the published order of trials where a file's id differs.
        processes: jobs at a time.
        engine: where the jobs run.
        command: what was typed, for the record.
        watchers: called with records of kind "part", "store" and "jobs".
    """

    folds: str = LEAVE_SUBJECTS_OUT
    frameworks: tuple[str, ...] | None = None
    parts: tuple[str, ...] = PARTS
    allow_missing: bool = False
    ignore_ids: bool = False
    processes: int = 2
    engine: str = "local"
    command: str = ""
    watchers: tuple[Watcher, ...] = ()

    def __post_init__(self) -> None:
        for part in self.parts:
            if part not in PARTS:
                raise InputError(f"unknown part `{part}`. {suggestion(part, PARTS)}")
        if not self.parts:
            raise InputError.of("parts", f"one or more of {', '.join(PARTS)}", "none")
        check_processes(self.processes)
        check_engine(self.engine)


@dataclass(slots=True, eq=False)
class ProtocolResults:
    """Hold what the protocol gives.

    Attributes:
        data: the folder that was used.
        settings: of every part, with the folds.
        splits: who trains, validates and is tested in every fold.
        longterm: over whole recordings; None where that part was left out.
        noise: under noise; None where that part was left out.
        failures: part and run -> one line.
    """

    data: MmecgFolder
    settings: ProtocolSettings
    splits: tuple[Split, ...] = ()
    longterm: LongtermResults | None = None
    noise: NoiseResults | None = None
    failures: dict[str, str] = field(default_factory=dict)


def run_all(settings: ProtocolSettings, out: Path | str, data: Path | str, plan: Plan) -> ProtocolResults:
    """Run every part, each in a folder of its own below `out`; what is done there is kept.

    The folds are by person and cover everybody. Each framework is trained once per fold and seed; the parts share the
    networks. The tables of a part are over the merged folds, in which every recording is tested exactly once.

    Args:
        settings: of the parts; their folds are set by the plan.
        out: result folder, new or of an earlier call.
        data: folder in the layout of MMECG.
        plan: what is done.

    Raises:
        FileNotFoundError: there is no folder of data.
        InputError: the data are not MMECG's, or `out` belongs to something else.
        WorkInterruptedError: Ctrl-C; the same call goes on.
    """
    place = Path(out)
    _refuse_foreign(place)
    checked = check_mmecg_folder(data, allow_missing=plan.allow_missing, ignore_ids=plan.ignore_ids)
    folded = settings.with_folds(number_of_folds(plan.folds, len(checked.subjects)))
    results = ProtocolResults(checked, folded)
    frameworks = folded.longterm.chosen(plan.frameworks)
    place.mkdir(parents=True, exist_ok=True)
    if not (place / RECORD).is_file():  # that of an earlier call stays, should this one be refused
        _write_record(place, results, plan)
    for part in (one for one in PARTS if one in plan.parts):
        for watcher in plan.watchers:
            watcher({"kind": "part", "part": part})
        first = place / PARTS[0]
        trained = first if part != PARTS[0] and (first / MANIFEST).is_file() else None
        _run_part(part, results, place, trained, plan, frameworks)
    _write_record(place, results, plan)
    return results


def _run_part(
    part: str, results: ProtocolResults, place: Path, trained: Path | None, plan: Plan, frameworks: Sequence[str]
) -> None:
    """Run one part and hold its merged folds against the recordings."""
    options: dict[str, Any] = {
        "data": results.data.path,
        "frameworks": frameworks,
        "trained": trained,
        "processes": plan.processes,
        "engine": plan.engine,
        "command": plan.command,
        "watchers": plan.watchers,
    }
    folder = place / part
    if part == "longterm":
        found = results.longterm = run_longterm(results.settings.longterm, folder, **options)
    else:
        found = results.noise = run_noise(results.settings.noise, folder, **options)
    results.failures |= {f"{part}: {name}": text for name, text in found.failures.items()}
    check_tested_once(folder, found.cases.values())
    results.splits = tested_folds(folder, getattr(results.settings, part), frameworks)
    _write_folds(place / FOLDS, results, recording_facts(folder))


def _refuse_foreign(place: Path) -> None:
    if place.exists() and not place.is_dir():
        raise InputError(f"{place} is not a folder. Choose another output.")
    if place.is_dir() and any(place.iterdir()) and not (place / RECORD).is_file():
        raise InputError(f"{place} is not empty and was not made by this command. Choose another output.")


def _write_record(place: Path, results: ProtocolResults, plan: Plan) -> None:
    data = results.data
    record = {
        "title": f"Frameworks on {data.kind}, {results.settings.longterm.data.folds} folds by person",
        "simulated": data.simulated,
        "notice": NOTICE,
        "command": plan.command,
        "data": data.describe(),
        "missing_trials": list(data.missing),
        "folds": [
            {"train": split.train, "validation": split.validation, "test": split.test} for split in results.splits
        ],
        "failures": sorted(results.failures),
    }
    with atomic_path(place / RECORD) as path:
        path.write_text(json.dumps(record, indent=1) + "\n")


def _write_folds(path: Path, results: ProtocolResults, facts: Sequence[dict[str, Any]]) -> None:
    """Write one line per recording: the fold that it is tested in."""
    kind = "simulated" if results.data.simulated else "mmecg"
    lines = [["recording", "data", "person", "status", "tested_in_fold"]]
    for number, split in enumerate(results.splits):
        tested = [one for one in facts if one["subject"] in split.test]
        lines += [[f"{o['subject']}-{o['trial']}", kind, o["subject"], o["status"], str(number + 1)] for o in tested]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(lines)
