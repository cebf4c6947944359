"""What benchmarks print becomes a page: lines, bars, sections that are kept."""

from __future__ import annotations

import doctest
import math
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture
def record(script: Callable[[str], ModuleType]) -> Any:
    return script("record")


def section(record: Any, name: str, *figures: tuple[str, str], **facts: str) -> Any:
    return record.Section(name, f"python benchmarks/bench_{name}.py", f"About {name}.", figures, facts)


@pytest.mark.parametrize("name", ["record", "machine", "growth.points", "growth.words"])
def test_doctests(script: Callable[[str], ModuleType], name: str) -> None:
    assert doctest.testmod(script(name)).failed == 0


def test_lines_of_every_benchmark_are_understood(record: Any) -> None:
    assert record.parse_line("deform_ratio_128x71x120: 2.31\n") == ("deform_ratio_128x71x120", "2.31")
    assert record.parse_line("onnx_native_ms_per_window_batch1: 6.1 (best 5.9)")[1] == "6.1 (best 5.9)"
    assert record.parse_line("recording: SIMULATED") == ("recording", "SIMULATED")


@pytest.mark.parametrize(
    "line", ["", "Traceback (most recent call last):", "a: ", "[1/3] length 1 min: 2 s", "Two words: 3"]
)
def test_other_lines_are_no_figures(record: Any, line: str) -> None:
    assert record.parse_line(line) is None


@pytest.mark.parametrize(
    ("value", "number"), [("12", 12.0), ("-1.5e-3", -1.5e-3), (".5 s", 0.5), ("3 (lowest 1)", 3.0), ("1e3", 1000.0)]
)
def test_numbers(record: Any, value: str, number: float) -> None:
    assert record.number_of(value) == number


@pytest.mark.parametrize("value", ["nan", "skipped", "1.2.3", "8x", "inf"])
def test_no_numbers(record: Any, value: str) -> None:
    assert math.isnan(record.number_of(value))


def test_bars(record: Any) -> None:
    least, most = record.Bar("a", at_least=8), record.Bar("a", at_most=2.5)
    assert [least.met(value) for value in ("8", "8.01 (best 9)", "7.99", "nan", "no")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert [most.met(value) for value in ("2.5", "0", "2.51", "nan")] == [True, True, False, False]
    with pytest.raises(ValueError, match="either"):
        record.Bar("a")
    with pytest.raises(ValueError, match="either"):
        record.Bar("a", at_least=1, at_most=2)


def test_every_fitting_figure_is_judged_and_a_missing_one_is_not_met(record: Any) -> None:
    plan = record.Plan(bars=(record.Bar("ratio_*", at_most=2.5), record.Bar("speed", at_least=1)))
    rows = record.judged(section(record, "a", ("ratio_1", "2"), ("ratio_2", "3"), ("other", "9")), plan)
    assert [(name, met) for name, _, _, met in rows] == [
        ("ratio_1", True), ("ratio_2", False), ("other", True), ("speed", False),
    ]  # fmt: skip
    assert len(record.unmet([section(record, "a", ("ratio_2", "3"), ("speed", "2"))], {"a": plan})) == 1


def test_page(record: Any) -> None:
    plan = record.Plan(more="See there.", bars=(record.Bar("speed", at_least=2, says="over | the peer"),))
    one = section(record, "b", ("speed", "1"), date="2026-01-01", commit="aaa", machine="M", versions="V", took="3 s")
    two = section(record, "a", ("share", "0.5"), date="2026-02-01", commit="bbb", machine="N", versions="V", took="9 s")
    text = record.page([one, two], {"b": plan})
    assert text.index("## a") < text.index("## b")
    assert "- date: 2026-02-01\n- commit: bbb\n- machine: N\n- versions: V\n" in text
    assert "0 of 1 bars are met." in text
    assert "only\nratios within one run compare" in text
    assert "| `speed` | 1 | ≥ 2: over \\| the peer | **no** |" in text
    assert "| `share` | 0.5 |  |  |" in text
    assert "2026-01-01, aaa, took 3 s, M. See there." in text  # another machine than that at the top
    assert "    python benchmarks/bench_b.py" in text


def test_sections_survive_json_and_only_the_new_ones_change(record: Any) -> None:
    old = [section(record, "a", ("x", "1"), date="1"), section(record, "b", ("y", "2"), date="1")]
    assert record.loaded(record.dumped(old)) == old
    new = record.renewed(old, [section(record, "b", ("y", "3"), date="2"), section(record, "c", ("z", "4"))])
    assert [(one.name, one.figures[0][1]) for one in new] == [("a", "1"), ("b", "3"), ("c", "4")]
    assert (
        record.page(old, {}).split("## b")[0].split("## a")[1] == record.page(new, {}).split("## b")[0].split("## a")[1]
    )


def test_plans(record: Any) -> None:
    table = tomllib.loads('[t]\narguments = ["--x"]\n[t.bars]\n"r_*" = { at_most = 2, says = "s" }\n')
    (plan,) = record.plans(table).values()
    assert plan.arguments == ("--x",)
    assert plan.bars == (record.Bar("r_*", at_most=2, says="s"),)
    with pytest.raises(ValueError, match="unknown argument"):
        record.plans({"t": {"argument": []}})
    with pytest.raises(ValueError, match="atmost"):
        record.plans({"t": {"bars": {"r": {"atmost": 2}}}})


def test_the_bars_belong_to_benchmarks_that_exist(record: Any) -> None:
    folder = Path(record.__file__).parent
    for name in record.plans(tomllib.loads((folder / "bars.toml").read_text())):
        assert (folder / f"bench_{name}.py").is_file()
