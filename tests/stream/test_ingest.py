"""Packets to consecutive samples: order, losses, nonsense, new beginnings, drift."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from radarode.stream.ingest import Ingest
from radarode.stream.types import Packet, StreamSettings
from tests.stream.live_help import FACTS, packets


@pytest.fixture
def motion(rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((3, 4000)).astype(np.float32)


def run(ingest: Ingest, items: list[Packet]) -> np.ndarray:
    parts = []
    for packet in items:
        rcg, rest = ingest.push(packet)
        assert not rest
        parts.append(rcg)
    return np.concatenate([*parts, ingest.finish()], axis=1)


def made() -> Ingest:
    return Ingest(FACTS, StreamSettings())


def test_order_is_restored_and_doubles_are_counted(motion: np.ndarray, rng: np.random.Generator) -> None:
    items = packets(motion)
    for k in rng.choice(len(items) - 2, 20, replace=False):
        items[k], items[k + 1] = replace(items[k + 1], arrived_s=items[k].arrived_s), items[k]
    items.insert(50, items[40])
    ingest = made()
    np.testing.assert_allclose(run(ingest, items), motion, atol=1e-6)
    assert (ingest.state.late, ingest.state.lost, ingest.state.refused) == (1, 0, 0)


def test_losses_are_gaps_of_the_exact_length(motion: np.ndarray) -> None:
    items = packets(motion)
    lost = [17, 60, 61, 62, 120]
    ingest = made()
    rcg = run(ingest, [packet for k, packet in enumerate(items) if k not in lost])
    expected = motion.copy()
    for k in lost:
        expected[:, 20 * k : 20 * k + 20] = np.nan
    np.testing.assert_allclose(rcg, expected, atol=1e-6)
    assert ingest.lost_samples == 100


@pytest.mark.parametrize("stamp", ["index", "device_s"])
def test_a_blackout_is_believed_at_its_second_packet(stamp: str, motion: np.ndarray) -> None:
    items = packets(motion)
    if stamp == "device_s":
        items = [replace(one, index=None, device_s=1000.0 + one.index / 200) for one in items]  # type: ignore[operator]
    ingest = made()
    rcg = run(ingest, items[:50] + items[150:])
    assert rcg.shape[1] == 4000
    np.testing.assert_array_equal(np.isnan(rcg).all(axis=0), np.isin(np.arange(4000), np.arange(1000, 3000)))
    assert ingest.lost_samples == 2000


def test_one_damaged_number_ends_nothing(motion: np.ndarray) -> None:
    items = packets(motion)
    items[30] = replace(items[30], index=10**9)
    items[60] = replace(items[60], index=-5000)
    ingest = made()
    rcg = run(ingest, items)
    assert rcg.shape[1] == 4000
    assert ingest.state.refused == 2
    assert ingest.lost_samples == 40


def test_nonsense_is_refused(motion: np.ndarray) -> None:
    infinite, huge = motion[:, :20].copy(), motion[:, :20].copy()
    infinite[0, 3], huge[1, 2] = np.inf, 1e20
    bad = [
        Packet(motion[:2, :20], 0.0, 0),
        Packet(motion[:, :0], 0.0, 0),
        Packet(infinite, 0.0, 0),
        Packet(huge, 0.0, 0),
        Packet(motion[0], 0.0, 0),
        Packet(motion[:, :20], float("nan"), 0),
        Packet(motion[:, :20], 0.0, None, float("inf")),
        Packet(np.zeros((3, 20), dtype=object), 0.0, 0),
    ]
    ingest = made()
    assert run(ingest, bad).shape == (3, 0)
    assert ingest.state.refused == len(bad)


def test_a_source_that_counts_from_the_start_again_begins_anew(motion: np.ndarray) -> None:
    ingest, again = made(), packets(motion, at_s=20.0)
    for packet in packets(motion):
        ingest.push(packet)
    assert ingest.push(again[0])[1] == ()
    assert ingest.push(again[1])[1] == (again[0], again[1])


def test_a_long_silence_begins_anew(motion: np.ndarray) -> None:
    ingest, later = made(), packets(motion, start=4000, at_s=60.0)
    for packet in packets(motion):
        ingest.push(packet)
    assert ingest.push(later[0])[1] == (later[0],)


def test_without_count_or_clock_all_that_comes_is_consecutive(motion: np.ndarray) -> None:
    plain = [replace(one, index=None) for one in packets(motion)]
    np.testing.assert_allclose(run(made(), plain), motion, atol=1e-6)


def test_jitter_of_a_clock_is_no_loss_and_small_losses_add_up(motion: np.ndarray, rng: np.random.Generator) -> None:
    ticks = [
        replace(one, index=None, device_s=5.0 + k * 0.1 * (1 + 3e-4) + rng.uniform(0, 0.004))
        for k, one in enumerate(packets(motion))
    ]
    ingest = made()
    assert run(ingest, ticks).shape[1] == 4000
    assert ingest.lost_samples == 0
    ingest = made()
    short = [replace(one, motion=one.motion[:, 3:]) for one in ticks]  # 15 ms of each are never sent
    assert run(ingest, short).shape[1] == pytest.approx(4000, abs=12)


@pytest.mark.parametrize("ppm", [-300.0, 0.0, 150.0])
def test_drift_is_measured_through_jitter(ppm: float, rng: np.random.Generator) -> None:
    ingest, chunk = made(), np.zeros((3, 20), np.float32)
    delay = rng.exponential(0.02, 1200)
    for k in range(1200):
        chunk = rng.standard_normal((3, 20)).astype(np.float32)
        ingest.push(Packet(chunk, 0.1 * (k + 1) / (1 + 1e-6 * ppm) + delay[k], 20 * k))
    assert ingest.drift_ppm == pytest.approx(ppm, abs=25.0)
