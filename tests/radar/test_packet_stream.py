"""Packets as they arrive, to frames: every fault is known, so every count must be exact."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest

from radarode.radar.fmcw import FmcwRadar
from radarode.radar.packet_events import Event, Frames, Gap, Restarted
from radarode.radar.packet_stream import PacketStream
from radarode.radar.readers.lanes import decode_lanes, encode_lanes, frame_bytes, frame_values
from radarode.radar.readers.packets import DATA_BYTES

WIDTH = 1472
N_FRAMES = 400


@pytest.fixture(params=[(64, 0.005), (20, 0.005), (256, 0.02)], ids=["frames of 5.6 packets", "1.8", "22.5"])
def radar(request: pytest.FixtureRequest, small: FmcwRadar) -> FmcwRadar:
    samples, period_s = request.param
    return replace(small, samples=samples, adc_rate_hz=2e6 * samples / 64, frame_period_s=period_s)


def stream(radar: FmcwRadar, n_frames: int = N_FRAMES) -> tuple[np.ndarray, list[bytes]]:
    """Return the frames and the packets that carry them."""
    values = np.random.default_rng(1).integers(1, 1000, n_frames * frame_values(radar)).astype("<i2")
    raw = values.tobytes()
    packets = [
        struct.pack("<IIH", at // DATA_BYTES + 1, at, 0) + raw[at : at + DATA_BYTES]
        for at in range(0, len(raw), DATA_BYTES)
    ]
    return decode_lanes(values, radar), packets


def fed(link: PacketStream, packets: list[bytes], batch: int) -> list[Event]:
    events: list[Event] = []
    for at in range(0, len(packets), batch):
        part = packets[at : at + batch]
        table = np.zeros((len(part), WIDTH), dtype=np.uint8)
        for row, packet in zip(table, part, strict=True):
            cut = packet[:WIDTH]
            row[: len(cut)] = np.frombuffer(cut, dtype=np.uint8)
        events += link.add(table, np.array([min(len(packet), WIDTH) for packet in part]))
    return events


def frames_of(events: list[Event]) -> tuple[np.ndarray, np.ndarray]:
    """Return frames and shares of loss, and check that they follow each other."""
    parts = [event for event in events if isinstance(event, Frames)]
    assert [one.first + len(one.frames) for one in parts[:-1]] == [one.first for one in parts[1:]]
    return np.concatenate([one.frames for one in parts]), np.concatenate([one.lost for one in parts])


@pytest.mark.parametrize("batch", [1, 7, 5000])
def test_a_sound_stream(radar: FmcwRadar, batch: int) -> None:
    truth, packets = stream(radar)
    link = PacketStream(radar)
    found, lost = frames_of(fed(link, packets, batch) + link.flush())
    np.testing.assert_array_equal(found, truth)
    assert not lost.any()
    counts = link.counts
    assert (counts.received, counts.lost, counts.repeated, counts.damaged) == (len(packets), 0, 0, 0)


@pytest.mark.parametrize("batch", [1, 40, 1000])
def test_lost_late_and_repeated_packets(radar: FmcwRadar, batch: int) -> None:
    truth, packets = stream(radar)
    rng = np.random.default_rng(2)
    inner = rng.permutation(np.arange(1, len(packets) - 20))
    n = len(inner) // 20
    gone, again, late = set(inner[:n].tolist()), set(inner[n : 2 * n].tolist()), set(inner[2 * n : 3 * n].tolist())
    order = [number + (rng.uniform(1, 4) if number in late else 0.0) for number in range(len(packets))]
    sent = [int(number) for number in np.argsort(order, kind="stable") if number not in gone]
    sent = [number for one in sent for number in ([one, one] if one in again else [one])]
    link = PacketStream(radar)
    found, lost = frames_of(fed(link, [packets[number] for number in sent], batch) + link.flush())
    counts = link.counts
    assert (counts.received, counts.lost, counts.repeated) == (len(packets) - n, n, n)
    assert (counts.late, counts.damaged, counts.restarts) == (0, 0, 0)
    assert len(found) == N_FRAMES
    assert lost.sum() * frame_bytes(radar) == pytest.approx(n * DATA_BYTES, rel=1e-4)
    expected = encode_lanes(truth, radar).view(np.uint8).copy()
    for number in gone:
        expected[number * DATA_BYTES : (number + 1) * DATA_BYTES] = 0
    np.testing.assert_array_equal(encode_lanes(found, radar).view(np.uint8), expected)


@pytest.mark.parametrize("behind", [45, 200])
def test_packets_that_come_too_late_are_told(small: FmcwRadar, behind: int) -> None:
    _, packets = stream(small)
    sent = [*packets[:100], *packets[101 : 100 + behind], packets[100], *packets[100 + behind :]]
    link = PacketStream(small)
    frames_of(fed(link, sent, 1))
    assert (link.counts.late, link.counts.lost, link.counts.received) == (1, 1, len(packets) - 1)


def test_garbage_is_counted_and_changes_nothing(small: FmcwRadar) -> None:
    truth, packets = stream(small)
    rng = np.random.default_rng(3)
    garbage = [
        b"",
        b"short",
        packets[5][:10],
        rng.bytes(700),
        rng.bytes(1466),
        packets[7] + b"x",
        rng.bytes(9000),
        struct.pack("<IIH", 0, 0, 0) + b"zero",
        struct.pack("<IIH", 900, 899 * DATA_BYTES + 2, 0) + bytes(DATA_BYTES),
        struct.pack("<IIH", 2**32 - 1, 0xFFFFFFFF, 0xFFFF) + bytes(DATA_BYTES),
        struct.pack("<IIH", 900_001, 900_000 * DATA_BYTES, 0) + bytes(DATA_BYTES),
    ]
    sent = list(packets)
    for number, piece in enumerate(garbage):
        sent.insert(100 + 9 * number, piece)
    link = PacketStream(small)
    found, lost = frames_of(fed(link, sent, 11) + link.flush())
    np.testing.assert_array_equal(found, truth)
    assert not lost.any()
    assert link.counts.damaged == len(garbage)
    assert link.counts.lost == 0


@pytest.mark.parametrize("dark", [40, 1500, 2100])
def test_a_blackout_is_a_gap_of_the_right_length(radar: FmcwRadar, dark: int) -> None:
    n_frames = 400 * max(1, round(16 * 1456 / frame_bytes(radar)))
    _, packets = stream(radar, n_frames)
    assert len(packets) > dark + 160
    link = PacketStream(radar)
    events = fed(link, packets[:50] + packets[50 + dark :], 20) + link.flush()
    assert (link.counts.lost, link.counts.received) == (dark, len(packets) - dark)
    at, whole = 0, 0.0
    for event in events:
        assert isinstance(event, Frames | Gap)
        assert event.first == at
        at += event.count if isinstance(event, Gap) else len(event.frames)
        whole += float((1 - event.lost).sum()) if isinstance(event, Frames) else 0.0
    assert at == n_frames
    assert whole * frame_bytes(radar) == pytest.approx((len(packets) - dark) * DATA_BYTES, rel=0.02)


def test_restarts(small: FmcwRadar) -> None:
    truth, packets = stream(small)
    link = PacketStream(small)
    events = fed(link, packets[:700] + packets[:500] + packets[200:300], 13)
    at = next(number for number, event in enumerate(events) if isinstance(event, Restarted))
    before, _ = frames_of(events[:at])
    after, _ = frames_of([*events[at + 1 :], *link.flush()])
    np.testing.assert_array_equal(before, truth[: 700 * DATA_BYTES // frame_bytes(small)])
    np.testing.assert_array_equal(after[:80], truth[:80])
    assert (link.counts.restarts, link.counts.lost) == (1, 0)
    # a radar that was started anew while the link was down: its packets go on from elsewhere
    _, packets = stream(small, 800)
    link = PacketStream(small)
    fed(link, packets[1500:], 50)
    events = fed(link, packets[800:1400], 50)
    assert any(isinstance(event, Restarted) for event in events)


def test_a_receiver_that_comes_late_begins_with_a_whole_frame(small: FmcwRadar) -> None:
    truth, packets = stream(small)
    link = PacketStream(small)
    events = fed(link, packets[500:], 30) + link.flush()
    found, lost = frames_of(events)
    first = events[0].first
    assert first == -(-500 * DATA_BYTES // frame_bytes(small))
    np.testing.assert_array_equal(found, truth[first:])
    assert not lost.any()
    assert link.counts.lost == 0
