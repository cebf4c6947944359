"""The source that listens to a DCA1000, against packets sent over the loopback."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.live import LiveExtractor
from radarode.radar.readers.lanes import encode_lanes
from radarode.stream.player import Faults, Player
from radarode.stream.receiver import Receiver
from radarode.stream.sources.dca1000 import Dca1000Source
from radarode.stream.types import Packet, SourceFacts
from tests.radar.scene import small_radar
from tests.stream.made import facts_of, packets_of, until
from tests.stream.radar_udp import SETTINGS, WARMUP_S, capture, frames, playing, radar, source

FAST = 20.0
SECONDS = 14.0
FIRST = struct.pack("<IIH", 1, 0, 0) + bytes(1456)


def received(
    udp: Dca1000Source, path: Path, faults: Faults | None = None, times: int = 1
) -> list[SourceFacts | Packet]:
    """Return what a source hands over while a capture is played to it, the same capture several times maybe."""

    async def go() -> list[SourceFacts | Packet]:
        items: list[SourceFacts | Packet] = []

        async def read() -> None:
            async for item in udp.packets():
                items.append(item)

        task = asyncio.create_task(read())
        for _ in range(times):
            before = len(items)
            heard = udp.counts.received
            async with playing(path, udp, faults, FAST) as player:
                pass
            due = heard + player.played.intact + player.played.reordered
            await until(lambda due=due: udp.counts.received >= due, 60.0)
            await until(lambda before=before: _end(items[before:]) >= SECONDS * 200 - 60, 60.0)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return items

    return asyncio.run(go())


def _end(items: list[SourceFacts | Packet]) -> int:
    """Return the number of the frame behind the last that came."""
    last = items[-1] if items else None
    return last.index + last.motion.shape[1] if isinstance(last, Packet) and last.index is not None else 0


def test_facts_then_motion_in_millimetres(tmp_path: Path) -> None:
    udp = source(FAST)
    begun_s = time.monotonic()
    items = received(udp, capture(tmp_path, SECONDS))
    facts, packets = facts_of(items), packets_of(items)
    assert items[0] is facts[0]
    assert len(facts) == 1
    assert (facts[0].kind, facts[0].fs_hz, facts[0].simulated) == ("displacement", 200.0, True)
    assert packets[0].index == 0
    ends = [one.index + one.motion.shape[1] for one in packets if one.index is not None]
    assert ends[:-1] == [one.index for one in packets[1:]]
    assert all(one.motion.shape[0] == facts[0].channels for one in packets)
    assert all(one.motion.dtype == np.float32 for one in packets)
    assert begun_s < packets[0].arrived_s < packets[-1].arrived_s < time.monotonic()
    again = LiveExtractor(radar(), SETTINGS, places=udp.extractor.places)
    moved = again.push(frames(SECONDS), np.zeros(len(frames(SECONDS))))
    expected = 1000 * np.concatenate([one.displacement_m for one in moved], axis=1)
    motion = np.concatenate([one.motion for one in packets], axis=1)
    n = min(motion.shape[1], expected.shape[1])
    assert n > 2700
    for one, other in zip(np.diff(motion[:, :n]), np.diff(expected[:, :n]), strict=True):
        assert np.corrcoef(one, other)[0, 1] > 0.99
    assert "following" in udp.progress
    assert udp.lost() == 0


def test_a_radar_that_begins_anew(tmp_path: Path) -> None:
    udp = source(FAST)
    items = received(udp, capture(tmp_path, SECONDS), Faults(lost=0.02, seed=1), times=2)
    facts = [number for number, item in enumerate(items) if isinstance(item, SourceFacts)]
    assert len(facts) == 2
    second = packets_of(items[facts[1] :])
    assert second[0].index == 0
    assert second[-1].index is not None
    assert second[-1].index > 2600
    assert udp.counts.restarts == 1
    n_packets = Player(tmp_path / "capture.bin", radar()).n_packets
    assert udp.lost() == 2 * round(0.02 * n_packets)
    assert udp.counts.received == 2 * n_packets - udp.lost()


def test_what_it_says_before_anything_is_known() -> None:
    udp = source()

    async def go() -> str:
        task = asyncio.ensure_future(anext(aiter(udp.packets())))
        async with asyncio.timeout(5):
            while udp.port == 0:
                await asyncio.sleep(0.01)
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                for size in (0, 3, 700, 9000):
                    sender.sendto(b"\x07" * size, ("127.0.0.1", udp.port))
            while udp.counts.damaged < 4:
                await asyncio.sleep(0.02)
        said = udp.progress
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return said

    assert udp.progress.startswith("waiting for packets on UDP 127.0.0.1:0")
    assert "4 datagrams are none of a DCA1000" in asyncio.run(go())
    assert udp.lost() == 0
    Receiver("127.0.0.1", udp.port).close()  # the port is free again


def test_samples_that_do_not_fit_the_description(tmp_path: Path) -> None:
    other = small_radar(samples=128)
    udp = Dca1000Source(replace(other, q_first=True), port=0, warmup_s=WARMUP_S, speed=FAST)
    path = tmp_path / "capture.bin"
    rng = np.random.default_rng(0)
    tone = 500 * np.exp(2j * np.pi * 0.05 * np.arange(128)) + rng.normal(size=(400, 3, 4, 128))
    encode_lanes(tone.astype(np.complex64), other).tofile(path)

    async def go() -> None:
        async def read() -> None:
            async for _ in udp.packets():
                pass

        task = asyncio.create_task(read())
        async with asyncio.timeout(10):
            while udp.port == 0:
                await asyncio.sleep(0.01)
            player = Player(path, other, speed=FAST)
            await asyncio.to_thread(player.play, "127.0.0.1", udp.port)
            await task

    with pytest.raises(InputError, match=r"does not fit|do not fit"):
        asyncio.run(go())


def test_radars_and_ports_that_cannot_be_used() -> None:
    with pytest.raises(InputError, match="chirping"):
        Dca1000Source("cw24")
    with pytest.raises(InputError, match="too few for an ECG"):
        Dca1000Source(small_radar(50.0))
    with pytest.raises(InputError, match="warmup_s"):
        Dca1000Source("awr1843", warmup_s=1.0)
    with pytest.raises(InputError, match=r"cannot listen on 192\.0\.2\.1:4098"):
        Receiver("192.0.2.1", 4098)
    with pytest.raises(InputError, match="between 0 and 65535"):
        Receiver("127.0.0.1", 70_000)
    with pytest.raises(InputError, match=r"cannot listen on a\.\.b"):
        Receiver("a..b", 4098)
    taken = Receiver("127.0.0.1", 0)
    with pytest.raises(InputError, match="Free the port"):
        Receiver("127.0.0.1", taken.port)
    taken.close()


def test_the_receiver_keeps_to_one_sender_and_to_its_memory() -> None:
    receiver = Receiver("127.0.0.1", 0, most_bytes=1)
    try:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
        ):
            other.bind(("127.0.0.2", 0))
            other.sendto(b"junk", ("127.0.0.1", receiver.port))
            _wait(lambda: receiver.received == 1)
            one.sendto(FIRST, ("127.0.0.1", receiver.port))
            _wait(lambda: receiver.received == 2)
            other.sendto(b"foreign", ("127.0.0.1", receiver.port))
            _wait(lambda: receiver.foreign == 1)
            for _ in range(3000):
                one.sendto(b"more", ("127.0.0.1", receiver.port))
            _wait(lambda: receiver.received == 3002)
        batches = receiver.take(1.0)
        assert sum(len(batch.lengths) for batch in batches) + receiver.overflowed == 3002
        assert receiver.overflowed > 0
        assert bytes(batches[0].packets[1][: len(FIRST)]) == FIRST
        assert batches[0].lengths[:3].tolist() == [4, len(FIRST), 4]
        assert receiver.take(0.0) == []
    finally:
        receiver.close()
        receiver.close()


def test_junk_neither_locks_the_radar_out_nor_goes_uncounted() -> None:
    udp = source()

    async def go() -> str:
        task = asyncio.ensure_future(anext(aiter(udp.packets())))
        async with asyncio.timeout(5):
            while udp.port == 0:
                await asyncio.sleep(0.01)
            with (
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
            ):
                other.bind(("127.0.0.2", 0))
                other.sendto(b"\x00", ("127.0.0.1", udp.port))
                await until(lambda: udp.counts.damaged == 1, 2.0)
                one.sendto(FIRST, ("127.0.0.1", udp.port))
                await until(lambda: udp.counts.received == 1, 2.0)
                other.sendto(FIRST, ("127.0.0.1", udp.port))
                await until(lambda: "1 datagrams came from other" in udp.progress, 2.0)
        said = udp.progress
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return said

    assert "1 datagrams came from other addresses and are not used" in asyncio.run(go())
    assert (udp.counts.received, udp.lost()) == (1, 0)


def _wait(true) -> None:
    end_s = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.01)
