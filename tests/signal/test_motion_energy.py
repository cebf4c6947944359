"""What is known of people: the pattern of energy around R, at any rate, and how likely a pattern is."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.signal.beat_energy import ENERGY_HZ
from radarode.signal.motion_energy import (
    PATTERN_FRAMES,
    EnergyPrior,
    EnergySettings,
    average_pattern,
    pattern_times_s,
    systole_scale,
)


@pytest.mark.parametrize("rate_bpm", [50.0, 70.0, 110.0])
def test_pattern_does_not_depend_on_the_rate(rate_bpm: float) -> None:
    period_s = 60.0 / rate_bpm
    r_s = np.arange(2.0, 28.0, period_s)
    t = np.arange(1500) / ENERGY_HZ
    late_s = 0.35 * float(systole_scale(np.array([period_s]))[0])
    pooled = sum(np.exp(-(((t - at - late_s) / 0.04) ** 2)) for at in r_s)
    pattern = average_pattern(np.asarray(pooled), r_s, np.full(len(r_s), period_s))
    near = np.abs(pattern_times_s() - 0.35) < 0.12  # farther off, other beats are nearer
    assert pattern_times_s()[near][pattern[near].argmax()] == pytest.approx(0.35, abs=0.021)


def test_prior_knows_v2_from_v1_whichever_is_stronger(rng: np.random.Generator) -> None:
    times_s = pattern_times_s()

    def person(first: float, second: float, shift_s: float = 0.0) -> np.ndarray:
        bumps = [(0.06, first), (0.36, second)]
        return sum(h * np.exp(-(((times_s + shift_s - at) / 0.05) ** 2)) for at, h in bumps) - 0.1

    people = np.stack([person(1.0, rng.uniform(0.1, 1.5)) for _ in range(60)])
    prior = EnergyPrior.of(people + 0.02 * rng.normal(size=people.shape))
    right, wrong = person(0.5, 1.0), person(0.5, 1.0, shift_s=0.3)
    likely = prior.log_likelihood(np.stack([right, wrong, 5.0 * right]))
    assert likely[0] > likely[1] + 5.0
    assert likely[2] == pytest.approx(likely[0])
    assert float(prior.mean @ wrong) > float(prior.mean @ person(0.1, 1.0))  # a plain template would be deceived


def test_one_person_is_enough_for_a_prior() -> None:
    prior = EnergyPrior.of(np.hanning(PATTERN_FRAMES)[None])
    assert np.isfinite(prior.precision).all()


@pytest.mark.parametrize(
    "changes", [{"band_hz": (9.0, 5.0)}, {"band_hz": (5.0, 120.0)}, {"smooth_s": 0.0}, {"rates_bpm": (90.0, 50.0)}]
)
def test_settings_are_checked(changes: dict) -> None:
    with pytest.raises(InputError, match=next(iter(changes))):
        EnergySettings(**changes)
