"""How the monitor is served: where, to whom, how much."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from radarode.core.errors import InputError
from radarode.monitor.limits import Limits

TOKEN_VARIABLE = "RADARODE_TOKEN"
MIN_TOKEN = 16
LOCAL_HOSTS = ("127.0.0.1", "::1", "localhost")
"""Hosts that only this machine reaches under names a page from elsewhere cannot take. 127.0.0.2 is none of them."""

_RANGES: tuple[tuple[str, float, float], ...] = (
    ("port", 0, 65535),
    ("max_clients", 1, 10_000),
    ("max_message_bytes", 256, 65536),
    ("messages_per_s", 0.1, 1000),
    ("history_min", 1, 24 * 60),
    ("first_s", 0, 300),
    ("stall_s", 1, 300),
    ("queue_bytes", 65536, 2**30),
)


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """Say how the monitor is served.

    Attributes:
        host: address to listen on; without a token one of `LOCAL_HOSTS`.
        port: 0 takes a free one.
        token: what a viewer must know, at least 16 characters; None for nothing.
        allowed_hosts: further names under which the page may be opened.
        max_clients: viewers at a time.
        max_message_bytes: largest message from a viewer.
        messages_per_s: what a viewer may send on average; twice as many at once.
        history_min: how far back a page can look.
        first_s: what a page is filled with when it opens.
        stall_s: a viewer that reads nothing for so long is closed.
        queue_bytes: what may wait for a viewer; beyond it its oldest binary messages are dropped and counted.
        limits: alarm limits that streams begin with.

    Raises:
        InputError: a value out of its range, or a host that others reach without a token.
    """

    host: str = "127.0.0.1"
    port: int = 8642
    token: str | None = field(default=None, repr=False)
    allowed_hosts: tuple[str, ...] = ()
    max_clients: int = 256
    max_message_bytes: int = 4096
    messages_per_s: float = 10.0
    history_min: float = 60.0
    first_s: float = 30.0
    stall_s: float = 10.0
    queue_bytes: int = 2**20
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            if not low <= getattr(self, name) <= high:
                raise InputError.of(name, f"between {low:g} and {high:g}", getattr(self, name))
        if self.token is not None:
            _check_token(self.token)
        elif self.host not in LOCAL_HOSTS:
            raise InputError(
                f"{self.host or 'every address'} may be reached by others, so it needs a token of at least {MIN_TOKEN} "
                f"characters: --token-file FILE or the variable {TOKEN_VARIABLE}; or listen on 127.0.0.1."
            )

    def url(self, port: int | None = None) -> str:
        """Return the page's address, without the token."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port if port is None else port}/"


def find_token(
    token: str | None = None, file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> str | None:
    """Return the token: given, from a file, or from the variable `RADARODE_TOKEN`, the first that is there.

    Raises:
        InputError: the file holds no token.
        OSError: the file cannot be read.
    """
    if token is not None:
        return token
    if file is not None:
        found = file.read_bytes()[:4096].decode("utf-8", "replace").strip()
        if not found:
            raise InputError(f"{file} holds no token. Write one line of at least {MIN_TOKEN} characters into it.")
        return found
    return environ.get(TOKEN_VARIABLE) or None


def _check_token(token: str) -> None:
    if len(token) < MIN_TOKEN or not (token.isascii() and token.isprintable()) or any(map(str.isspace, token)):
        rule = f"at least {MIN_TOKEN} printable ASCII characters without spaces"
        raise InputError.of("token", rule, f"{len(token)} characters", "`openssl rand -hex 16` makes a good one")
