"""What is scored in all folds, put together over them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from radarode.benchmark.jobs import RESULT, RUNS, read_result

KeyT = TypeVar("KeyT")


def joined_folds(folder: Path, jobs: Mapping[KeyT, Sequence[str]]) -> tuple[dict[KeyT, dict[str, Any]], list[KeyT]]:
    """Put together what the jobs say of the recordings, each of which is tested in one fold.

    Args:
        folder: of the results.
        jobs: key of a case -> names of the jobs that score it, one a fold.

    Returns:
        Key -> recording -> what the job says of it, of the cases that are done in every fold, and the keys of those
        that are done in some only.
    """
    complete: dict[KeyT, dict[str, Any]] = {}
    partial = []
    for key, names in jobs.items():
        done = [name for name in names if (folder / RUNS / name / RESULT).is_file()]
        if len(done) == len(names):
            results = [read_result(folder, name)["recordings"] for name in names]
            complete[key] = {name: one for found in results for name, one in found.items()}
        elif done:
            partial.append(key)
    return complete, partial


def incomplete_note(partial: Sequence[str]) -> list[str]:
    """Return a sentence about the cases that lack a fold, or nothing where there are none."""
    return [f"Left out, since not every fold is done: {'; '.join(partial)}."] * bool(partial)
