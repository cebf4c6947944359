"""Measure how time and memory grow: with the recording's length, channels, batch, tasks and live streams.

    python benchmarks/bench_growth.py [--paper] [--only length channels ...] [--quick] [--out FOLDER] [--draw]

Prints `name: value` lines and writes growth.md (one table), growth.png (one figure) and growth.json (all points). All
input is simulated. Every point is a process of its own on two threads; growth.md says how it is measured.

    growth_SERIES_time_exponent, _memory_exponent   p of cost ~ size^p, fitted over the upper half of the sizes; memory
                                                    above that of the imports
    growth_SERIES_ms_per_UNIT                       time per unit at the largest size
    growth_SERIES_peak_memory_gb                    of the process at the largest size, imports included
    growth_SERIES_memory_above_imports_gb           the same without them

Series: length_* is motion to ECG, writing the exports of `radarode reconstruct`, and the SST alone, 1 minute to 10
hours of 10 channels; channels_* the same for 1 to 64 channels; batch_* steps of 1 to 64 windows; tasks_* steps of 2 to
8 heads on one trunk by strategy; streams_* 1 to 16 live streams of 10 (few) or 50 channels.

--paper adds training steps of `paper`; --quick is a smoke test whose figures say nothing; --draw only draws growth.json
anew. With --quick or --only the files go to a temporary folder unless --out names one.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from growth import measure
from growth.plan import FULL, PANELS, QUICK, Fixed, wanted
from growth.points import Point
from growth.words import megabytes, seconds, size_of
from machine import commit, machine

FOLDER = Path(__file__).resolve().parent


def main() -> int:
    """Measure all points and write what they say; 1 if a point could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paper", action="store_true", help="also training steps of `paper` (minutes, 10 GB)")
    parser.add_argument("--only", nargs="+", choices=[panel.name for panel in PANELS], default=(), metavar="PANEL")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, for a smoke test")
    parser.add_argument("--out", type=Path, help="folder for growth.md, .png and .json")
    parser.add_argument("--draw", action="store_true", help="measure nothing; draw growth.json anew")
    parser.add_argument("--one", nargs=2, metavar=("KIND", "SIZE"), help="one point, in this process")
    options = parser.parse_args()
    if options.one is not None:
        measure.one(options.one[0], float(options.one[1]), quick=options.quick)
        return 0
    partial = bool(options.quick or options.only)
    out = options.out or (Path(tempfile.mkdtemp(prefix="growth-")) if partial else FOLDER)
    out.mkdir(parents=True, exist_ok=True)
    if options.draw:
        report(out, **json.loads((out / "growth.json").read_text()))
        return 0
    points, failed = measured(wanted(quick=options.quick, paper=options.paper, only=tuple(options.only)), options.quick)
    if points:
        fixed = QUICK if options.quick else FULL
        report(out, facts(), asdict(fixed), [asdict(point) for point in points])
    if partial:
        print(f"written to {out}", file=sys.stderr)
    return 1 if failed else 0


def measured(todo: Sequence[tuple[str, float]], quick: bool) -> tuple[list[Point], list[str]]:
    """Measure point after point, told on standard error; return the points and what failed."""
    points: list[Point] = []
    failed: list[str] = []
    for number, (kind, size) in enumerate(todo, 1):
        found = measure.in_own_process(Path(__file__), kind, size, quick=quick)
        if not found:
            failed.append(f"{kind} {size:g}")
            print(f"[{number}/{len(todo)}] {kind} {size:g}: FAILED", file=sys.stderr)
        for point in found:
            words = f"{point.series} {size_of(kind.split('_')[0], size)}: {seconds(point.seconds)}"
            print(f"[{number}/{len(todo)}] {words}, {megabytes(point.peak_mb)}", file=sys.stderr)
        points += found
    return points, failed


def facts() -> dict[str, object]:
    """Return what is true of the whole run."""
    return {
        "machine": machine(), "threads": measure.THREADS, "commit": commit(), "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "repeats": measure.REPEATS, "long": measure.REPEATS_LONG, "short": measure.SHORT_S, "very": measure.LONG_S,
    }  # fmt: skip


def report(out: Path, facts: dict[str, object], fixed: dict[str, float], points: list[dict]) -> None:
    """Write table, figure and points, and print the figures."""
    from growth.figure import draw
    from growth.table import lines, page

    known, same = [Point(**point) for point in points], Fixed(**fixed)  # type: ignore[arg-type]
    caption = (
        f"Simulated input. p: cost grows as size^p, fitted over the upper half of the sizes. {facts['machine']}, "
        f"threads: {facts['threads']}, {facts['commit']}, {facts['date']}."
    )
    draw(out / "growth.png", known, same, caption)
    (out / "growth.md").write_text(page(known, same, facts))
    (out / "growth.json").write_text(json.dumps({"facts": facts, "fixed": fixed, "points": points}, indent=1) + "\n")
    for line in lines(known):
        print(line)


if __name__ == "__main__":
    sys.exit(main())
