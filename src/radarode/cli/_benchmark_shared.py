"""What the benchmark commands share: where runs take place, and how those that failed are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from cyclopts import Parameter

SOME_FAILED = 1

EngineName = Annotated[str, Parameter(help="Where the runs take place: local, ray or slurm; see docs/benchmarks.md.")]
"""Type of the option `--engine`; an unknown name is refused by `check_engine`, which suggests the nearest."""


def report_failures(failures: Mapping[str, str]) -> int:
    """Print one line per failed run on stderr; return the exit code, 0 without a failure.

    Args:
        failures: run name -> one line that says what happened.
    """
    from rich.console import Console

    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    for line in failures.values():
        errors.print(f"[bold red]error:[/] {escaped(line)}")
    return SOME_FAILED if failures else 0


def escaped(text: str) -> str:
    """Return the text with brackets that rich shows as they are."""
    from rich.markup import escape

    return escape(text)
