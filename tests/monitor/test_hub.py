"""Viewers are served from bounded queues; none holds up another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from radarode.core.errors import InputError
from radarode.monitor.hub import FLOOD, FULL, STALLED, STOPS, UNREADABLE, Hub, Viewer
from radarode.monitor.messages import UnreadableError
from radarode.monitor.settings import MonitorSettings

SETTINGS = MonitorSettings(stall_s=1.0, queue_bytes=65536, messages_per_s=5.0, max_clients=3)


class FakeSocket:
    """A viewer: says what the test queues, and reads unless the test holds it."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.says: asyncio.Queue[Any] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()
        self.closed: int | None = None

    async def receive(self) -> Any:
        return await self.says.get()

    async def send(self, message: Any) -> None:
        await self.reading.wait()
        if message["type"] == "websocket.close":
            self.closed = message["code"]
        else:
            self.sent.append(message.get("bytes", message.get("text")))

    def say(self, text: str) -> None:
        self.says.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        self.says.put_nowait({"type": "websocket.disconnect", "code": 1001})


def make_hub(obey: Callable[[str], Any] = lambda text: None, settings: MonitorSettings = SETTINGS) -> Hub:
    return Hub(settings, lambda: ["hello"], obey)


async def until(condition: Callable[[], bool], at_most_s: float = 3.0) -> None:
    async with asyncio.timeout(at_most_s):
        while not condition():
            await asyncio.sleep(0.005)


def test_a_viewer_gets_the_greeting_and_what_follows_once_and_in_order() -> None:
    async def story() -> None:
        hub, socket = make_hub(), FakeSocket()
        serving = asyncio.ensure_future(hub.serve(socket))
        await until(lambda: socket.sent == ["hello"])
        for number in range(50):
            hub.send(str(number))
        await until(lambda: len(socket.sent) == 51)
        assert socket.sent[1:] == [str(number) for number in range(50)]
        socket.leave()
        await serving
        assert (hub.viewers, socket.closed) == (0, None)

    asyncio.run(story())


def test_messages_are_shared_not_copied() -> None:
    async def story() -> None:
        hub, sockets = make_hub(), [FakeSocket() for _ in range(3)]
        serving = [asyncio.ensure_future(hub.serve(socket)) for socket in sockets]
        await until(lambda: hub.viewers == 3)
        message = bytes(1000)
        hub.send(message)
        await until(lambda: all(len(socket.sent) == 2 for socket in sockets))
        assert all(socket.sent[1] is message for socket in sockets)
        for socket in sockets:
            socket.leave()
        await asyncio.gather(*serving)

    asyncio.run(story())


def test_a_stalled_viewer_loses_old_binary_messages_and_is_closed_while_others_go_on() -> None:
    async def story() -> None:
        hub, slow, quick = make_hub(), FakeSocket(), FakeSocket()
        serving = [asyncio.ensure_future(hub.serve(socket)) for socket in (slow, quick)]
        await until(lambda: slow.sent == quick.sent == ["hello"])
        slow.reading.clear()
        for number in range(200):
            hub.send(bytes([number]) * 1000)
            hub.send(f"words {number}")
            await asyncio.sleep(0)
        await until(lambda: len(quick.sent) == 401)
        assert hub.dropped > 100
        (viewer,) = [v for v in hub._viewers if v.dropped]
        assert viewer._queued_bytes <= SETTINGS.queue_bytes
        kept = [message for message in viewer._queue if isinstance(message, bytes)]
        assert kept[-1][0] == 199, "the newest is kept"
        assert sum(isinstance(message, str) for message in viewer._queue) >= 199, "words are kept"
        dropped = hub.dropped
        await asyncio.sleep(SETTINGS.stall_s)
        hub.check_stalled()
        await asyncio.wait_for(serving[0], 3.0)
        assert hub.viewers == 1
        assert hub.dropped == dropped, "what a viewer lost stays counted when it has gone"
        assert hub.closed["reads too slowly"] == 1
        quick.leave()
        await serving[1]

    asyncio.run(story())


def test_words_alone_cannot_fill_the_memory() -> None:
    async def story() -> None:
        viewer = Viewer(SETTINGS)
        for _ in range(1000):
            viewer.put("x" * 1000)
        assert viewer.close_code == STALLED

    asyncio.run(story())


def test_a_flood_is_closed() -> None:
    async def story() -> None:
        heard: list[str] = []
        hub, socket = make_hub(lambda text: heard.append(text)), FakeSocket()
        for number in range(100):
            socket.say(str(number))
        await asyncio.wait_for(hub.serve(socket), 3.0)
        assert socket.closed == FLOOD
        assert len(heard) == 2 * SETTINGS.messages_per_s

    asyncio.run(story())


def test_the_allowed_rate_is_not_a_flood() -> None:
    now = [0.0]
    viewer = Viewer(SETTINGS, lambda: now[0])
    for _ in range(1000):
        now[0] += 1 / SETTINGS.messages_per_s
        assert viewer.may_send()


def test_what_nobody_can_read_is_closed_and_what_is_not_allowed_is_told() -> None:
    def obey(text: str) -> None:
        raise InputError("not so.") if text == "wrong value" else UnreadableError("garbage")

    async def story() -> None:
        hub, socket = make_hub(obey), FakeSocket()
        serving = asyncio.ensure_future(hub.serve(socket))
        socket.say("wrong value")
        await until(lambda: len(socket.sent) == 2)
        assert socket.sent[1] == '{"type":"error","text":"not so."}'
        socket.says.put_nowait({"type": "websocket.receive", "bytes": b"\x00\xff"})
        await asyncio.wait_for(serving, 3.0)
        assert socket.closed == UNREADABLE

    asyncio.run(story())


def test_viewers_too_many_are_sent_away() -> None:
    async def story() -> None:
        hub, sockets = make_hub(), [FakeSocket() for _ in range(4)]
        serving = [asyncio.ensure_future(hub.serve(socket)) for socket in sockets]
        await until(lambda: sockets[3].closed == FULL)
        assert (hub.viewers, sockets[3].sent) == (3, [])
        sockets[0].leave()
        await until(lambda: hub.viewers == 2)
        for socket in sockets:
            socket.leave()
        await asyncio.gather(*serving)

    asyncio.run(story())


def test_when_the_monitor_stops_every_viewer_is_told_even_beside_one_that_does_not_read() -> None:
    async def story() -> None:
        hub, slow, quick = make_hub(), FakeSocket(), FakeSocket()
        serving = [asyncio.ensure_future(hub.serve(socket)) for socket in (slow, quick)]
        await until(lambda: hub.viewers == 2)
        slow.reading.clear()
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        await hub.stop()
        await asyncio.gather(*serving)
        assert quick.closed == STOPS
        assert loop.time() - begun_s < 3.0
        late = FakeSocket()
        await hub.serve(late)
        assert late.closed == STOPS

    asyncio.run(story())


@pytest.mark.parametrize("error", [OSError("gone"), ConnectionResetError()])
def test_a_viewer_that_vanishes_leaves_nothing_behind(error: Exception) -> None:
    async def story() -> None:
        hub, socket = make_hub(), FakeSocket()

        async def send(message: Any) -> None:
            raise error

        socket.send = send  # type: ignore[method-assign]
        await asyncio.wait_for(hub.serve(socket), 3.0)
        assert hub.viewers == 0
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(story())


def test_a_bug_in_what_is_obeyed_is_not_hidden() -> None:
    def obey(text: str) -> None:
        raise ZeroDivisionError

    async def story() -> None:
        hub, socket = make_hub(obey), FakeSocket()
        socket.say("{}")
        with pytest.raises(ZeroDivisionError):
            await hub.serve(socket)
        assert hub.viewers == 0

    asyncio.run(story())
