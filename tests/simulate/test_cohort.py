from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.simulate import Conditions, iter_recordings, person_of
from radarode.simulate.cohort import choose_cohort, mmecg_cohort, plain_cohort, simulate_member, training_cohort

SMALL = Conditions(n_channels=2)


def test_mmecg_preset_has_its_persons_and_trials():
    cohort = mmecg_cohort()
    assert cohort.n_subjects == 11
    assert cohort.n_recordings == 91
    assert cohort.duration_s == 180.0
    assert sorted(int(t) for names in cohort.trials for t in names) == list(range(1, 92))
    assert [len(names) for names in cohort.trials] == [2, 2, 12, 6, 3, 6, 9, 7, 9, 23, 12]


def test_training_preset_is_large_enough_and_varied():
    cohort = training_cohort()
    assert cohort.n_subjects == 240
    assert cohort.n_recordings == 360 + cohort.n_empty
    short = replace(cohort, duration_s=3.0, conditions=SMALL)
    recordings = list(islice(iter_recordings(short), 60))
    levels = np.array([float(r.notes["snr_db"]) for r in recordings])
    assert {r.status for r in recordings} == {"NB", "IB", "PE", "SP"}
    assert np.isinf(levels).any()
    assert levels.min() < 0
    assert len({r.subject for r in recordings}) == 40


def test_a_person_does_not_depend_on_the_size_of_the_cohort():
    small, large = plain_cohort(3, 2, 5.0), plain_cohort(3, 9, 5.0)
    a = list(iter_recordings(replace(small, conditions=SMALL)))[1]
    b = list(iter_recordings(replace(large, conditions=SMALL)))[1]
    assert np.array_equal(a.rcg, b.rcg)
    assert a.subject == b.subject == "sim-0001"
    assert person_of(3, 1).wavelets != person_of(4, 1).wavelets


def test_one_member_equals_its_place_in_the_iteration():
    cohort = replace(plain_cohort(5, 2, 4.0, n_trials=3), conditions=SMALL)
    whole = list(iter_recordings(cohort))
    alone = simulate_member(cohort, 1, 2)
    assert np.array_equal(whole[5].rcg, alone.rcg)
    assert whole[5].name == alone.name == "sim-0001-3"
    assert alone.notes["seed"] == "5"


def test_trials_of_a_person_differ():
    first, second = iter_recordings(replace(plain_cohort(5, 1, 4.0, n_trials=2), conditions=SMALL))
    assert first.subject == second.subject
    assert not np.array_equal(first.rcg, second.rcg)


def test_choices_replace_what_a_preset_says():
    cohort = choose_cohort("mmecg", 1, 1, duration_s=10.0, status="SP", conditions=SMALL)
    recording = next(iter_recordings(cohort))
    assert recording.status == "SP"
    assert recording.duration_s == 10.0
    assert recording.n_channels == 2


def test_bad_cohorts_are_refused():
    with pytest.raises(InputError, match="preset"):
        choose_cohort("nothing", 0, 1)
    with pytest.raises(InputError, match="n_subjects"):
        plain_cohort(0, 0, 60.0)
    with pytest.raises(InputError, match="seed"):
        plain_cohort(-1, 1, 60.0)
    with pytest.raises(InputError, match="duration_s"):
        plain_cohort(0, 1, float("nan"))
