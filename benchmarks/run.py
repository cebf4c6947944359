"""Run benchmarks, show what they print, and keep their `name: value` lines in RESULTS.md beside their bars.

    make bench                         all of them
    python benchmarks/run.py sst ode   some of them; the sections of the others stay as they are
    python benchmarks/run.py --render  none; only write RESULTS.md anew, after a change of bars.toml

bars.toml names the options of a benchmark's full figures and the bars; results.json holds what RESULTS.md is made of. A
benchmark that fails keeps its old section, and the exit status is 1. A bar that is not met is told, no more.
"""

from __future__ import annotations

import argparse
import ast
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from machine import commit, machine, versions
from record import Plan, Section, dumped, loaded, page, parse_line, plans, renewed, unmet

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str] | None = None, folder: Path = FOLDER) -> int:
    """Run the benchmarks, each in a process of its own so that none inherits another's memory or threads."""
    known = sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(known)}; none is all")
    parser.add_argument("--render", action="store_true", help="run nothing, write RESULTS.md anew")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in known:
            parser.error(f"unknown benchmark {name!r}; known: {', '.join(known)}")
    planned = plans(tomllib.loads((folder / "bars.toml").read_text()))
    failed, sections = [], stored(folder)
    for name in [] if options.render else options.names or known:
        new = run(folder, name, planned.get(name, Plan()))
        if new is None:
            failed.append(name)
        else:
            sections = renewed(sections, [new])
            write(folder, sections, planned)  # after each one, so that a run cut short keeps what it has
    write(folder, sections, planned)
    for missed in unmet(sections, planned):
        print(f"bar not met: {missed}", file=sys.stderr)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(folder: Path, name: str, plan: Plan) -> Section | None:
    """Run one benchmark and pass its output on line by line; None if it fails or prints no figure."""
    script, figures, begin = folder / f"bench_{name}.py", [], time.monotonic()
    facts = {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "commit": commit()}
    facts |= {"machine": machine(), "versions": versions()}
    print(f"--- {name}", flush=True)
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, script, *plan.arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            figure = parse_line(line)
            if figure is not None:
                figures.append(figure)
    if child.returncode or not figures:
        return None
    facts["took"] = f"{time.monotonic() - begin:.0f} s"
    shown = " ".join(["python", f"benchmarks/{script.name}", *plan.arguments])
    return Section(name, shown, first_line(script), tuple(figures), facts)


def first_line(script: Path) -> str:
    """Return the first line of a script's docstring."""
    return (ast.get_docstring(ast.parse(script.read_text())) or script.stem).splitlines()[0]


def stored(folder: Path) -> list[Section]:
    """Return what earlier runs found."""
    path = folder / "results.json"
    return loaded(path.read_text()) if path.is_file() else []


def write(folder: Path, sections: list[Section], planned: Mapping[str, Plan]) -> None:
    """Write results.json and RESULTS.md, whole or not at all."""
    for path, text in ((folder / "results.json", dumped(sections)), (folder / "RESULTS.md", page(sections, planned))):
        temporary = path.with_name(f".{path.name}")
        temporary.write_text(text)
        temporary.replace(path)


if __name__ == "__main__":
    sys.exit(main())
