"""Time the start of the program: `radarode --help` and `import radarode`, neither of which may import torch.

    python benchmarks/bench_startup.py

Prints one `name: value` per line, medians of 7 behind a warm-up, the commands in turns.

    startup_help_s             the installed command `radarode --help`, from start to exit
    startup_import_s           the statement `import radarode`, within its process
    startup_import_process_s   `python -c "import radarode"`, from start to exit
    startup_python_s           `python -c pass`, which all of them contain

It fails if the help or the import loads torch.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

REPEATS = 7
COMMAND = Path(sys.executable).with_name("radarode")
TIMED_IMPORT = "import time; begin = time.perf_counter(); import radarode; print(time.perf_counter() - begin)"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True)


def whole_process(*command: str | Path) -> Callable[[], float]:
    """Return a function that gives the seconds from the start of a command to its exit."""

    def seconds() -> float:
        begin = time.perf_counter()
        run(*command)
        return time.perf_counter() - begin

    return seconds


def refuse_torch(name: str, *arguments: str | Path) -> None:
    """Stop the benchmark if a command of this Python imports torch."""
    told = run(sys.executable, "-X", "importtime", *arguments).stderr
    imported = {line.rpartition("|")[2].strip() for line in told.splitlines()}
    if "radarode" not in imported:
        sys.exit(f"startup: {name} does not import radarode, so its time says nothing")
    if "torch" in imported:
        sys.exit(f"startup: {name} imports torch")


def main() -> None:
    """Check, measure and print."""
    refuse_torch("radarode --help", COMMAND, "--help")
    refuse_torch("import radarode", "-c", "import radarode")
    ways: dict[str, Callable[[], float]] = {
        "startup_help_s": whole_process(COMMAND, "--help"),
        "startup_import_s": lambda: float(run(sys.executable, "-c", TIMED_IMPORT).stdout),
        "startup_import_process_s": whole_process(sys.executable, "-c", "import radarode"),
        "startup_python_s": whole_process(sys.executable, "-c", "pass"),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS + 1):
        for name, way in ways.items():
            times[name].append(way())
    for name, values in times.items():
        print(f"{name}: {statistics.median(values[1:]):.3f}")


if __name__ == "__main__":
    main()
