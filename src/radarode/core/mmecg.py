"""Which trials of MMECG are whose, as published with the data set.

Reference: Chen et al., IEEE TMC 2022, doi 10.1109/TMC.2022.3214721.
"""

from __future__ import annotations

from collections.abc import Mapping

TRIALS: Mapping[int, tuple[int, int]] = {
    1: (1, 2), 2: (3, 4), 5: (5, 16), 9: (17, 22), 10: (23, 25), 13: (26, 31),
    14: (32, 40), 16: (41, 47), 17: (48, 56), 29: (57, 79), 30: (80, 91),
}  # fmt: skip
"""Subject -> first and last of its trials, which are numbered in a row."""


def subject_of_trial(trial: int) -> int | None:
    """Return the subject of an MMECG trial number, or None beyond the published 91.

    Example:
        >>> subject_of_trial(16), subject_of_trial(17), subject_of_trial(92)
        (5, 9, None)
    """
    return next((subject for subject, (first, last) in TRIALS.items() if first <= trial <= last), None)
