"""Who is let in: names, origins, tokens."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers

from radarode.core.errors import InputError
from radarode.monitor.access import HEADERS, Guard, host_allowed, offered_token, same_origin, token_right
from radarode.monitor.settings import MonitorSettings, find_token

TOKEN = "a-token-of-sufficient-length"
LOCAL = MonitorSettings()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_this_machine_needs_no_token(host: str) -> None:
    assert MonitorSettings(host=host).token is None


@pytest.mark.parametrize(
    "host", ["127.0.0.2", "0.0.0.0", "::", "", "192.168.1.5", "monitor.example", "127.1", "LOCALHOST."]
)
def test_any_other_address_needs_a_token(host: str) -> None:
    with pytest.raises(InputError, match="needs a token"):
        MonitorSettings(host=host)
    assert MonitorSettings(host=host, token=TOKEN).host == host


@pytest.mark.parametrize(
    "token", ["", "short", "x" * 15, "with a space in it", "with\nnewline-in-the-middle", "ünïcödé-ünïcödé-ünïcödé"]
)
def test_a_token_that_is_easily_guessed_or_garbled_is_refused_without_being_told(token: str) -> None:
    with pytest.raises(InputError) as told:
        MonitorSettings(host="0.0.0.0", token=token)
    assert len(token) < 2 or token not in str(told.value)


def test_the_token_is_not_shown() -> None:
    assert TOKEN not in repr(MonitorSettings(token=TOKEN))


@pytest.mark.parametrize(
    "change", [{"port": -1}, {"port": 65536}, {"max_clients": 0}, {"history_min": 0}, {"stall_s": float("nan")}]
)
def test_settings_out_of_range_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        MonitorSettings(**change)


def test_the_token_is_found_where_it_is(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    environ = {"RADARODE_TOKEN": "from-the-environment"}
    assert find_token("given", file, environ) == "given"
    assert find_token(None, file, environ) == TOKEN
    assert find_token(None, None, environ) == "from-the-environment"
    assert find_token(None, None, {}) is None
    file.write_text(" \n")
    with pytest.raises(InputError, match="holds no token"):
        find_token(None, file, environ)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8642", "127.0.0.1.evil.example", "127.0.0.2", "10.0.0.7:8642", "user@127.0.0.1",
     "127.0.0.1:port", "127.0.0.1/", "", "[::1", None, "localhost.", "127.0.0.1:99999", "127.0.0.1#", "a b"],
)  # fmt: skip
def test_a_foreign_name_is_refused(host: str | None) -> None:
    assert not host_allowed(host, LOCAL)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8642", "localhost:1", "LOCALHOST", "[::1]:8642", "[::1]"])
def test_this_machines_own_names_are_allowed(host: str) -> None:
    assert host_allowed(host, LOCAL)


def test_further_names_are_allowed_when_they_are_given() -> None:
    settings = MonitorSettings(host="0.0.0.0", token=TOKEN, allowed_hosts=("Monitor.Example",))
    assert host_allowed("monitor.example:443", settings)
    assert host_allowed("192.168.1.5:8642", settings), "an address cannot be made to point elsewhere"
    assert not host_allowed("other.example", settings)
    one = MonitorSettings(host="192.168.1.5", token=TOKEN)
    assert host_allowed("192.168.1.5:8642", one)
    assert not host_allowed("192.168.1.6:8642", one)


@pytest.mark.parametrize(
    ("origin", "host", "same"),
    [
        ("http://127.0.0.1:8642", "127.0.0.1:8642", True),
        ("https://monitor.example", "monitor.example", True),
        ("https://monitor.example", "monitor.example:443", True),
        ("http://[::1]:8642", "[::1]:8642", True),
        (None, "127.0.0.1:8642", True),
        ("http://127.0.0.1:8643", "127.0.0.1:8642", False),
        ("http://localhost:8642", "127.0.0.1:8642", False),
        ("http://evil.example", "127.0.0.1:8642", False),
        ("null", "127.0.0.1:8642", False),
        ("", "127.0.0.1:8642", False),
        ("file://127.0.0.1:8642", "127.0.0.1:8642", False),
        ("http://127.0.0.1:port", "127.0.0.1:8642", False),
        ("http://[::1", "127.0.0.1:8642", False),
    ],
)
def test_only_the_monitors_own_pages_are_of_its_origin(origin: str | None, host: str, same: bool) -> None:
    assert same_origin(origin, host) is same


def test_only_the_token_itself_is_right() -> None:
    assert token_right(TOKEN, TOKEN)
    assert token_right(None, None)
    assert token_right("whatever", None)
    for wrong in (None, "", TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "ü" * 30, "\ud800" * 20):
        assert not token_right(wrong, TOKEN)


def test_a_token_may_come_in_a_header_or_a_subprotocol() -> None:
    assert offered_token(Headers({"authorization": f"Bearer {TOKEN}"})) == TOKEN
    assert offered_token(Headers({"authorization": f"bearer  {TOKEN} "})) == TOKEN
    assert offered_token(Headers({"authorization": f"Basic {TOKEN}"})) is None
    assert offered_token(Headers(), ["radarode", f"radarode.token.{TOKEN}"]) == TOKEN
    assert offered_token(Headers(), ["radarode"]) is None


def ask(headers: dict[str, str], *, kind: str = "http", **scope: Any) -> tuple[int, dict[str, str], Counter[str]]:
    """Ask a guarded application, which answers 200 to everything; "a|b" stands for two headers of a name."""
    sent: list[Any] = []
    refused: Counter[str] = Counter()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        prefix = "websocket." if kind == "websocket" else ""
        await send({"type": f"{prefix}http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), one.encode()) for name, value in headers.items() for one in value.split("|")]
    asked = {"type": kind, "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"", "headers": raw, **scope}
    asyncio.run(Guard(app, LOCAL, refused)(asked, None, send))  # type: ignore[arg-type]
    start = next(message for message in sent if message["type"].endswith("http.response.start"))
    return start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, refused


GOOD = {"host": "127.0.0.1:8642"}


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (GOOD, 200),
        ({**GOOD, "origin": "http://127.0.0.1:8642", "sec-fetch-site": "same-origin"}, 200),
        ({"host": "evil.example"}, 421),
        ({}, 421),
        ({**GOOD, "origin": "http://evil.example"}, 403),
        ({**GOOD, "origin": "null"}, 403),
        ({**GOOD, "sec-fetch-site": "cross-site"}, 403),
        ({**GOOD, "sec-fetch-site": "same-site"}, 403),
    ],
)
def test_the_guard_answers(kind: str, headers: dict[str, str], status: int) -> None:
    found, _, refused = ask(headers, kind=kind)
    assert found == status
    assert sum(refused.values()) == (status != 200)


def test_a_link_from_elsewhere_opens_the_page_but_fetches_no_data() -> None:
    link = {**GOOD, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert ask(link)[0] == 200
    assert ask(link, path="/export")[0] == 403


def test_two_hosts_are_none() -> None:
    assert ask({"host": "127.0.0.1|evil.example"})[0] == 421


@pytest.mark.parametrize(("scope", "status"), [({"method": "POST"}, 405), ({"query_string": b"a" * 3000}, 414)])
def test_what_no_page_asks_for_is_refused(scope: dict[str, Any], status: int) -> None:
    assert ask(GOOD, **scope)[0] == status


@pytest.mark.parametrize("headers", [GOOD, {"host": "evil.example"}])
def test_every_answer_tells_browsers_to_be_strict(headers: dict[str, str]) -> None:
    _, sent, _ = ask(headers)
    for name, value in HEADERS.items():
        assert sent[name.lower()] == value
    policy = sent["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
