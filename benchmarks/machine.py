"""What a benchmark ran on: processor, memory, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("torch", "numpy", "onnxruntime", "ssqueezepy")
RESULTS = ("benchmarks/RESULTS.md", "benchmarks/results.json", "benchmarks/growth.*")


def machine() -> str:
    """Return processor, cores and memory (Linux)."""
    return describe(read("/proc/cpuinfo"), read("/proc/meminfo"), len(os.sched_getaffinity(0)))


def describe(cpuinfo: str, meminfo: str, cores: int) -> str:
    """Return the machine that the two files of /proc tell of, in a few words."""
    model = value_of(cpuinfo, "model name") or platform.machine() or "unknown processor"
    kilobytes = (value_of(meminfo, "MemTotal") or "").split()
    memory = f", {int(kilobytes[0]) / 2**20:.0f} GB of memory" if kilobytes else ""
    return f"{model}, {cores} core{'s' if cores > 1 else ''}{memory}"


def versions() -> str:
    """Return the versions of Python and of what the benchmarks compare."""
    found = [f"Python {platform.python_version()}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return ", ".join(found)


def commit() -> str:
    """Return the short commit of the working tree, and whether anything but the results has changed since."""
    head = git("rev-parse", "--short=10", "HEAD")
    if not head:
        return "no commit"
    changed = git("status", "--porcelain", "--", ".", *(f":(exclude){path}" for path in RESULTS))
    return f"{head} with changes" if changed else head


def git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def value_of(text: str, key: str) -> str | None:
    """Return what stands behind `key:` on the first such line."""
    lines = (line.partition(":") for line in text.splitlines())
    return next((value.strip() for name, _, value in lines if name.strip() == key), None)
