"""The monitor as a web application: page, websocket, history, export, health, metrics."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from starlette.websockets import WebSocket

from radarode.core.errors import InputError
from radarode.monitor.access import SUBPROTOCOL, Guard, offered_token, token_right
from radarode.monitor.export import FORMATS, Export, make_export
from radarode.monitor.hub import FULL, GONE, NO_TOKEN
from radarode.monitor.messages import Token, UnreadableError, read_command
from radarode.monitor.metrics import exposition, make_registry
from radarode.monitor.protocol import pack_many
from radarode.monitor.service import Service
from radarode.monitor.settings import MonitorSettings

TOKEN_WAIT_S = 5.0
MAX_WAITING = 32
"""Websockets that may wait for their token at a time."""

MAX_HISTORY_S = 600.0
"""Longest stretch of one request; a page that scrolls asks for what it shows."""

MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


def static_folder() -> Path:
    """Return the folder of the page's files within the package."""
    return Path(str(resources.files("radarode") / "monitor" / "static"))


def make_app(service: Service, settings: MonitorSettings | None = None) -> Starlette:
    """Return the application; it starts the service with itself and stops it too.

    Args:
        service: what is shown.
        settings: of the monitor; the service's own where None.
    """
    pages = Pages(service, settings or service.settings)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        service.start()
        try:
            yield
        finally:
            await service.stop()

    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/health", pages.health),
            Route("/metrics", pages.metrics),
            Route("/history", pages.history),
            Route("/export", pages.export),
            WebSocketRoute("/ws", pages.watch),
            Mount("/static", PageFiles(directory=static_folder())),
        ],
        middleware=[Middleware(Guard, settings=pages.settings, refused=service.refused)],
        exception_handlers={HTTPException: _told, InputError: _bad_request},
        lifespan=lifespan,
    )


class PageFiles(StaticFiles):
    """Serve the page's files and no others, with types that do not depend on the machine."""

    def file_response(
        self, full_path: Any, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return a file, which browsers ask for anew each time and mostly need not be sent again."""
        media_type = MEDIA_TYPES.get(Path(full_path).suffix)
        if media_type is None:
            raise HTTPException(404)
        response = super().file_response(full_path, stat_result, scope, status_code)
        if response.status_code == 200:
            text = media_type.startswith(("text/", "application/json"))
            response.headers["Content-Type"] = f"{media_type}; charset=utf-8" if text else media_type
        response.headers["Cache-Control"] = "no-cache"
        return response


class Pages:
    """Answer requests and websockets.

    Args:
        service: what is shown.
        settings: of the monitor.
    """

    def __init__(self, service: Service, settings: MonitorSettings) -> None:
        self._service, self.settings = service, settings
        self._registry = make_registry(service)
        self._exporting = asyncio.Semaphore(1)
        self._waiting = 0

    async def index(self, _: Request) -> Response:
        """Return the page itself; it is no secret, what it shows is."""
        path = static_folder() / "index.html"
        if not path.is_file():
            raise HTTPException(404)
        headers = {"Cache-Control": "no-cache"}
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)

    async def health(self, request: Request) -> Response:
        """Return 200 when every stream lives, else 503; what is wrong only to those who know the token."""
        good, said = self._service.health()
        if not self._known(request):
            said = {"status": said["status"]}
        return JSONResponse(said, 200 if good else 503, headers={"Cache-Control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        """Return the metrics."""
        self._check_token(request)
        return Response(exposition(self._registry), media_type=CONTENT_TYPE_LATEST)

    async def history(self, request: Request) -> Response:
        """Return what a stream showed between two stream times."""
        self._check_token(request)
        line = self._service.line(int(_number(request, "stream")))
        from_s, to_s = _number(request, "from_s"), _number(request, "to_s")
        if not from_s < to_s <= from_s + MAX_HISTORY_S:
            raise InputError.of("to_s", f"after from_s, by at most {MAX_HISTORY_S:g} s", f"{to_s:g}")
        body = pack_many(line.watch.messages(from_s, to_s))
        return Response(body, media_type="application/octet-stream", headers={"Cache-Control": "no-store"})

    async def export(self, request: Request) -> Response:
        """Return the last minutes of a stream as a file."""
        self._check_token(request)
        line, minutes = self._service.line(int(_number(request, "stream"))), _number(request, "minutes")
        kind = request.query_params.get("format", "wfdb")
        if kind not in FORMATS:
            raise InputError.of("format", f"one of {', '.join(FORMATS)}", repr(kind))
        if not 0 < minutes <= self.settings.history_min:
            raise InputError.of("minutes", f"above 0, at most {self.settings.history_min:g}", f"{minutes:g}")
        if self._exporting.locked():
            raise HTTPException(429, "another export is being made; try again in a moment")
        async with self._exporting:
            made = await asyncio.to_thread(make_export, Export.of(line.watch, minutes), kind)
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"', "Cache-Control": "no-store"}
        return Response(made.body, media_type=made.media_type, headers=headers)

    async def watch(self, socket: WebSocket) -> None:
        """Let a viewer in, if it may, and show it everything."""
        offered = offered_token(socket.headers, socket.scope["subprotocols"])
        known = token_right(offered, self.settings.token)
        if not known and "authorization" in socket.headers:
            self._service.refused["no token or a wrong one"] += 1
            return await socket.send_denial_response(PlainTextResponse("no token or a wrong one\n", 401))
        try:
            await socket.accept(SUBPROTOCOL if SUBPROTOCOL in socket.scope["subprotocols"] else None)
            if not known and offered is None and self._waiting >= MAX_WAITING:
                self._service.refused["too many wait for their token"] += 1
                return await socket.close(FULL, "too many wait for their token")
            if known or (offered is None and await self._says_token(socket)):
                return await self._service.hub.serve(socket)
            self._service.refused["no token or a wrong one"] += 1
            await socket.close(NO_TOKEN, "no token or a wrong one")
        except GONE:
            return

    async def _says_token(self, socket: WebSocket) -> bool:
        """Wait for the token as first message."""
        self._waiting += 1
        try:
            async with asyncio.timeout(TOKEN_WAIT_S):
                command = read_command(await socket.receive_text(), {})
        except (TimeoutError, UnreadableError, InputError, KeyError):
            return False
        finally:
            self._waiting -= 1
        return isinstance(command, Token) and token_right(command.token, self.settings.token)

    def _known(self, request: Request) -> bool:
        return token_right(offered_token(request.headers), self.settings.token)

    def _check_token(self, request: Request) -> None:
        if not self._known(request):
            self._service.refused["no token or a wrong one"] += 1
            raise HTTPException(401, "no token or a wrong one", {"WWW-Authenticate": "Bearer"})


def _number(request: Request, name: str) -> float:
    text = request.query_params.get(name, "")
    try:
        value = float(text) if len(text) <= 32 else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError.of(name, "a number", repr(text[:32]) if text else "nothing")
    return value


async def _told(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)


async def _bad_request(_: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 400)
