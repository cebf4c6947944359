import numpy as np
import pytest

from radarode.core.constants import BAND_HZ
from radarode.simulate.random_signals import band_power, coloured_noise
from radarode.simulate.sensor import body_movement, constant_noise, sample_sensor

CARDIAC = coloured_noise(np.random.default_rng(9), (20, 12000), 200.0, 0.0, (5.0, 15.0))


@pytest.mark.parametrize("snr_db", [15.0, 6.0, 0.0, -3.0])
def test_noise_has_the_level_asked(snr_db):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        noise = constant_noise(CARDIAC, sample_sensor(200.0, rng), snr_db, rng)
        ratio = band_power(CARDIAC, 200.0, BAND_HZ) / band_power(noise, 200.0, BAND_HZ)
        assert 10 * np.log10(np.median(ratio)) == pytest.approx(snr_db, abs=0.1)


def test_infinite_ratio_is_no_noise():
    rng = np.random.default_rng(0)
    assert not constant_noise(CARDIAC, sample_sensor(200.0, rng), np.inf, rng).any()


def test_movements_are_large_slow_and_where_they_say():
    movement, spans_s = body_movement(CARDIAC, 200.0, 6.0, np.random.default_rng(1))
    assert 2 <= len(spans_s) <= 12
    covered = np.zeros(12000, bool)
    for start_s, stop_s in spans_s:
        covered[int(start_s * 200) : int(np.ceil(stop_s * 200)) + 1] = True
    assert not movement[:, ~covered].any()
    assert movement[:, covered].std() > 1.0 * CARDIAC.std()
    assert band_power(movement, 200.0, (15.0, 100.0)).sum() < 0.05 * band_power(movement, 200.0, (0.3, 15.0)).sum()


def test_no_movement_when_the_rate_is_zero():
    movement, spans_s = body_movement(CARDIAC, 200.0, 0.0, np.random.default_rng(1))
    assert not movement.any()
    assert spans_s.shape == (0, 2)


def test_coloured_noise_has_the_slope_asked():
    x = coloured_noise(np.random.default_rng(0), (30, 20000), 200.0, 2.0, (1.0, 80.0))
    ratio = band_power(x, 200.0, (38.0, 42.0)).mean() / band_power(x, 200.0, (9.0, 11.0)).mean()
    assert ratio == pytest.approx(2 * 16, rel=0.15)
    assert x.std() == pytest.approx(1.0, abs=0.03)
