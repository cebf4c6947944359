"""Name the metrics of a recording and take their medians over recordings and subjects."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from radarode.core.types import COLUMNS, Recording, Scores
from radarode.metrics.shape import nanmedian

METRICS = (
    "f1", "precision", "recall", "mdr", "ppi_error_ms", "r_timing_ms", "hr_error_bpm",
    "pcc", "rmse_mv", "pcc_longterm", "rmse_longterm_mv",
    "q_error_ms", "s_error_ms", "t_error_ms", "coverage", "n_beats",
)  # fmt: skip
"""Names of the metrics of every column, in order."""

FAILED_PCC = 0.6
"""A recovery with a lower PCC counts as failed (the noise tables of arXiv 2410.08656)."""


@dataclass(frozen=True, slots=True)
class Medians(Scores):
    """Hold medians over recordings, and over how many of them: what is undefined (NaN) has no place in a median.

    Failures are undefined (a recording without a matched beat has no timing error), so a median over fewer
    recordings than there are looks better than it is. Wherever it is shown, `scored` stands beside it.

    Attributes:
        n_recordings: number of recordings.
        scored: per column and metric, in how many of them it is defined.
    """

    n_recordings: int
    scored: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Summary:
    """Hold medians over recordings.

    Attributes:
        overall: medians over all recordings.
        subjects: medians over the recordings of each subject, in order of first appearance.
        n_recordings: number of recordings of each subject.
        n_failed: number of recordings with a PCC below `FAILED_PCC`, per column.
    """

    overall: Medians
    subjects: Mapping[str, Medians]
    n_recordings: Mapping[str, int]
    n_failed: Mapping[str, int]


def summarise(cases: Sequence[tuple[Recording, Scores]]) -> Summary:
    """Take medians over all recordings and over those of each subject.

    Args:
        cases: recordings with their scores.

    Returns:
        The summary; every entry NaN where there are no cases.
    """
    subjects: dict[str, list[Scores]] = {}
    for recording, scores in cases:
        subjects.setdefault(recording.subject, []).append(scores)
    everything = [scores for _, scores in cases]
    return Summary(
        overall=_medians(everything),
        subjects={name: _medians(scores) for name, scores in subjects.items()},
        n_recordings={name: len(scores) for name, scores in subjects.items()},
        n_failed={
            column: sum(getattr(scores, column)["pcc"] < FAILED_PCC for scores in everything) for column in COLUMNS
        },
    )


def as_json(scores: Scores) -> dict[str, dict[str, float | int | None]]:
    """Return the columns as plain JSON values: NaN becomes None, counts become integers."""
    return {
        column: {name: _json_value(name, value) for name, value in values.items()}
        for column, values in scores.columns().items()
    }


def _json_value(name: str, value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    return int(value) if name == "n_beats" and float(value).is_integer() else float(value)


def _medians(scores: Sequence[Scores]) -> Medians:
    values = {
        column: {key: [getattr(one, column).get(key, math.nan) for one in scores] for key in METRICS}
        for column in COLUMNS
    }
    medians = {column: {key: nanmedian(each) for key, each in metrics.items()} for column, metrics in values.items()}
    scored = {
        column: {key: sum(map(math.isfinite, each)) for key, each in metrics.items()}
        for column, metrics in values.items()
    }
    return Medians(**medians, n_recordings=len(scores), scored=scored)
