"""Where packets wait."""

from __future__ import annotations

import asyncio

import numpy as np

from radarode.stream.queue import MotionQueue
from radarode.stream.types import Packet, SourceFacts
from tests.stream.live_help import FACTS, packets


def test_the_oldest_motion_is_dropped_and_counted_and_facts_stay() -> None:
    async def run() -> None:
        queue = MotionQueue(2.0)
        queue.put(FACTS)
        items = packets(np.ones((3, 1000)), 100)
        for packet in items:
            queue.put(packet)
        assert queue.dropped == 6
        assert queue.waiting_s == 2.0
        assert await queue.get() == [FACTS, *items[6:]]

    asyncio.run(run())


def test_packets_without_a_count_get_one_so_that_drops_show() -> None:
    async def run() -> None:
        queue = MotionQueue(1.0)
        queue.put(FACTS)
        for _ in range(4):
            queue.put(Packet(np.ones((3, 100), np.float32), 0.0))
        taken = await queue.get()
        assert [one.index for one in taken if isinstance(one, Packet)] == [200, 300]
        assert queue.dropped == 2

    asyncio.run(run())


def test_it_hands_over_no_more_than_asked_and_ends() -> None:
    async def run() -> None:
        queue = MotionQueue(10.0)
        queue.put(FACTS)
        for packet in packets(np.ones((3, 600)), 100):
            queue.put(packet)
        assert len(await queue.get(1.0)) == 3
        queue.close()
        assert len(await queue.get()) == 4
        assert await queue.get() == []

    asyncio.run(run())


def test_a_patient_source_waits_for_room() -> None:
    async def run() -> None:
        queue = MotionQueue(1.0)
        queue.put(SourceFacts("fast", 3, 200.0, "acceleration"))
        sent = []

        async def send() -> None:
            for packet in packets(np.ones((3, 2000)), 50):
                await queue.room()
                queue.put(packet)
                sent.append(packet)
            queue.close()

        task, taken = asyncio.create_task(send()), []
        while items := await queue.get(0.5):
            taken += [one for one in items if isinstance(one, Packet)]
        await task
        assert taken == sent
        assert queue.dropped == 0

    asyncio.run(run())
