import numpy as np
import pytest

from radarode.simulate import person_of
from radarode.simulate.breathing import simulate_breathing
from radarode.simulate.heart import NORMAL, SHORTEST_S, simulate_rhythm


def beat(status="NB", seed=0, person=0, duration_s=180.0, **options):
    rng = np.random.default_rng(seed)
    someone = person_of(0, person)
    breathing = simulate_breathing(someone.breathing, duration_s, status, rng)
    return simulate_rhythm(someone.heart, breathing, status, rng, **options), breathing


def test_rest_rate_is_the_persons():
    for person in range(6):
        rhythm, _ = beat(person=person)
        assert 60 / rhythm.interval_s.mean() == pytest.approx(person_of(0, person).heart.rate_bpm, rel=0.15)


def test_beats_cover_the_recording_and_leave_margins():
    for options in ({}, {"irregular": True}, {"ectopic_per_min": 3.0}):
        rhythm, _ = beat(duration_s=60.0, **options)
        assert rhythm.r_s[0] < -1.0
        assert rhythm.r_s[-1] > 61.0
        assert np.diff(rhythm.r_s).min() >= SHORTEST_S - 1e-9


def test_intervals_follow_breathing():
    rhythm, breathing = beat(status="SP", person=3, duration_s=600.0)
    lag = person_of(0, 3).heart.respiratory_phase_rad
    level = breathing.level(rhythm.r_s[1:], lag_rad=lag)
    assert np.corrcoef(level, np.diff(rhythm.r_s))[0, 1] < -0.3


def test_exercise_starts_fast_and_decays():
    for seed in range(4):
        rhythm, _ = beat("PE", seed)
        rate = 60 / np.diff(rhythm.r_s)
        assert 85 < np.mean(rate[:20]) < 140
        assert np.mean(rate[-20:]) < np.mean(rate[:20]) - 3


def test_ectopic_beats_come_early_and_are_followed_by_a_pause():
    rhythm, _ = beat(ectopic_per_min=2.0)
    early = np.flatnonzero(rhythm.kind != NORMAL)
    before, after = rhythm.r_s[early] - rhythm.r_s[early - 1], rhythm.r_s[early + 1] - rhythm.r_s[early]
    assert 2 <= len(early) <= 14
    assert np.all(after > 1.3 * before)
    plain, _ = beat()
    assert not plain.kind.any()


def test_irregular_rhythm_has_scattered_uncorrelated_intervals():
    rhythm, _ = beat(irregular=True, duration_s=300.0)
    intervals = np.diff(rhythm.r_s)
    assert 0.12 < intervals.std() / intervals.mean() < 0.3
    assert abs(np.corrcoef(intervals[:-1], intervals[1:])[0, 1]) < 0.25
    plain, _ = beat(duration_s=300.0)
    assert np.diff(plain.r_s).std() / np.diff(plain.r_s).mean() < 0.12
