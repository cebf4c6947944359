"""Lost packets: single ones are bridged channel by channel, breaks of the link stay gaps."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from radarode.radar.fields import FmcwField
from radarode.radar.holes import bridge, missing_channels, read_channels
from tests.radar.scene import ArrayCapture, Target, beat_signals, breathing_m, small_radar

N = 600


def scene(lost_runs: list[tuple[int, int, slice]]) -> tuple[ArrayCapture, np.ndarray]:
    """Return a capture in which (first frame, last frame, receivers of chirp 0) are zeros, and the whole one."""
    radar = small_radar()
    moving = Target((0.0, 0.0, 0.45), 100.0, breathing_m(N, 200.0))
    still = Target((0.1, 0.0, 0.9), 300.0)
    whole = beat_signals(radar, [moving, still], N, 0.1, np.random.default_rng(0))
    frames, lost = whole.copy(), np.zeros(N)
    for first, last, receivers in lost_runs:
        frames[first:last, 0, receivers] = 0
        lost[first:last] += len(range(*receivers.indices(4))) / 12
    return ArrayCapture(radar, frames, lost), whole


def test_a_lost_channel_is_bridged_and_nothing_else_changes() -> None:
    capture, whole = scene([(100, 102, slice(1, 2)), (300, 304, slice(None))])
    channels, gaps, bridged = read_channels(capture, 0, N)
    assert not gaps.any()
    assert np.flatnonzero(bridged).tolist() == [100, 101, 300, 301, 302, 303]
    clean = read_channels(ArrayCapture(capture.radar, whole), 0, N)[0]
    kept = np.ones(channels.shape[:2], bool)
    kept[100:102, 1] = kept[300:304, :4] = False
    assert (channels[kept] == clean[kept]).all()
    error = np.abs(channels - clean).max()
    assert 0 < error < 0.01 * np.abs(clean).max()


def test_pieces_agree_with_the_whole() -> None:
    capture, _ = scene([(99, 102, slice(1, 3)), (103, 105, slice(1, 2)), (250, 300, slice(None))])
    whole = read_channels(capture, 0, N)
    cuts = [0, 101, 104, 260, N]
    parts = [read_channels(capture, a, b) for a, b in pairwise(cuts)]
    joined = [np.concatenate(one) for one in zip(*parts, strict=True)]
    near = ~whole[1]
    np.testing.assert_allclose(joined[0][near], whole[0][near], atol=1e-4)
    assert (joined[1] == whole[1]).all()


def test_a_break_of_the_link_is_a_gap_unless_few_channels_miss() -> None:
    assert np.flatnonzero(read_channels(scene([(200, 210, slice(None))])[0], 0, N)[1]).tolist() == list(range(200, 210))
    _, gaps, bridged = read_channels(scene([(200, 260, slice(0, 1))])[0], 0, N)
    assert not gaps.any()
    assert bridged.sum() == 60


def test_losses_at_the_ends_and_of_everything() -> None:
    channels, gaps, _ = read_channels(scene([(0, 3, slice(None)), (N - 2, N, slice(None))])[0], 0, N)
    assert np.isfinite(channels).all()
    assert not gaps.any()
    none = np.zeros((20, 2, 4), complex)
    assert bridge(none, np.ones((20, 2), bool), longest=4).all()


def test_chirps_that_repeat_a_transmitter_spoil_its_channel() -> None:
    radar = replace(small_radar(), tx_order=(0, 1, 2, 0, 1, 2))
    frames = np.ones((3, *radar.frame_shape), np.complex64)
    frames[1, 3, 2] = 0
    missing = missing_channels(frames, np.array([0.0, 0.05, 0.0]), radar)
    assert np.argwhere(missing).tolist() == [[1, 2]]


def test_a_loss_that_leaves_no_zeros_spoils_the_frame() -> None:
    radar = small_radar()
    missing = missing_channels(np.ones((2, *radar.frame_shape), np.complex64), np.array([0.5, 0.0]), radar)
    assert missing.tolist() == [[True] * 12, [False] * 12]


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_random_losses_leave_no_gap_and_hardly_change_the_motion(share: float) -> None:
    rng = np.random.default_rng(1)
    runs = [
        (k, k + 1, slice(int(first), int(first) + 1)) for k in range(N) for first in range(4) if rng.random() < share
    ]
    capture, whole = scene(runs)
    points = np.array([[0.0, 0.0, 0.45]])
    spoilt, clean = (FmcwField(one, points) for one in (capture, ArrayCapture(capture.radar, whole)))
    assert spoilt.bridged.sum() > 0
    assert not spoilt.lost.any()
    moved = [np.unwrap(np.angle(one.signals(points)[:, 0])) for one in (spoilt, clean)]
    assert np.abs(moved[0] - moved[1]).max() < 0.01
