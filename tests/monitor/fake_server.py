"""A monitor server that speaks the protocol and makes its streams up, for the tests of the page.

Run it to work on the page: `python -m tests.monitor.fake_server [PORT]`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from radarode.core.notice import NOTICE
from radarode.monitor.access import HEADERS
from radarode.monitor.app import PageFiles, Pages, static_folder
from radarode.monitor.protocol import pack_many
from tests.monitor.fake_stream import FakeStream


class FakeServer:
    """Serve streams and the page, in a thread.

    Args:
        streams: what is shown.
        port: 0 takes a free one.
        token: what a viewer must say first; None for nothing.
        speed: stream seconds per second.
    """

    def __init__(self, streams: list[FakeStream], port: int = 0, token: str | None = None, speed: float = 1.0) -> None:
        self.streams, self.token, self.speed = {stream.number: stream for stream in streams}, token, speed
        self.heard: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self._viewers: set[WebSocket] = set()
        routes = [
            Route("/", self._index),
            Route("/history", self._history),
            Route("/export", self._export),
            WebSocketRoute("/ws", self._watch),
            Mount("/static", PageFiles(directory=static_folder())),
        ]
        app = _with_headers(Starlette(routes=routes, lifespan=self._lifespan))
        config = uvicorn.Config(
            app, port=port, log_level="warning", ws="websockets-sansio", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> FakeServer:
        self._thread.start()
        until_s = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < until_s, "the fake server did not start"
            time.sleep(0.02)
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Return the page's address."""
        return f"http://127.0.0.1:{self.port}/"

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(self._run())
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    async def _run(self) -> None:
        step_s = 0.5
        while True:
            await asyncio.sleep(step_s)
            for stream in self.streams.values():
                for message in [*stream.advance(step_s * self.speed), stream.state()]:
                    await self._tell(message)

    async def _tell(self, message: str | bytes) -> None:
        for viewer in list(self._viewers):
            with suppress(RuntimeError, WebSocketDisconnect):
                await _send(viewer, message)

    def hello(self) -> str:
        """Return the hello message."""
        streams = [stream.facts() for stream in self.streams.values()]
        return json.dumps({"type": "hello", "streams": streams, "notice": NOTICE, "version": "0", "history_s": 3600.0})

    async def _watch(self, socket: WebSocket) -> None:
        await socket.accept()
        said = await socket.receive_json()
        if self.token is not None and said != {"type": "token", "token": self.token}:
            return await socket.close(4401)
        await socket.send_text(self.hello())
        for stream in self.streams.values():
            for message in [*stream.messages(stream.drawn_s - 30, stream.drawn_s), stream.state()]:
                await _send(socket, message)
        self._viewers.add(socket)
        try:
            while True:
                await self._obey(await socket.receive_json())
        except WebSocketDisconnect:
            return
        finally:
            self._viewers.discard(socket)

    async def _obey(self, said: dict[str, Any]) -> None:
        self.heard.append(said)
        if "stream" not in said:
            return
        stream = self.streams[said["stream"]]
        if said["type"] == "mark":
            stream.events.append({"at_s": said["at_s"], "text": said["text"]})
            await self._tell(json.dumps({**said, "type": "event"}))
        elif said["type"] == "limits":
            stream.low_bpm, stream.high_bpm, stream.delay_s = said["low_bpm"], said["high_bpm"], said["delay_s"]
        elif said["type"] == "silence":
            stream.silenced_until_s = time.monotonic() + said["for_s"]

    def _known(self, request: Request) -> bool:
        return self.token is None or request.headers.get("authorization") == f"Bearer {self.token}"

    async def _history(self, request: Request) -> Response:
        self.asked.append(str(request.url.query))
        if not self._known(request):
            return Response(status_code=401)
        query = request.query_params
        stream = self.streams[int(query["stream"])]
        return Response(pack_many(stream.messages(float(query["from_s"]), float(query["to_s"]))))

    async def _export(self, request: Request) -> Response:
        if not self._known(request):
            return Response(status_code=401)
        name = f"export.{request.query_params['format']}"
        return Response(b"made up", headers={"Content-Disposition": f'attachment; filename="{name}"'})

    async def _index(self, request: Request) -> Response:
        return await Pages.index(self, request)  # type: ignore[arg-type]


async def _send(socket: WebSocket, message: str | bytes) -> None:
    await (socket.send_text(message) if isinstance(message, str) else socket.send_bytes(message))


def _with_headers(app: ASGIApp) -> ASGIApp:
    """Add the headers that the real server adds, so that its content security policy holds here too."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await app(scope, receive, sent)

    return guarded


if __name__ == "__main__":
    beds = [FakeStream(0, "Bed 1, chest"), FakeStream(1, "Bed 2, back", bpm=58.0, simulated=False)]
    with FakeServer(beds, int(sys.argv[1]) if len(sys.argv) > 1 else 8642) as running:
        print(running.url)  # noqa: T201
        threading.Event().wait()
