"""Split people, never windows: nobody stands on two sides of a split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from radarode.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Split:
    """Hold the subjects of the three sides of one fold.

    Attributes:
        train: whose windows train the network.
        validation: whose windows choose the epoch.
        test: who is touched once, at the end; may be empty.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        sides = [*self.train, *self.validation, *self.test]
        if len(set(sides)) != len(sides):
            raise InputError.of("split", "without a subject on two sides", "shared subjects")


def split_subjects(subjects: Sequence[str], *, folds: int, fold: int, validation: float, seed: int) -> Split:
    """Split subjects into training, validation and the test side of one fold.

    Subjects are shuffled by `seed`; fold k of n tests every n-th of them. The same call with another `fold` covers
    the others, so n folds test everybody once.

    Args:
        subjects: all subjects.
        folds: number of folds; 1 means no test side.
        fold: which fold, from 0.
        validation: share of the remaining subjects that validates, at least one.
        seed: for the shuffle.

    Raises:
        InputError: too few subjects for the folds, or a fold out of range.

    Example:
        >>> split = split_subjects(["a", "b", "c", "d"], folds=4, fold=0, validation=0.3, seed=1)
        >>> len(split.train), len(split.validation), len(split.test)
        (2, 1, 1)
    """
    people = sorted(set(subjects))
    if folds < 1 or not 0 <= fold < folds:
        raise InputError.of("fold", f"from 0 to folds - 1 = {folds - 1}", fold)
    needed = 2 if folds == 1 else max(3, folds)
    if len(people) < needed:
        raise InputError(
            f"{len(people)} subject(s) cannot be split {folds} fold(s) by subject; at least {needed} are needed. "
            "With one subject, set `data.validation_by` to 'time'."
        )
    order = np.random.default_rng(seed).permutation(len(people))
    shuffled = [people[i] for i in order]
    test = shuffled[fold::folds] if folds > 1 else []
    rest = [person for person in shuffled if person not in test]
    n_validation = min(max(1, round(validation * len(rest))), len(rest) - 1)
    return Split(tuple(rest[n_validation:]), tuple(rest[:n_validation]), tuple(test))
