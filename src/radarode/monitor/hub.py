"""Viewers of the monitor: each has a bounded queue of messages that are packed once and shared by all.

A viewer that reads too slowly loses its oldest binary messages, which is counted; one that reads nothing, floods or
sends what nobody can read is closed. None of them holds up the streams or the other viewers.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from starlette.websockets import WebSocketDisconnect, WebSocketDisconnected

from radarode.core.errors import InputError
from radarode.monitor.messages import UnreadableError, encode
from radarode.monitor.settings import MonitorSettings

UNREADABLE, NO_TOKEN, STALLED, FLOOD, FULL, STOPS = 4400, 4401, 4408, 4429, 1013, 1012
"""Codes of a closed websocket."""

CLOSE_S = 1.0
MESSAGE_OVERHEAD_BYTES = 100
_WORDS = {
    UNREADABLE: "unreadable message",
    STALLED: "reads too slowly",
    FLOOD: "too many messages",
    FULL: "too many viewers",
    STOPS: "the monitor stops",
}

GONE = (OSError, WebSocketDisconnect, WebSocketDisconnected)
"""What sending and receiving raise once the viewer has left."""

Message = str | bytes


class Socket(Protocol):
    """What the hub needs of a websocket that has been accepted."""

    async def receive(self) -> Any:
        """Wait for a message or the end."""
        ...

    async def send(self, message: Any) -> None:
        """Send, waiting while the viewer does not read."""
        ...


class Viewer:
    """Hold one viewer's queue.

    Args:
        settings: how much may wait and be sent.
        clock: seconds that never go back.
    """

    def __init__(self, settings: MonitorSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._queue: deque[Message] = deque()
        self._queued_bytes = 0
        self._tokens, self._counted_s = 2 * settings.messages_per_s, clock()
        self.wake, self.closing = asyncio.Event(), asyncio.Event()
        self.sending_since_s: float | None = None
        self.dropped = 0
        self.close_code: int | None = None

    def put(self, message: Message) -> None:
        """Queue a message; drop the oldest binary ones where too much waits, give up where only words are left."""
        self._queue.append(message)
        self._queued_bytes += _size(message)
        while self._queued_bytes > self._settings.queue_bytes:
            oldest = next((i for i, waiting in enumerate(self._queue) if isinstance(waiting, bytes)), None)
            if oldest is None:
                return self.close(STALLED)
            self._queued_bytes -= _size(self._queue[oldest])
            del self._queue[oldest]
            self.dropped += 1
        self.wake.set()

    def pop(self) -> Message | None:
        """Return the next message, or None."""
        if not self._queue:
            return None
        message = self._queue.popleft()
        self._queued_bytes -= _size(message)
        return message

    def close(self, code: int) -> None:
        """Ask for the end; the first reason counts."""
        self.close_code = self.close_code or code
        self.closing.set()

    def stalled(self) -> bool:
        """Return whether one message has been on its way for too long."""
        return self.sending_since_s is not None and self._clock() - self.sending_since_s > self._settings.stall_s

    def may_send(self) -> bool:
        """Count a message of the viewer; return whether it keeps to the rate."""
        now_s, rate = self._clock(), self._settings.messages_per_s
        self._tokens = min(2 * rate, self._tokens + (now_s - self._counted_s) * rate) - 1
        self._counted_s = now_s
        return self._tokens >= 0

    def start_sending(self) -> None:
        """Note that a message is on its way."""
        self.sending_since_s = self._clock()


class Hub:
    """Hold all viewers and send to each.

    Args:
        settings: limits.
        greet: what a new viewer is sent first.
        obey: does what a viewer says and may answer with a message; raises `InputError` or `UnreadableError`.
    """

    def __init__(
        self,
        settings: MonitorSettings,
        greet: Callable[[], Sequence[Message]],
        obey: Callable[[str], Message | None],
    ) -> None:
        self._settings, self._greet, self._obey = settings, greet, obey
        self._viewers: dict[Viewer, asyncio.Task[None]] = {}
        self._dropped = 0
        self.closed: Counter[str] = Counter()
        self.stopping = False

    @property
    def viewers(self) -> int:
        """How many viewers there are."""
        return len(self._viewers)

    @property
    def dropped(self) -> int:
        """How many binary messages were dropped because their viewer was too slow."""
        return self._dropped + sum(viewer.dropped for viewer in self._viewers)

    def full(self) -> bool:
        """Return whether no further viewer is let in."""
        return self.stopping or len(self._viewers) >= self._settings.max_clients

    def send(self, message: Message) -> None:
        """Queue one message for every viewer."""
        for viewer in self._viewers:
            viewer.put(message)

    def check_stalled(self) -> None:
        """Close viewers that read nothing; called about once a second."""
        for viewer in self._viewers:
            if viewer.stalled():
                viewer.close(STALLED)

    async def serve(self, socket: Socket) -> None:
        """Serve one viewer, whose websocket is accepted, until it leaves or must go."""
        viewer = Viewer(self._settings)
        if self.full():
            viewer.close(STOPS if self.stopping else FULL)
            return await self._close(socket, viewer)
        greeting = self._greet()  # live messages queue from here on, so nothing is missing and nothing comes twice
        self._viewers[viewer] = asyncio.ensure_future(self._send_all(socket, viewer, greeting))
        receiving = asyncio.ensure_future(self._receive_all(socket, viewer))
        closing = asyncio.ensure_future(viewer.closing.wait())
        tasks = (self._viewers[viewer], receiving, closing)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            del self._viewers[viewer]
            self._dropped += viewer.dropped
        await self._close(socket, viewer)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, GONE):
                raise result

    async def stop(self) -> None:
        """Tell every viewer that the monitor stops, and wait until they are gone, about a second."""
        self.stopping = True
        for viewer in self._viewers:
            viewer.close(STOPS)
        deadline_s = time.monotonic() + 2 * CLOSE_S
        while self._viewers and time.monotonic() < deadline_s:
            await asyncio.sleep(0.02)

    async def _send_all(self, socket: Socket, viewer: Viewer, greeting: Sequence[Message]) -> None:
        for message in greeting:
            await _send(socket, viewer, message)
        while True:
            while (message := viewer.pop()) is not None:
                await _send(socket, viewer, message)
            viewer.wake.clear()
            await viewer.wake.wait()

    async def _receive_all(self, socket: Socket, viewer: Viewer) -> None:
        while True:
            received = await socket.receive()
            if received["type"] == "websocket.disconnect":
                return
            if not viewer.may_send():
                return viewer.close(FLOOD)
            try:
                answer = self._obey(received.get("text") or "")
            except UnreadableError:
                return viewer.close(UNREADABLE)
            except InputError as error:
                answer = encode("error", text=str(error))
            if answer is not None:
                viewer.put(answer)

    async def _close(self, socket: Socket, viewer: Viewer) -> None:
        code = viewer.close_code
        if code is None:
            return
        self.closed[_WORDS[code]] += 1
        with contextlib.suppress(TimeoutError, *GONE):
            async with asyncio.timeout(CLOSE_S):
                await socket.send({"type": "websocket.close", "code": code, "reason": _WORDS[code]})


async def _send(socket: Socket, viewer: Viewer, message: Message) -> None:
    viewer.start_sending()
    await socket.send({"type": "websocket.send", "bytes" if isinstance(message, bytes) else "text": message})
    viewer.sending_since_s = None


def _size(message: Message) -> int:
    return len(message) + MESSAGE_OVERHEAD_BYTES
