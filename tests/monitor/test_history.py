"""History keeps the newest columns under their numbers, in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest

from radarode.monitor.history import MAX_EVENTS, Event, History, Ring, decode_frames, encode_frames, gaps_s
from tests.monitor.fakes import FREQS_HZ, make_update, silent_update

MOTION = np.zeros(100, np.float32)


def test_a_ring_gives_back_what_was_put_in_across_its_end() -> None:
    ring = Ring(10)
    for first in range(0, 36, 4):
        ring.append(first, np.arange(first, first + 4, dtype=np.float32))
    first, values = ring.read(0, 100)
    assert (first, ring.start, ring.end) == (26, 26, 36)
    np.testing.assert_array_equal(values[0], np.arange(26, 36))
    first, values = ring.read(30, 33)
    assert (first, values[0].tolist()) == (30, [30, 31, 32])


@pytest.mark.parametrize("end", [0, 20, 26])
def test_a_stretch_that_is_no_longer_kept_is_empty(end: int) -> None:
    ring = Ring(10)
    ring.append(0, np.arange(36.0))
    assert ring.read(0, end)[1].shape == (1, 0)


def test_a_ring_fills_what_was_left_out() -> None:
    ring = Ring(100, rows=2)
    ring.append(0, np.ones((2, 5)))
    ring.append(8, np.ones((2, 2)))
    _, values = ring.read(0, 100)
    assert np.isnan(values).sum(axis=1).tolist() == [3, 3]
    assert np.isnan(values[:, 5:8]).all()


def test_a_jump_beyond_the_ring_begins_it_anew() -> None:
    ring = Ring(10)
    ring.append(0, np.ones(5))
    ring.append(10**12, np.full(3, 2.0))
    first, values = ring.read(0, 10**13)
    assert (first, values[0].tolist()) == (10**12, [2, 2, 2])


def test_more_than_the_ring_at_once_keeps_the_newest() -> None:
    ring = Ring(10)
    ring.append(5, np.arange(5.0, 105.0))
    first, values = ring.read(0, 1000)
    assert (first, values[0, 0], values[0, -1]) == (95, 95, 104)


def test_what_is_given_back_is_a_copy() -> None:
    ring = Ring(10)
    ring.append(0, np.ones(5))
    ring.read(0, 5)[1][:] = 7
    assert ring.read(0, 5)[1].tolist() == [[1] * 5]


def test_frames_keep_their_look(rng: np.random.Generator) -> None:
    frames = (rng.random((71, 50)) ** 4 * 10 ** rng.uniform(-12, 12, 50)).astype(np.float32)
    frames[:, 3] = 0
    levels, scale = encode_frames(frames)
    again = decode_frames(levels, scale)
    assert levels.dtype == np.uint8
    assert (np.abs(again - frames) <= 0.005 * frames.max(axis=0)).all()


def test_frames_that_are_not_numbers_are_empty() -> None:
    levels, scale = encode_frames(np.array([[np.nan, np.inf, -1.0]], np.float32))
    assert decode_frames(levels, scale).tolist() == [[0.0, 0.0, 0.0]]


def filled(hops: int = 60, minutes: float = 1.0) -> History:
    history = History(minutes, len(FREQS_HZ))
    for hop in range(hops):
        history.append(make_update(hop), MOTION)
    return history


def test_parts_of_updates_join() -> None:
    history = filled()
    _, drawn = history.samples(history.drawn, 0, 1000)
    assert len(drawn) == 60 * 100 - 500
    assert not np.isnan(drawn).any()
    assert np.flatnonzero(drawn > 0.99).tolist() == list(range(0, len(drawn), 200))
    first, frames = history.frames(10, 20)
    assert (first, frames.shape) == (300, (len(FREQS_HZ), 300))
    np.testing.assert_array_equal(history.beats(3, 6).r_s, [3, 4, 5])


def test_memory_is_bounded_over_days() -> None:
    history = History(1.0, len(FREQS_HZ))
    far = 10_000_000
    for hop in range(far, far + 400):
        history.append(make_update(hop), MOTION)
    for number in range(3 * MAX_EVENTS):
        history.mark(Event(number, "x"))
    first, drawn = history.samples(history.drawn, 0, 1e12)
    assert len(drawn) == 12000
    assert first == history.drawn.end - 12000
    assert len(history.beats(0, 1e12)) <= 300
    assert len(history.events(0, 1e12)) == MAX_EVENTS


def test_a_silent_update_changes_nothing() -> None:
    history = filled()
    before = history.samples(history.drawn, 0, 1000)[1]
    history.append(silent_update(60), np.empty(0, np.float32))
    np.testing.assert_array_equal(history.samples(history.drawn, 0, 1000)[1], before)


def test_the_export_is_the_settled_ecg_with_its_own_time() -> None:
    start_s, ecg = filled().ecg(10 / 60)
    assert start_s == pytest.approx(15.0)
    assert ecg.duration_s == pytest.approx(10.0)
    np.testing.assert_allclose(ecg.beats.r_s, np.arange(10))
    assert [ecg.ecg[round(200 * r)] for r in ecg.beats.r_s] == pytest.approx([1] * 10)


def test_before_anything_has_settled_the_export_is_empty() -> None:
    assert len(filled(hops=3).ecg(1.0)[1].ecg) == 0


def test_gaps_are_stretches_of_nan() -> None:
    ecg = np.zeros(1000)
    ecg[:200] = ecg[400:600] = ecg[999] = np.nan
    np.testing.assert_allclose(gaps_s(ecg), [[0, 1], [2, 3], [4.995, 5]])
    assert gaps_s(np.zeros(5)).shape == (0, 2)
