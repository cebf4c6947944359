"""The monitor's web server: uvicorn with limits, its own signals, and connections that cannot linger."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from radarode.core.errors import InputError
from radarode.monitor.app import make_app
from radarode.monitor.service import Service
from radarode.monitor.settings import MonitorSettings

HEADERS_S = 10.0
"""A connection that has not sent a request by then is closed."""

IDLE_S = 15
"""So long may a connection be silent between two requests."""

LINGER_S = 1.0
"""A websocket that is closed may take so long to send what waits."""

SPARE_CONNECTIONS = 64
"""Connections beyond the viewers' that may be open at a time."""

GRACE_S = 2


class WebRequest(H11Protocol):
    """Close connections that dawdle, and those too many."""

    _guard: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection."""
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) > self.limit_concurrency:
            transport.abort()
            return
        self._wait(HEADERS_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        if self._guard is not None:
            self._guard.cancel()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request, not forever either."""
        self.scope = None  # type: ignore[assignment]
        self._wait(IDLE_S + HEADERS_S)
        super().on_response_complete()

    def _wait(self, seconds: float) -> None:
        if self._guard is not None:
            self._guard.cancel()
        self._guard = self.loop.call_later(seconds, self._close_dawdler)

    def _close_dawdler(self) -> None:
        if self.scope is None:
            self.transport.abort()


class WebSocketConnection(WebSocketsSansIOProtocol):
    """Drop the connection of a viewer that was closed and still does not read."""

    async def run_asgi(self) -> None:
        """Serve the websocket, then see to it that its connection ends."""
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(LINGER_S, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """End a connection whose other end has gone."""
        super().keepalive_timeout()
        self.loop.call_later(LINGER_S, self.transport.abort)


class _Server(uvicorn.Server):
    """Leave the signals to `serve`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:  # type: ignore[override]
        yield


def listen(settings: MonitorSettings) -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises:
        InputError: the port is in use, or the address is none of this machine.
    """
    try:
        found = socket.getaddrinfo(
            settings.host or None, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", "no host name")
        raise InputError.of("host", "an address of this machine", f"{settings.host!r} ({why})") from None
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise InputError(_why(error, settings)) from None
    listening.setblocking(False)
    return listening


def server_config(app: Any, settings: MonitorSettings) -> uvicorn.Config:
    """Return how uvicorn serves the application."""
    return uvicorn.Config(
        app,
        http=WebRequest,
        ws=WebSocketConnection,
        loop="asyncio",
        ws_max_size=settings.max_message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        limit_concurrency=settings.max_clients + SPARE_CONNECTIONS,
        h11_max_incomplete_event_size=16384,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=GRACE_S,
        access_log=False,
        log_config=None,
        log_level="critical",
        proxy_headers=False,
        server_header=False,
        lifespan="on",
    )


async def serve(
    service: Service,
    listening: socket.socket,
    ready: Callable[[str], None] | None = None,
    stop: asyncio.Event | None = None,
) -> bool:
    """Serve until SIGTERM, SIGINT or `stop`; then end in order: viewers are told, files are closed.

    Args:
        service: what is shown.
        listening: from `listen`.
        ready: told the page's address once it is served.
        stop: set it to end.

    Returns:
        Whether a signal ended it.
    """
    settings, stop, loop = service.settings, stop or asyncio.Event(), asyncio.get_running_loop()
    signals: list[int] = []
    server = _Server(server_config(make_app(service, settings), settings))
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):  # not the main thread
            loop.add_signal_handler(number, _end, stop, signals, number)
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    stopping = asyncio.ensure_future(stop.wait())
    try:
        while not (server.started or serving.done()):
            await asyncio.sleep(0.01)
        if ready is not None and not serving.done():
            ready(settings.url(listening.getsockname()[1]))
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        await service.stop()
    finally:
        stopping.cancel()
        server.should_exit = True
        await serving
    return bool(signals)


def _end(stop: asyncio.Event, signals: list[int], number: int) -> None:
    signals.append(number)
    stop.set()


def _why(error: OSError, settings: MonitorSettings) -> str:
    where = f"{settings.host or 'every address'}, port {settings.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use already. Stop the other program or choose another port: --port {settings.port + 1}."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{settings.host} is not an address of this machine. Give one of its own, or 127.0.0.1."
    if error.errno == errno.EACCES:
        return f"{where} needs rights that you have not. Choose a port above 1023."
    return f"{where} cannot be listened on: {error.strerror}."
