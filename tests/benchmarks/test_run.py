"""The command that runs benchmarks, on small ones made for the test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

GOOD = '"""Measure {name}.\n\nMore."""\nimport sys\nprint("{name}_speed: {value}")\nprint(sys.argv[1:])\n'


@pytest.fixture
def run(script: Callable[[str], ModuleType]) -> Any:
    return script("run")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bench_one.py").write_text(GOOD.format(name="one", value="1.5 (best 2)"))
    (tmp_path / "bench_two.py").write_text(GOOD.format(name="two", value="4"))
    (tmp_path / "bars.toml").write_text('[two]\narguments = ["--full"]\n[two.bars]\ntwo_speed = { at_least = 5 }\n')
    return tmp_path


def figures(folder: Path) -> dict[str, list[list[str]]]:
    return {one["name"]: one["figures"] for one in json.loads((folder / "results.json").read_text())}


def test_all_run_with_their_options_and_print_as_they_go(run: Any, folder: Path, capsys: pytest.CaptureFixture) -> None:
    assert run.main([], folder) == 0
    told = capsys.readouterr()
    assert "one_speed: 1.5 (best 2)\n" in told.out
    assert "['--full']" in told.out
    assert "bar not met: two_speed 4 (bar ≥ 5)" in told.err
    text = (folder / "RESULTS.md").read_text()
    assert "Measure one.\n" in text
    assert "    python benchmarks/bench_two.py --full\n" in text
    assert "| `two_speed` | 4 | ≥ 5 | **no** |" in text


def test_some_renew_only_their_sections(run: Any, folder: Path) -> None:
    run.main([], folder)
    for name in ("one", "two"):
        (folder / f"bench_{name}.py").write_text(GOOD.format(name=name, value="9"))
    assert run.main(["two"], folder) == 0
    assert figures(folder) == {"one": [["one_speed", "1.5 (best 2)"]], "two": [["two_speed", "9"]]}


@pytest.mark.parametrize("broken", ['print("one_speed: 7")\nraise SystemExit(3)', 'print("nothing")'])
def test_what_fails_keeps_its_old_section(run: Any, folder: Path, broken: str, capsys: pytest.CaptureFixture) -> None:
    run.main([], folder)
    (folder / "bench_one.py").write_text(broken)
    assert run.main([], folder) == 1
    assert "failed: one" in capsys.readouterr().err
    assert figures(folder)["one"] == [["one_speed", "1.5 (best 2)"]]


def test_render_takes_new_bars_without_running(run: Any, folder: Path) -> None:
    run.main([], folder)
    (folder / "bench_two.py").write_text("raise SystemExit(1)")
    (folder / "bars.toml").write_text("[two.bars]\ntwo_speed = { at_least = 3 }\n")
    assert run.main(["--render"], folder) == 0
    assert "| `two_speed` | 4 | ≥ 3 | yes |" in (folder / "RESULTS.md").read_text()


def test_an_unknown_name_is_refused(run: Any, folder: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as stopped:
        run.main(["three"], folder)
    assert stopped.value.code == 2
    assert "known: one, two" in capsys.readouterr().err
    assert not (folder / "RESULTS.md").exists()


def test_the_machine_is_read_from_proc(script: Callable[[str], ModuleType]) -> None:
    machine = script("machine")
    text = machine.describe("processor\t: 0\nmodel name\t: Fast CPU\n", "MemTotal:       16384000 kB\n", 2)
    assert text == "Fast CPU, 2 cores, 16 GB of memory"
    assert machine.describe("", "", 1).endswith(", 1 core")
    assert machine.versions().startswith("Python 3")
