"""Growth: the fit, the plan, the page; and one measured point."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FACTS = {
    "machine": "M", "threads": 2, "commit": "c", "date": "d", "repeats": 5, "long": 3, "short": 2.0, "very": 20.0,
}  # fmt: skip


@pytest.fixture
def points(script: Callable[[str], ModuleType]) -> Any:
    return script("growth.points")


def made(points: Any, series: str, sizes: tuple[float, ...], power: float) -> list[Any]:
    return [points.Point(series, s, 0.01 * s**power, 5, 400 + 10 * s, 400.0) for s in sizes]


def test_the_exponent_is_that_of_the_upper_half(points: Any) -> None:
    assert points.exponent([1, 2, 4, 8, 16], [7, 7, 4, 8, 16]) == pytest.approx(1.0)
    assert points.exponent([1, 10], [1, 1000]) == pytest.approx(3.0)
    assert points.exponent([1, 2, 4], [5, 9, 9 * 2**0.5]) == pytest.approx(0.5)


@pytest.mark.parametrize(("sizes", "values"), [([1], [1]), ([], []), ([1, 2], [1, 0]), ([1, 2], [-1, 2])])
def test_nothing_to_fit(points: Any, sizes: list[float], values: list[float]) -> None:
    assert math.isnan(points.exponent(sizes, values))


def test_growth_of_a_series_in_any_order(points: Any) -> None:
    mixed = made(points, "a", (1, 2, 4, 8), 2.0)[::-1]
    growth = points.Growth.of(points.by_series(mixed)["a"])
    assert (growth.first.size, growth.last.size) == (1, 8)
    assert growth.time_exponent == pytest.approx(2.0)
    assert growth.memory_exponent == pytest.approx(1.0)  # of what is above the imports
    assert growth.seconds_per_unit == pytest.approx(0.08)


def test_the_plan_covers_all_series_and_paper_only_when_asked(script: Callable[[str], ModuleType]) -> None:
    plan, table = script("growth.plan"), script("growth.table")
    kinds = {kind for kind, _ in plan.wanted(quick=False, paper=False)}
    assert plan.PAPER_KIND not in kinds
    assert plan.PAPER_KIND in {kind for kind, _ in plan.wanted(quick=False, paper=True)}
    assert {kind for kind, _ in plan.wanted(quick=True, paper=True, only=("tasks",))} == {
        f"tasks_{one}" for one in plan.STRATEGIES
    }
    shown = {series for series in plan.LABELS if series not in ("length_reconstruct", "length_export")}
    assert kinds - {"length"} == shown - {plan.PAPER_KIND}
    for series in plan.LABELS:
        assert table.panel_of(series).name == series.split("_")[0]


def test_page_lines_and_figure(script: Callable[[str], ModuleType], points: Any, tmp_path: Path) -> None:
    plan, table, figure = script("growth.plan"), script("growth.table"), script("growth.figure")
    known = made(points, "length_reconstruct", (1, 10, 60, 600), 1.0) + made(points, "tasks_ega", (2, 4, 8), 2.0)
    lines = list(table.lines(known))
    assert "growth_length_reconstruct_time_exponent: 1.00" in lines
    assert "growth_length_reconstruct_ms_per_minute: 10" in lines
    assert "growth_tasks_ega_time_exponent: 2.00" in lines
    assert all(script("record").parse_line(line) for line in lines)
    text = table.page(known, plan.FULL, FACTS)
    assert "simulated" in text
    assert "| length of the recording (10 channels) | motion to ECG | 1 min to 10 h | size^1.00 |" in text
    assert max(map(len, text.split("| what")[0].splitlines())) <= 120
    figure.draw(tmp_path / "growth.png", known, plan.FULL, "Simulated input.")
    assert (tmp_path / "growth.png").read_bytes().startswith(b"\x89PNG")


def test_short_calls_are_repeated_and_long_ones_are_not(
    script: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    measure = script("growth.measure")
    for first, count in ((0.001, 50), (0.125, 8), (0.5, 5), (3.0, 3), (30.0, 1)):
        monkeypatch.setattr(measure, "seconds_of", lambda _, first=first: first)
        assert len(measure.repeated(lambda: None)) == count


def test_one_point_is_measured_in_its_own_process(script: Callable[[str], ModuleType]) -> None:
    path = Path(str(script("growth").__file__)).parents[1] / "bench_growth.py"
    done = subprocess.run(
        [sys.executable, path, "--one", "channels_sst", "2", "--quick"], check=True, capture_output=True, text=True
    )
    (point,) = (json.loads(line) for line in done.stdout.splitlines())
    assert (point["series"], point["size"]) == ("channels_sst", 2.0)
    assert point["repeats"] >= 5
    assert point["seconds"] > 0
    assert point["peak_mb"] > point["base_mb"] > 50
