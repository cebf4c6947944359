"""The table of the growth of every series, and its lines for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence

from growth.plan import LABELS, PANELS, Fixed, Panel, fixed_words, label
from growth.points import Growth, Point, by_series
from growth.words import megabytes, power, seconds, size_of, two_decimals

HEAD = (
    "what grows", "what runs", "sizes", "time grows as", "time, smallest", "time, largest", "per unit, largest",
    "memory grows as", "above the imports, largest", "peak, largest",
)  # fmt: skip
INPUT = "All input is simulated. {machine}; threads: {threads}. {commit}, {date}."
METHOD = (
    "Every point is a process of its own. Time is the median of at least {repeats} repetitions behind a warm-up; of "
    "{long} where one takes over {short:g} s, and a single run where it takes over {very:g} s. Peak memory is "
    "that of the whole process while it works (VmHWM) and includes what the imports take, {base}; memory "
    "*above the imports* is the rest: input, network and work. Exponents are fitted to the logarithms over "
    "the upper half of the sizes: cost that is proportional grows as size^1. The exports are written in the "
    "process that made the ECG, so their peak is not below that of making it. Live streams run in one "
    "process, one after the other, as fast as they can; their time is that of one second of every stream, "
    "from stretches of {stretch:g} s, and below 1 s they keep up with real time."
)
PICTURE = "![time and memory against size, simulated input](growth.png)"
ORIGIN = "`python benchmarks/bench_growth.py` writes this page and the picture; the points are in growth.json."


def lines(points: Sequence[Point]) -> Iterator[str]:
    """Yield `name: value` of every series."""
    for series, growth in growths(points).items():
        name = f"growth_{series.replace('-', '_')}"
        unit = panel_of(series).unit.replace("-", "_")
        yield f"{name}_time_exponent: {two_decimals(growth.time_exponent)}"
        yield f"{name}_memory_exponent: {two_decimals(growth.memory_exponent)}"
        yield f"{name}_ms_per_{unit}: {1e3 * growth.seconds_per_unit:.4g}"
        yield f"{name}_peak_memory_gb: {growth.last.peak_mb / 1024:.2f}"
        yield f"{name}_memory_above_imports_gb: {growth.last.above_mb / 1024:.3f}"


def growths(points: Sequence[Point]) -> dict[str, Growth]:
    """Return the growth of each series, in the order of the table."""
    found = by_series(points)
    return {series: Growth.of(found[series]) for series in LABELS if series in found}


def panel_of(series: str) -> Panel:
    """Return the panel that a series belongs to."""
    return next(panel for panel in PANELS if series.split("_")[0] == panel.name)


def page(points: Sequence[Point], fixed: Fixed, facts: Mapping[str, object]) -> str:
    """Return the page.

    Args:
        points: of all series.
        fixed: what stayed the same.
        facts: machine, threads, commit, date, repeats, long, short, very: of the run.
    """
    rows = [row(series, growth, fixed) for series, growth in growths(points).items()]
    cells = [HEAD, ("---",) * len(HEAD), *rows]
    table = "\n".join(f"| {' | '.join(cell)} |" for cell in cells)
    base = sorted(point.base_mb for point in points)
    between = f"{megabytes(base[0])} to {megabytes(base[-1])}" if base else "nothing"
    known = {"base": between, "stretch": fixed.stretch_s, **facts}
    said = [textwrap.fill(text.format_map(known), 120) for text in (INPUT, METHOD)]
    return "\n\n".join(["# How cost grows", *said, PICTURE, table, ORIGIN]) + "\n"


def row(series: str, growth: Growth, fixed: Fixed) -> tuple[str, ...]:
    panel, first, last = panel_of(series), growth.first, growth.last
    return (
        f"{panel.title} ({fixed_words(panel, fixed)})",
        label(series, fixed),
        f"{size_of(panel.name, first.size)} to {size_of(panel.name, last.size)}",
        power(growth.time_exponent),
        seconds(first.seconds),
        f"{seconds(last.seconds)}{'' if last.repeats > 1 else ' (1 run)'}",
        f"{seconds(growth.seconds_per_unit)} a {panel.unit}",
        power(growth.memory_exponent),
        megabytes(last.above_mb),
        megabytes(last.peak_mb),
    )
