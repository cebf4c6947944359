"""Folds put together: what is done in every one, what in some only."""

from __future__ import annotations

import json
from pathlib import Path

from radarode.benchmark.frameworks.folds import incomplete_note, joined_folds
from radarode.benchmark.jobs import RESULT, RUNS


def test_only_what_is_done_in_every_fold_is_put_together(tmp_path: Path) -> None:
    for job, recordings in {"a-0": {"P1": 1, "P2": 2}, "a-1": {"P3": 3}, "b-1": {"P3": 4}}.items():
        (tmp_path / RUNS / job).mkdir(parents=True)
        (tmp_path / RUNS / job / RESULT).write_text(json.dumps({"recordings": recordings}))
    jobs = {("a", 1): ["a-0", "a-1"], ("b", 1): ["b-0", "b-1"], ("c", 1): ["c-0", "c-1"]}
    complete, partial = joined_folds(tmp_path, jobs)
    assert complete == {("a", 1): {"P1": 1, "P2": 2, "P3": 3}}
    assert partial == [("b", 1)]


def test_what_lacks_a_fold_is_named() -> None:
    assert incomplete_note(["b, seed 1", "c, seed 2"]) == [
        "Left out, since not every fold is done: b, seed 1; c, seed 2."
    ]
    assert incomplete_note([]) == []
