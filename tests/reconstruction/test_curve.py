"""An ECG curve becomes beats and cycles; what is no ECG becomes a gap."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.reconstruction.curve import from_curve

BEATS_S = 0.6 + 0.85 * np.arange(22) + 0.03 * np.sin(np.arange(22))


def curve(beats_s: np.ndarray = BEATS_S, width_s: float = 0.015, height: float = 1.0) -> np.ndarray:
    """Return R and T waves on a baseline of 0.2."""
    times = np.arange(4000) / 200.0
    waves = ((0.0, 0.8 * height, width_s), (0.28, 0.25 * height, 0.05))
    return 0.2 + sum(a * np.exp(-0.5 * ((times[:, None] - beats_s - at) / w) ** 2).sum(axis=1) for at, a, w in waves)


def clear() -> np.ndarray:
    return np.zeros(4000, dtype=bool)


def test_every_beat_is_found_between_the_samples_and_t_waves_are_not() -> None:
    ecg = from_curve(curve(), clear())
    assert len(ecg.beats) == len(BEATS_S)
    np.testing.assert_allclose(ecg.beats.r_s, BEATS_S, atol=0.002)
    np.testing.assert_allclose(
        ecg.beats.length_s[1:-1], 0.43 * np.diff(BEATS_S)[:-1] + 0.57 * np.diff(BEATS_S)[1:], atol=0.005
    )
    assert ecg.beats.quality.min() > 0.7


def test_every_cycle_reaches_from_0_to_1_whatever_scale_and_offset() -> None:
    ecg = from_curve(1.3 * curve() - 0.4, clear())
    known = ecg.ecg[np.isfinite(ecg.ecg)]
    assert (known.min(), known.max()) == (0.0, 1.0)
    at = np.rint(ecg.beats.r_s * 200).astype(int)
    assert ecg.ecg[at].min() > 0.9


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_flat_or_faint_curve_has_no_beats(value: float, rng: np.random.Generator) -> None:
    for failed in (np.full(4000, value), value + 0.02 * rng.standard_normal(4000), curve(height=0.05)):
        ecg = from_curve(failed, clear())
        assert len(ecg.beats) == 0
        assert np.isnan(ecg.ecg).all()
        assert ecg.gaps_s.tolist() == [[0.0, 20.0]]


def test_a_smooth_curve_needs_its_own_full_height() -> None:
    smooth = curve(width_s=0.05, height=0.5)
    assert len(from_curve(smooth, clear()).beats) == 0
    assert len(from_curve(smooth, clear(), full_height=0.12).beats) == len(BEATS_S)


def test_nothing_stands_in_a_gap_and_beats_beside_it_stay() -> None:
    missing = clear()
    missing[1600:2200] = True
    for given in (curve(), np.where(missing, np.nan, curve()), np.where(missing, 5.0, curve())):
        ecg = from_curve(given, missing)
        assert np.isnan(ecg.ecg[1600:2200]).all()
        assert not ((ecg.beats.r_s > 8.0) & (ecg.beats.r_s < 11.0)).any()
        assert len(ecg.beats) >= 17
        assert len(ecg.gaps_s) >= 1


def test_a_missing_beat_leaves_a_gap_of_its_own() -> None:
    ecg = from_curve(curve(np.delete(BEATS_S, [9, 10])), clear(), length_s=np.full(4000, 0.85))
    assert len(ecg.beats) == len(BEATS_S) - 2
    assert np.isnan(ecg.ecg[round((BEATS_S[9] + BEATS_S[10]) * 100)])


def test_a_premature_beat_stays_and_is_rated_lower() -> None:
    early = BEATS_S.copy()
    early[10] -= 0.28
    ecg = from_curve(curve(early), clear())
    np.testing.assert_allclose(ecg.beats.r_s, early, atol=0.003)
    assert ecg.beats.quality[10] < np.median(ecg.beats.quality)


def test_support_lowers_the_quality_and_drops_what_has_none() -> None:
    plain = from_curve(curve(), clear())
    half = from_curve(curve(), clear(), support=np.full(4000, 0.7))
    assert half.beats.quality.mean() < plain.beats.quality.mean()
    assert len(from_curve(curve(), clear(), support=np.full(4000, 0.2)).beats) == 0


@pytest.mark.parametrize("n", [0, 1, 30, 100])
def test_however_short(n: int) -> None:
    ecg = from_curve(curve()[:n], clear()[:n])
    assert len(ecg.ecg) == n
    assert len(ecg.beats) == 0


def test_all_missing_and_wrong_shapes() -> None:
    assert len(from_curve(np.full(4000, np.nan), clear()).beats) == 0
    with pytest.raises(InputError, match="as long as"):
        from_curve(curve(), clear()[:-1])
