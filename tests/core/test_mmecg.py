from __future__ import annotations

from radarode.core.mmecg import TRIALS, subject_of_trial


def test_published_order_of_trials():
    assert [subject_of_trial(t) for t in (1, 2, 3, 5, 16, 57, 79, 80, 91)] == [1, 1, 2, 5, 5, 29, 29, 30, 30]
    assert subject_of_trial(0) is None
    assert subject_of_trial(92) is None
    assert {subject_of_trial(t) for t in range(1, 92)} == set(TRIALS)
    assert len(TRIALS) == 11
