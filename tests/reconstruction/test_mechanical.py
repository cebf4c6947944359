"""Mechanical events against the simulator's truth, and where there is nothing to find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radarode.core.types import Beats
from radarode.reconstruction.mechanical import MechanicalBeats, mechanical_beats
from radarode.reconstruction.mechanical_events import expected_s
from tests.reconstruction.mechanical_truth import Truth, simulate_truth

PEOPLE = range(8)


@pytest.fixture(scope="module")
def truths() -> list[Truth]:
    return [simulate_truth(index, status=("NB", "IB", "PE", "SP")[index % 4]) for index in PEOPLE]


@pytest.fixture(scope="module")
def truth(truths: list[Truth]) -> Truth:
    return truths[3]


def test_error_at_10_db(truths: list[Truth]) -> None:
    """Medians over people: 7 ms (v1) and 15 ms (v2) in 30 people, 3 ms without each person's constant."""
    v1, v2, steady, found = [], [], [], []
    for one in truths:
        events = mechanical_beats(one.recording, one.beats(late_s=0.02))
        for errors, peak_s, true_s in ((v1, events.v1_peak_s, one.opening_s), (v2, events.v2_peak_s, one.closure_s)):
            error_s = (peak_s - true_s)[np.isfinite(peak_s)]
            found.append(len(error_s) / len(peak_s))
            if len(error_s):
                errors.append(np.median(np.abs(error_s)))
                steady.append(np.median(np.abs(error_s - np.median(error_s))))
    assert np.median(v1) < 0.025
    assert np.median(v2) < 0.04
    assert np.median(steady) < 0.006
    assert np.mean(found) > 0.85


def test_order_and_confidence(truths: list[Truth]) -> None:
    for one in truths:
        events = mechanical_beats(one.recording, one.beats())
        both = np.isfinite(events.v1_peak_s) & np.isfinite(events.v2_peak_s)
        assert (events.v1_onset_s[both] < events.v1_peak_s[both]).all()
        assert (events.v1_peak_s[both] < events.v2_peak_s[both]).all()
        for name in ("v1", "v2"):
            confidence = getattr(events, f"{name}_confidence")
            assert ((confidence >= 0) & (confidence <= 1)).all()
            assert np.isnan(getattr(events, f"{name}_peak_s")[confidence < 0.3]).all()


def test_beside_a_reference(truth: Truth) -> None:
    events = mechanical_beats(truth.recording, truth.beats(late_s=0.03))
    assert events.pep_like_s is not None
    known = np.isfinite(events.pep_like_s)
    np.testing.assert_allclose(events.pep_like_s[known], (events.v1_peak_s - truth.r_s)[known], atol=0.006)
    np.testing.assert_array_equal(events.lvet_like_s, events.v1_v2_s)
    blind = mechanical_beats(replace(truth.recording, ecg_mv=None, r_peaks_s=None), truth.beats(late_s=0.03))
    assert blind.pep_like_s is None
    assert blind.lvet_like_s is None
    np.testing.assert_array_equal(blind.v1_peak_s, events.v1_peak_s)
    assert "pep_like_ms" in events.summary()
    assert "pep_like_ms" not in blind.summary()


def test_summary_is_in_ms(truth: Truth) -> None:
    summary = mechanical_beats(truth.recording, truth.beats()).summary()
    true_ms = 1000 * np.median(truth.closure_s - truth.opening_s)
    assert summary["v1_v2_ms"]["median"] == pytest.approx(true_ms, abs=90)
    assert 0.0 <= summary["v1_v2_ms"]["iqr"] < 60
    assert "Not validated" in summary["what"]


def test_noise_has_few_events(truth: Truth, rng: np.random.Generator) -> None:
    noise = replace(truth.recording, rcg=rng.normal(size=truth.recording.rcg.shape))
    events = mechanical_beats(noise, truth.beats())
    assert np.median(events.v1_confidence) < 0.5 * np.median(
        mechanical_beats(truth.recording, truth.beats()).v1_confidence
    )


def test_gaps_stay_empty(truth: Truth) -> None:
    rcg = truth.recording.rcg.copy()
    rcg[:, 4000:6000] = np.nan
    events = mechanical_beats(replace(truth.recording, rcg=rcg), truth.beats())
    inside = (truth.r_s > 20.0) & (truth.r_s < 30.0)
    assert np.isnan(events.v1_peak_s[inside]).all()
    assert not events.v1_confidence[inside].any()
    assert np.isfinite(events.v1_peak_s[~inside]).mean() > 0.8


@pytest.mark.parametrize("count", [0, 1, 4])
def test_too_few_beats_have_no_events(truth: Truth, count: int) -> None:
    whole = truth.beats()
    few = Beats(whole.r_s[5 : 5 + count], whole.length_s[5 : 5 + count], whole.quality[5 : 5 + count])
    events = mechanical_beats(truth.recording, few)
    assert isinstance(events, MechanicalBeats)
    assert len(events) == count
    assert np.isnan(events.v1_peak_s).all()
    assert events.summary()["v1_found"] == 0.0
    assert events.summary()["v1_v2_ms"] is None


def test_expected_places_follow_the_rate() -> None:
    assert expected_s("v1", 50) > expected_s("v1", 120) > 0
    assert expected_s("v2", 50) - expected_s("v2", 120) == pytest.approx(0.00205 * 70)
