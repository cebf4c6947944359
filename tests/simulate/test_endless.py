from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.simulate import Conditions, endless, person_of
from radarode.simulate.endless import endless_motion
from radarode.simulate.pace import parse_pace

CLEAN = Conditions(snr_db=math.inf, n_channels=3, movement_per_min=0.0)


def joined(n: int, pace=(), status="NB", conditions=CLEAN, seed=0) -> tuple[np.ndarray, np.ndarray]:
    blocks = list(islice(endless_motion(person_of(3, 0), status, np.random.default_rng(seed), conditions, pace), n))
    assert [block.first for block in blocks] == [4000 * k for k in range(n)]
    return np.concatenate([block.rcg for block in blocks], axis=1), np.concatenate([block.r_s for block in blocks])


def test_same_seed_gives_the_same_and_another_does_not() -> None:
    first, again, other = (joined(2, seed=seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_blocks_join_without_a_jump_or_a_beat_cut(monkeypatch) -> None:
    monkeypatch.setattr(endless, "STRETCH_S", 65.0)  # several stretches within a short test
    rcg, r_s = joined(12)
    steps = np.abs(np.diff(rcg, axis=1)).max(axis=0)
    seams = np.array([4000 * k - 1 for k in range(1, 12)])
    around = np.concatenate([steps[seam - 2 : seam + 3] for seam in seams])
    assert around.max() <= np.quantile(steps, 0.999)
    intervals_s = np.diff(r_s)
    assert 0.6 * np.median(intervals_s) < intervals_s.min()
    assert intervals_s.max() < 1.4 * np.median(intervals_s)


def test_every_beat_moves_the_chest(monkeypatch) -> None:
    monkeypatch.setattr(endless, "STRETCH_S", 65.0)
    rcg, r_s = joined(8)
    energy = np.convolve((rcg**2).sum(axis=0), np.ones(20), mode="same")
    whole = r_s[(r_s > 1) & (r_s < 158)]
    systole = [energy[round(200 * r) : round(200 * r) + 60].max() for r in whole]
    diastole = [energy[round(200 * r) - 30 : round(200 * r) - 10].max() for r in whole]
    assert np.median(diastole) < 0.3 * np.median(systole)
    assert np.mean(np.array(systole) > 0.1 * np.median(systole)) == 1.0


def test_pace_is_kept_and_a_standing_heart_moves_nothing() -> None:
    rcg, r_s = joined(9, ((0.0, 45.0), (60.0, 0.0), (120.0, 150.0)))
    slow, still, fast = r_s[r_s < 60], r_s[(r_s >= 60) & (r_s < 120)], r_s[r_s >= 120]
    assert 60 / np.diff(slow).mean() == pytest.approx(45, rel=0.05)
    assert 60 / np.diff(fast).mean() == pytest.approx(150, rel=0.05)
    assert len(still) <= 1
    power = (rcg**2).sum(axis=0)
    assert power[200 * 65 : 200 * 118].mean() < 0.05 * power[: 200 * 55].mean()


def test_noise_does_not_depend_on_the_heart_and_has_its_level_at_the_seams() -> None:
    noisy = Conditions(snr_db=0.0, n_channels=3, movement_per_min=0.0)
    still, _ = joined(6, ((0.0, 0.0),), conditions=noisy)
    levels = [still[:, start : start + 1000].std() for start in range(0, still.shape[1], 1000)]
    assert min(levels) > 0.4 * max(levels)
    assert min(levels) > 0


def test_after_exercise_the_heart_calms_down_and_stays_calm(monkeypatch) -> None:
    monkeypatch.setattr(endless, "STRETCH_S", 400.0)
    _, r_s = joined(60, status="PE", conditions=Conditions(snr_db=math.inf, n_channels=1))
    rates = [60 / np.diff(r_s[(r_s >= start) & (r_s < start + 60)]).mean() for start in range(0, 1200, 60)]
    assert rates[0] > rates[5] + 5
    assert max(rates[8:]) < rates[0]


@pytest.mark.parametrize("text", ["fast", "10", "0:70,x", "60:70,0:50", "0:nan", ""])
def test_bad_pace_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="heart_bpm"):
        parse_pace(text)


def test_bad_status_is_refused() -> None:
    with pytest.raises(InputError, match="status"):
        endless_motion(person_of(3, 0), "XX", np.random.default_rng(0))  # type: ignore[arg-type]
