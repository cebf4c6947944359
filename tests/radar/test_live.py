"""Extraction while frames come in, against the offline chain; all scenes are simulated."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.backprojection import RangeBasis, span_of
from radarode.radar.chain import Findings, Places, extract_motion, find_places
from radarode.radar.channels import virtual_channels
from radarode.radar.extracted import ExtractSettings
from radarode.radar.grid import VoxelGrid
from radarode.radar.holes import bridge, missing_channels
from radarode.radar.live import LiveExtractor, Moved
from radarode.radar.live_holes import HoleBridge
from radarode.radar.live_motion import AHEAD, MotionStream
from radarode.radar.motion import point_motion
from tests.radar.scene import CLUTTER, ArrayCapture, Target, beat_signals, person, small_radar
from tests.radar.test_chain import FEW, N, quick

SETTINGS = ExtractSettings(grid=FEW)


@cache
def scene() -> ArrayCapture:
    return quick()[0]


@cache
def offline() -> tuple[Places, np.ndarray]:
    places = find_places(scene(), SETTINGS, Findings([], {}))
    return places, point_motion(places.source, places.points_m, places.path_m, places.edges)


def pushed(live: LiveExtractor, frames: np.ndarray, lost: np.ndarray | None = None, step: int = 37) -> list[Moved]:
    """Push frames in pieces and check that what comes out is in order and without overlap."""
    share = np.zeros(len(frames)) if lost is None else lost
    found = [
        one for at in range(0, len(frames), step) for one in live.push(frames[at : at + step], share[at : at + step])
    ]
    ends = [one.first + one.displacement_m.shape[1] for one in found]
    assert all(end <= one.first for end, one in zip(ends[:-1], found[1:], strict=True))
    return found


def joined(found: list[Moved]) -> np.ndarray:
    return np.concatenate([one.displacement_m for one in found], axis=1)


@pytest.mark.parametrize("step", [1, 20, 333])
def test_equals_the_offline_chain_at_the_same_points(step: int) -> None:
    places, whole = offline()
    live = LiveExtractor(scene().radar, SETTINGS, places=places)
    n = N if step > 1 else 600
    found = joined(pushed(live, scene().frames[:n], step=step) + live.finish())
    assert found.shape == (len(places.points_m), n)
    one, other = np.diff(found), np.diff(whole[:, :n])
    assert np.abs(one - other).max() < 0.1 * np.abs(other).max()
    assert min(np.corrcoef(a, b)[0, 1] for a, b in zip(one, other, strict=True)) > 0.999


def test_the_warm_up_comes_first_and_equals_the_offline_extraction_of_it() -> None:
    live = LiveExtractor(scene().radar, SETTINGS, warmup_s=10.0)
    found = pushed(live, scene().frames)
    early = extract_motion(ArrayCapture(scene().radar, scene().frames[:2035]), SETTINGS)  # 55 pushes of 37
    assert found[0].first == 0
    assert found[0].displacement_m.shape == (len(early.positions_m), 2035 - AHEAD)
    np.testing.assert_allclose(found[0].displacement_m, early.displacement_m[:, : 2035 - AHEAD], atol=2e-6)
    assert joined(found + live.finish()).shape[1] == N
    assert live.searches == 1
    assert live.channels == len(early.positions_m)
    assert live.facts["person"] == early.facts["person"]
    assert "following" in live.progress


def test_short_losses_are_bridged_and_long_ones_become_gaps() -> None:
    places, whole = offline()
    rng, lost = np.random.default_rng(0), np.zeros(N)
    for at in rng.permutation(np.arange(20, 1380, 8))[:80]:
        lost[at : at + rng.integers(1, 4)] = 0.5
    lost[1500:1560] = 1.0
    frames = scene().frames.copy()
    frames[lost > 0, 1:, 2:] = 0
    frames[1500:1560] = 0
    live = LiveExtractor(scene().radar, SETTINGS, places=places)
    found = joined(pushed(live, frames, lost) + live.finish())
    gap = np.isnan(found[0])
    assert gap[1500:1560].all()
    assert gap.sum() == 60
    steps, truth = np.diff(found), np.diff(whole)
    whole_steps = np.isfinite(steps[0])
    assert min(np.corrcoef(a[whole_steps], b[whole_steps])[0, 1] for a, b in zip(steps, truth, strict=True)) > 0.99
    assert np.abs(found[:, 1600] - found[:, 1490] - whole[:, 1600] + whole[:, 1490]).max() < 3e-4


def test_holes_are_bridged_as_in_a_file_and_good_frames_do_not_wait() -> None:
    rng, radar = np.random.default_rng(1), scene().radar
    lost = np.where(rng.uniform(size=N) < 0.1, 0.3, 0.0)
    frames = scene().frames.copy()
    for at in np.flatnonzero(lost):
        frames[at, rng.integers(3), rng.integers(4)] = 0
    missing = missing_channels(frames, lost, radar)
    offline_channels = virtual_channels(frames, radar)
    gaps = bridge(offline_channels, missing, longest=4)
    live, parts = HoleBridge(200.0), []
    channels = virtual_channels(frames, radar)
    for at in range(0, N, 7):
        parts.append(live.push(channels[at : at + 7], missing[at : at + 7]))
        assert live.waiting <= live.ahead + 7
    parts.append(live.flush())
    values, found, bridged = (np.concatenate(part) for part in zip(*parts, strict=True))
    np.testing.assert_allclose(values, offline_channels, atol=1e-4)
    np.testing.assert_array_equal(found, gaps)
    np.testing.assert_array_equal(bridged, missing.any(axis=1))
    clean = HoleBridge(200.0)
    assert len(clean.push(channels[:5], np.zeros_like(missing[:5]))[0]) == 5


def test_frames_that_never_arrive() -> None:
    places, _ = offline()
    live = LiveExtractor(scene().radar, SETTINGS, places=places)
    before = pushed(live, scene().frames[:1000])
    dark = live.gap(300)
    after = pushed(live, scene().frames[1300:])
    found = joined([*before, *dark, *after, *live.finish()])
    assert found.shape[1] == N
    assert np.isnan(found[:, 1000:1300]).all()
    assert np.isfinite(found[:, :1000]).all()
    assert np.isfinite(found[:, 1300:]).all()
    late = LiveExtractor(scene().radar, SETTINGS, warmup_s=8.0)
    assert late.gap(400) == []  # a receiver that joins in the middle of the stream
    assert pushed(late, scene().frames[400:2010])[0].first == 400
    assert live.gap(10_000) == []
    later = pushed(live, scene().frames[:400])
    assert later[0].first == N + 10_000
    assert np.isfinite(joined(later)).all()
    live.restart()
    assert pushed(live, scene().frames[:400])[0].first == 0


def test_a_fade_is_made_up_for() -> None:
    radar, n = small_radar(samples=32), 1200
    moved = 4e-3 * np.sin(2 * np.pi * 0.5 * np.arange(n) / 200)
    point = np.array([[0.0, 0.0, 0.45]])
    frames = beat_signals(radar, [Target((0.0, 0.0, 0.45), 1.0, moved)], n, 0.0, np.random.default_rng(0))
    level = np.ones(n)
    level[660:730] = 0.02  # 70 frames at the turning point of the motion
    frames *= level[:, None, None, None].astype(np.float32)
    basis = RangeBasis.over(span_of(point, radar), radar)
    stream = MotionStream(basis, point)
    coefficients = basis.compress(virtual_channels(frames, radar))
    nothing = np.zeros(n, dtype=bool)
    parts = [stream.push(coefficients[at : at + 10], nothing[at : at + 10]) for at in range(0, n, 10)]
    found = np.concatenate([*parts, stream.flush()], axis=1)[0]
    assert np.abs(np.diff(found)).max() < 3e-3
    error = (found - found[0]) - (moved - moved[0])
    assert np.abs(error[:650]).max() < 1e-4
    assert np.abs(error[800:] - np.round(error[800:] / radar.wavelength_m * 2) * radar.wavelength_m / 2).max() < 1e-4
    assert np.abs(error[800:]).max() < 1e-4


def test_a_person_who_comes_later_and_goes() -> None:
    radar, rng = small_radar(samples=32), np.random.default_rng(5)
    targets, _ = person(radar, 5000, 0.45, rng)
    empty = beat_signals(radar, CLUTTER, 3600, 0.3, rng)
    live = LiveExtractor(radar, SETTINGS, warmup_s=10.0)
    assert pushed(live, empty) == []
    assert "nobody is in view" in live.progress
    came = pushed(live, beat_signals(radar, targets + CLUTTER, 5000, 0.3, rng))
    assert 1500 <= came[0].first <= 3600
    assert came[-1].first + came[-1].displacement_m.shape[1] == 3600 + 5000 - AHEAD
    channels, searches = live.channels, live.searches
    gone = pushed(live, np.concatenate([empty, empty]))
    assert "nobody is in view" in live.progress
    last = gone[-1].first + gone[-1].displacement_m.shape[1]
    assert last < 8600 + 7000
    assert live.searches > searches
    again = pushed(live, beat_signals(radar, targets + CLUTTER, 5000, 0.3, rng))
    assert again[0].first > last
    assert again[0].displacement_m.shape[0] == channels
    moved = joined([*came, *gone, *again])
    assert np.abs(np.diff(moved)).max() < radar.wavelength_m


def test_a_person_who_shifts_is_followed_without_a_jump() -> None:
    rng, radar, n = np.random.default_rng(5), small_radar(samples=32), 8000
    targets, _ = person(radar, n, 0.45, rng)
    shift = 0.08 / (1 + np.exp(-(np.arange(n) - 4000) / 60))
    moving = [replace(target, moved_m=target.moved_m + shift) for target in targets]
    frames = beat_signals(radar, moving + CLUTTER, n, 1.0, rng)
    grid = VoxelGrid((-0.1, 0.1), (0.0, 0.1), (0.38, 0.62), (3, 2, 7))
    live = LiveExtractor(radar, ExtractSettings(grid=grid), warmup_s=12.0)
    found = joined(pushed(live, frames))
    follower = live._follower
    assert follower is not None
    assert 0.03 < follower.shift_m[2] < 0.13
    assert np.abs(np.diff(found)).max() < 1.5e-3
    assert found[0, 7000] - found[0, 3000] == pytest.approx(0.08, abs=0.015)


def test_memory_is_bounded() -> None:
    places, _ = offline()
    live = LiveExtractor(scene().radar, SETTINGS, places=places)
    sizes = []
    for _ in range(4):
        pushed(live, scene().frames, np.where(np.arange(N) % 9 == 0, 0.5, 0.0), step=100)
        motion = live._follower.motion
        held = [motion._coefficients, motion._z, motion._bad, motion._lost, motion._steps]
        waiting = live._follower._holes
        sizes.append(sum(one._data.nbytes for one in held) + waiting._values.nbytes + waiting._missing.nbytes)
    assert max(sizes) < 1.05 * min(sizes)
    assert live._collected is None


def test_bad_input() -> None:
    with pytest.raises(InputError, match="warmup_s"):
        LiveExtractor(small_radar(), warmup_s=2.0)
    live = LiveExtractor(scene().radar, SETTINGS, warmup_s=8.0)
    assert pushed(live, scene().frames[:1800], np.full(1800, 0.5)) == []
    assert "too many to look for a person" in live.progress
