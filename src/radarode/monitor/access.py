"""Who may see the monitor: the name it is opened under, where a page comes from, the token; and headers for browsers.

A page of another site cannot reach the monitor by letting its own name point at this machine (the Host header is
checked), cannot open its websocket or fetch its data (Origin and Sec-Fetch-Site are), and cannot put it into a frame.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from radarode.monitor.settings import LOCAL_HOSTS, MonitorSettings

SUBPROTOCOL = "radarode"
TOKEN_PREFIX = "radarode.token."
"""A websocket may carry the token as a subprotocol, `radarode.token.TOKEN`, beside `radarode`, which is answered."""

WILDCARDS = ("0.0.0.0", "::", "")
MAX_URL = 2048

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def host_allowed(host: str | None, settings: MonitorSettings) -> bool:
    """Return whether the monitor may be opened under a Host header.

    Where every address is listened on, any bare IP address will do: only names can be made to point elsewhere.

    Example:
        >>> [host_allowed(host, MonitorSettings()) for host in ("127.0.0.1:8642", "[::1]:80", "evil.example", None)]
        [True, True, False, False]
    """
    name = _name(host)
    if name is None:
        return False
    allowed = {*LOCAL_HOSTS, *(known.lower().strip("[]") for known in settings.allowed_hosts)}
    if settings.host not in WILDCARDS:
        return name in allowed | {settings.host.lower()}
    return name in allowed or _is_address(name)


def same_origin(origin: str | None, host: str | None) -> bool:
    """Return whether a page at `origin` was served by `host`; programs that are no browsers send no origin.

    Example:
        >>> same_origin("http://127.0.0.1:8642", "127.0.0.1:8642"), same_origin(None, "x"), same_origin("null", "x")
        (True, True, False)
    """
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
        theirs = (parts.hostname, parts.port or _default_port(parts.scheme))
        mine = urlsplit(f"{parts.scheme}://{host}")
        return parts.scheme in ("http", "https") and theirs == (mine.hostname, mine.port or _default_port(mine.scheme))
    except ValueError:
        return False


def token_right(given: str | None, token: str | None) -> bool:
    """Return whether the right token was given, taking the same time for every wrong one; None wants none."""
    if token is None:
        return True
    return given is not None and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def offered_token(headers: Headers, subprotocols: Iterable[str] = ()) -> str | None:
    """Return the token of an Authorization header or of a websocket's subprotocols, or None."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value.strip():
        return value.strip()
    return next((one.removeprefix(TOKEN_PREFIX) for one in subprotocols if one.startswith(TOKEN_PREFIX)), None)


class Guard:
    """Refuse what may not come in, before anything else sees it, and add the headers to every answer.

    Args:
        app: what stands behind it.
        settings: allowed hosts.
        refused: counts refusals by reason.
    """

    def __init__(self, app: ASGIApp, settings: MonitorSettings, refused: Counter[str]) -> None:
        self._app, self._settings, self._refused = app, settings, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a websocket."""
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)

        async def sent(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            return await self._app(scope, receive, sent)
        status, reason = refusal
        self._refused[reason] += 1
        await PlainTextResponse(f"{reason}\n", status)(scope, receive, sent)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        if len(headers.getlist("host")) != 1 or not host_allowed(headers["host"], self._settings):
            return 421, "this name is not one of the monitor's"
        if not same_origin(headers.get("origin"), headers["host"]):
            return 403, "pages of other sites have no access"
        navigation = scope["type"] == "http" and headers.get("sec-fetch-mode") == "navigate" and scope["path"] == "/"
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not navigation:
            return 403, "pages of other sites have no access"
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_URL:
            return 414, "too long an address"
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            return 405, "only GET and HEAD"
        return None


def _name(host: str | None) -> str | None:
    """Return the host without its port, in lower case; None where it is not one."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018  # raises where it is not a port
    except ValueError:
        return None
    return parts.hostname if host and parts.netloc == host and "@" not in host else None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80
