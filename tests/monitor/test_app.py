"""The monitor as browsers, programs and strangers meet it: over real connections."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import io
import json
import os
import socket
import struct
import zipfile
from pathlib import Path
from typing import Any

import edfio
import httpx
import numpy as np
import pytest
import websockets
import wfdb

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE, SHORT_NOTICE
from radarode.monitor.messages import encode
from radarode.monitor.protocol import unpack, unpack_many
from radarode.monitor.server import listen
from radarode.monitor.settings import MonitorSettings
from tests.monitor.fakes import Running, next_of, until

TOKEN = "a-token-of-sufficient-length"
SECRET = MonitorSettings(port=0, token=TOKEN)


async def code_of(viewer: websockets.ClientConnection) -> int | None:
    """Read until the websocket is closed; return its code."""
    try:
        async with asyncio.timeout(10.0):
            while True:
                await viewer.recv()
    except websockets.ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None


def test_the_page_and_its_files_are_served_with_types_and_nothing_else_is() -> None:
    async def story() -> None:
        async with Running() as monitor:
            page = await monitor.get("/")
            assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert "server" not in page.headers
            icon = await monitor.get("/static/icon.svg")
            assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
            assert icon.headers["cache-control"] == "no-cache"
            again = await monitor.get("/static/icon.svg", If_None_Match=icon.headers["etag"])
            assert (again.status_code, again.content) == (304, b"")
            script = await monitor.get("/static/vendor/uplot/uPlot.esm.js")
            assert (script.status_code, script.headers["content-type"]) == (200, "text/javascript; charset=utf-8")
            for path in (
                "/static/", "/static/nowhere.js", "/nowhere", "/static/../app.py", "/static/%2e%2e/app.py",
                "/static/..%2fapp.py", "/static//etc/passwd", "/static/js", "/static/%00", "/index.html",
            ):  # fmt: skip
                refused = await monitor.get(path)
                assert refused.status_code == 404, path
                assert refused.headers["x-content-type-options"] == "nosniff"

    asyncio.run(story())


def test_a_viewer_is_filled_at_once_and_then_kept_up_to_date() -> None:
    async def story() -> None:
        async with Running("fed") as monitor:
            await monitor.feed(100)
            async with monitor.connect() as viewer:
                hello = json.loads(await viewer.recv())
                assert (hello["type"], hello["notice"], hello["history_s"]) == ("hello", NOTICE, 3600)
                (stream,) = hello["streams"]
                assert (stream["number"], stream["name"], stream["simulated"]) == (0, "stream 0", True)
                kind, _, first_s, rate_hz, (_, columns), values = unpack(await viewer.recv())
                assert (kind, rate_hz) == ("ecg", 200.0)
                assert first_s + columns / 200 == 97.5, "2.5 s behind the motion"
                assert columns / 200 == monitor.settings.first_s - 2.5
                assert not np.isnan(values).any()
                end_s = first_s + columns / 200
                for _ in range(5):  # what comes then joins on without a gap or an overlap
                    await monitor.feed(0.5)
                    while True:
                        message = await viewer.recv()
                        if isinstance(message, bytes) and message[1] == 1:
                            break
                    _, _, first_s, _, (_, columns), _ = unpack(message)
                    assert first_s == pytest.approx(end_s)
                    end_s += columns / 200

    asyncio.run(story())


def test_history_is_given_in_pieces() -> None:
    async def story() -> None:
        async with Running("fed") as monitor:
            await monitor.feed(60)
            monitor.service.lines[0].watch.mark(20.0, "moved")
            answer = await monitor.get("/history?stream=0&from_s=10&to_s=30")
            assert answer.headers["content-type"] == "application/octet-stream"
            messages = unpack_many(answer.content)
            kinds = {found[0]: found for found in map(unpack, (m for m in messages if m[:1] == b"\x01"))}
            assert kinds["ecg"][2:5] == (10.0, 200.0, (1, 4000))
            assert kinds["motion"][2:5] == (10.0, 200.0, (1, 4000))
            assert kinds["spectrogram"][2:5] == (10.0, 30.0, (20, 600))
            words = [json.loads(m) for m in messages if m[:1] == b"{"]
            assert words[0] == json.loads(encode("beats", stream=0, r_s=list(range(10, 30)), quality=[0.9] * 20))
            assert words[1] == {"type": "event", "stream": 0, "at_s": 20.0, "text": "moved"}
            assert (await monitor.get("/history?stream=0&from_s=5000&to_s=5010")).content == b""
            for query in (
                "", "stream=0", "stream=9&from_s=0&to_s=1", "stream=-1&from_s=0&to_s=1", "stream=0&from_s=x&to_s=1",
                "stream=0&from_s=nan&to_s=1", "stream=0&from_s=2&to_s=1", "stream=0&from_s=0&to_s=1e9",
                "stream=0&from_s=0&to_s=" + "9" * 50,
            ):  # fmt: skip
                assert (await monitor.get(f"/history?{query}")).status_code == 400, query

    asyncio.run(story())


def test_the_last_minutes_are_exported_in_every_format(tmp_path: Path) -> None:
    async def story() -> dict[str, Any]:
        async with Running("fed") as monitor:
            assert (await monitor.get("/export?stream=0&minutes=1")).status_code == 400, "nothing has settled yet"
            await monitor.feed(100)
            monitor.service.lines[0].watch.mark(80.0, "=sat up, ünwell")
            answers = {}
            for kind in ("wfdb", "edf", "csv"):
                answers[kind] = await monitor.get(f"/export?stream=0&minutes=0.5&format={kind}")
            for query in ("stream=0&minutes=0", "stream=0&minutes=61", "stream=0&minutes=1&format=exe", "minutes=1"):
                assert (await monitor.get(f"/export?{query}")).status_code == 400, query
            return answers

    answers = asyncio.run(story())
    name = "stream-0-SIMULATED-ecg"
    assert answers["edf"].headers["content-disposition"] == f'attachment; filename="{name}.edf"'
    (tmp_path / "a.edf").write_bytes(answers["edf"].content)
    edf = edfio.read_edf(tmp_path / "a.edf")
    texts = [(note.onset, note.text) for note in edf.annotations]
    assert NOTICE in [text for _, text in texts]
    assert (0.0, "from SIMULATED motion") in texts
    (marked_s,) = [at for at, text in texts if text == "=sat up, ünwell"]
    r_s = [at for at, text in texts if text == "R peak"]
    assert len(r_s) == 30
    assert min(abs(np.array(r_s) - marked_s)) < 0.01, "beats stand at whole seconds, as the event does"
    for kind in ("wfdb", "csv"):
        archive = zipfile.ZipFile(io.BytesIO(answers[kind].content))
        assert "SIMULATED" in archive.read("README.txt").decode()
        archive.extractall(tmp_path)
    header = wfdb.rdheader(str(tmp_path / name))
    assert f"{SHORT_NOTICE}; from SIMULATED motion" in header.comments
    assert header.sig_len == 6000
    assert len(wfdb.rdann(str(tmp_path / name), "qrs").sample) == 30
    events = wfdb.rdann(str(tmp_path / name), "evt")
    assert events.aux_note == ["=sat up, ?nwell"]
    assert events.sample[0] / 200 == pytest.approx(marked_s, abs=0.01)
    rows = list(csv.reader((tmp_path / f"{name}-events.csv").read_text().splitlines()))
    assert ",".join(rows[0]) == f"# {SHORT_NOTICE}; from SIMULATED motion"
    assert rows[2] == [f"{marked_s:.4f}", "'=sat up, ünwell"]


def test_health_is_200_while_every_stream_lives() -> None:
    async def story() -> None:
        async with Running("run") as monitor:
            await until(lambda: monitor.service.lines[0].live)
            answer = await monitor.get("/health")
            assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        async with Running("run", "fails") as monitor:
            await until(lambda: monitor.service.lines[1].state == "failed")
            answer = await monitor.get("/health")
            assert answer.status_code == 503
            assert answer.json()["streams"]["stream 1"]["error"] == "the source cannot be reached."

    asyncio.run(story())


@pytest.mark.parametrize("path", ["/history?stream=0&from_s=0&to_s=1", "/export?stream=0&minutes=1", "/metrics"])
def test_without_the_token_no_data(path: str) -> None:
    async def story() -> None:
        async with Running("fed", settings=SECRET) as monitor:
            await monitor.feed(20)
            for given in (
                {},
                {"Authorization": "Bearer wrong-token-of-some-length"},
                {"Authorization": f"Basic {TOKEN}"},
            ):
                refused = await monitor.get(path, **given)
                assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert (await monitor.get(f"{path}{'&' if '?' in path else '?'}token={TOKEN}")).status_code == 401
            assert (await monitor.get(path, Authorization=f"Bearer {TOKEN}")).status_code == 200
            assert (await monitor.get("/")).status_code == 200, "the page itself asks for the token"
            assert list((await monitor.get("/health")).json()) == ["status"]

    asyncio.run(story())


def test_a_websocket_wants_the_token_in_one_of_three_ways(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with Running(settings=SECRET) as monitor:
            async with monitor.connect(additional_headers={"Authorization": f"Bearer {TOKEN}"}) as viewer:
                await next_of(viewer, "hello")
            protocols = ["radarode", f"radarode.token.{TOKEN}"]
            async with monitor.connect(subprotocols=protocols) as viewer:
                assert viewer.subprotocol == "radarode", "the token is not sent back"
                await next_of(viewer, "hello")
            async with monitor.connect() as viewer:
                await viewer.send(json.dumps({"type": "token", "token": TOKEN}))
                await next_of(viewer, "hello")
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with monitor.connect(additional_headers={"Authorization": "Bearer wrong-wrong-wrong"}):
                    pass
            assert refused.value.response.status_code == 401
            async with monitor.connect(subprotocols=["radarode", "radarode.token.wrong-wrong-wrong"]) as viewer:
                assert await code_of(viewer) == 4401
            for first in (json.dumps({"type": "token", "token": "wrong"}), "garbage", '{"type":"silence"}', b"\x00"):
                async with monitor.connect() as viewer:
                    await viewer.send(first)
                    assert await code_of(viewer) == 4401
            assert monitor.service.refused["no token or a wrong one"] == 6
            assert monitor.service.hub.viewers == 0

    caplog.set_level(0)
    asyncio.run(story())
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(("websockets.client", "http"))]
    assert not any(TOKEN in text for text in ours), "the token is never logged"


def test_who_says_no_token_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radarode.monitor.app.TOKEN_WAIT_S", 0.1)

    async def story() -> None:
        async with Running(settings=SECRET) as monitor, monitor.connect() as viewer:
            assert await code_of(viewer) == 4401

    asyncio.run(story())


def test_where_too_many_wait_for_their_token_the_next_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radarode.monitor.app.MAX_WAITING", 1)

    async def story() -> None:
        async with Running(settings=SECRET) as monitor, monitor.connect():
            await asyncio.sleep(0.1)
            async with monitor.connect() as viewer:
                assert await code_of(viewer) == 1013
            assert monitor.service.refused == {"too many wait for their token": 1}

    asyncio.run(story())


def test_a_connection_that_dawdles_behind_its_first_request_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radarode.monitor.server.HEADERS_S", 0.9)
    monkeypatch.setattr("radarode.monitor.server.IDLE_S", 0.8)

    async def story() -> None:
        async with Running() as monitor:
            reader, writer = await asyncio.open_connection("127.0.0.1", monitor.port)
            asked = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{monitor.port}\r\n\r\n".encode()
            for _ in range(2):
                writer.write(asked)
                assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(0.45)
            writer.write(b"GET /hea")
            async with asyncio.timeout(10.0):
                with contextlib.suppress(ConnectionResetError):
                    while await reader.read(65536):
                        pass
            writer.close()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
    ],
)
def test_a_foreign_host_or_page_gets_no_websocket(headers: dict[str, str], status: int) -> None:
    async def story() -> None:
        async with Running() as monitor:
            asked = {"Host": f"127.0.0.1:{monitor.port}", **headers}
            lines = [f"{name}: {value}" for name, value in asked.items()]
            reader, writer = await asyncio.open_connection("127.0.0.1", monitor.port)
            writer.write(handshake(*lines))
            answer = (await reader.readline()).decode()
            assert answer.startswith(f"HTTP/1.1 {status} ")
            writer.close()
            await writer.wait_closed()
            assert monitor.service.hub.viewers == 0
            assert sum(monitor.service.refused.values()) == 1

    asyncio.run(story())


def handshake(*headers: str) -> bytes:
    lines = ["GET /ws HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
    return "\r\n".join([*lines, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", *headers, "", ""]).encode()


def test_the_pages_own_origin_gets_a_websocket() -> None:
    async def story() -> None:
        async with Running() as monitor, monitor.connect(origin=monitor.url) as viewer:
            await next_of(viewer, "hello")

    asyncio.run(story())


def frame(first: int, payload: bytes, *, mask: bool = True) -> bytes:
    """Return a raw websocket frame, right or wrong."""
    assert len(payload) < 126
    return bytes([first, (0x80 if mask else 0) | len(payload)]) + (bytes(4) if mask else b"") + payload


GARBAGE = {
    "noise": os.urandom(500),
    "unmasked": frame(0x81, b"{}", mask=False),
    "unknown opcode": frame(0x8B, b""),
    "reserved bits": frame(0xF1, b"{}"),
    "a fragment of nothing": frame(0x80, b"x"),
    "a long ping": bytes([0x89, 0xFE]) + struct.pack(">H", 200) + bytes(204),
    "not UTF-8": frame(0x81, b"\xff\xfe\x00"),
    "an endless message": bytes([0x81, 0xFF]) + struct.pack(">Q", 2**62) + bytes(100),
    "a message too long": bytes([0x81, 0xFE]) + struct.pack(">H", 60000) + bytes(4) + b"a" * 60000,
    "close with half a code": frame(0x88, b"\x03"),
}


@pytest.mark.parametrize("what", GARBAGE)
def test_malformed_frames_end_their_own_connection_only(what: str, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with Running() as monitor, monitor.connect() as other:
            reader, writer = await asyncio.open_connection("127.0.0.1", monitor.port)
            writer.write(handshake(f"Host: 127.0.0.1:{monitor.port}"))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
            await until(lambda: monitor.service.hub.viewers == 2)
            writer.write(GARBAGE[what])
            async with asyncio.timeout(5.0):
                while await reader.read(65536):
                    pass
            writer.close()
            await until(lambda: monitor.service.hub.viewers == 1)
            await next_of(other, "state")

    asyncio.run(story())
    assert not [r for r in caplog.records if r.levelname == "ERROR" and "UTF-8" not in r.getMessage()]


def test_garbage_instead_of_http_is_refused() -> None:
    async def story() -> None:
        async with Running() as monitor:
            for sent in (os.urandom(300), b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 10_000, b"\x16\x03\x01\x02\x00\x01"):
                reader, writer = await asyncio.open_connection("127.0.0.1", monitor.port)
                writer.write(sent + b"\r\n\r\n")
                async with asyncio.timeout(5.0):
                    with contextlib.suppress(ConnectionResetError):
                        assert not (await reader.read(65536)).startswith(b"HTTP/1.1 200")
                writer.close()
            assert (await monitor.get("/health")).status_code == 200

    asyncio.run(story())


def test_a_flood_and_a_message_too_long_are_closed_with_their_codes() -> None:
    async def story() -> None:
        async with Running() as monitor:
            async with monitor.connect() as viewer:
                for _ in range(100):
                    await viewer.send('{"type":"silence","stream":0,"for_s":0}')
                assert await code_of(viewer) == 4429
            async with monitor.connect() as viewer:
                await viewer.send("x" * 5000)
                assert await code_of(viewer) == 1009
            async with monitor.connect() as viewer:
                await viewer.send('{"type":"shutdown"}')
                assert await code_of(viewer) == 4400
            assert monitor.service.hub.closed == {"too many messages": 1, "unreadable message": 1}

    asyncio.run(story())


def test_a_viewer_that_does_not_read_is_dropped_and_its_connection_ended() -> None:
    settings = MonitorSettings(port=0, stall_s=1.0, queue_bytes=65536)

    async def story() -> None:
        async with Running(settings=settings) as monitor, monitor.connect() as quick:
            stalled = socket.socket()
            stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(stalled, ("127.0.0.1", monitor.port))
            await loop.sock_sendall(stalled, handshake(f"Host: 127.0.0.1:{monitor.port}"))
            await until(lambda: monitor.service.hub.viewers == 2)
            filler = bytes([1, 3]) + bytes(40_000)

            async def fill() -> None:
                while monitor.service.hub.viewers == 2:
                    monitor.service.hub.send(filler)
                    await asyncio.sleep(0.002)

            await asyncio.wait_for(fill(), 15.0)
            assert monitor.service.hub.closed["reads too slowly"] == 1
            assert monitor.service.hub.dropped > 0
            await next_of(quick, "state")
            await asyncio.sleep(1.2)
            async with asyncio.timeout(5.0):
                while await loop.sock_recv(stalled, 65536):
                    pass  # what was on its way still comes, then the end
            stalled.close()

    asyncio.run(story())


def test_a_viewer_too_many_is_told_so() -> None:
    async def story() -> None:
        async with Running(settings=MonitorSettings(port=0, max_clients=2)) as monitor:
            async with monitor.connect() as one, monitor.connect() as two:
                await next_of(one, "hello")
                await next_of(two, "hello")
                async with monitor.connect() as three:
                    assert await code_of(three) == 1013
            await until(lambda: monitor.service.hub.viewers == 0)
            async with monitor.connect() as again:
                await next_of(again, "hello")

    asyncio.run(story())


def test_twenty_viewers_see_the_same() -> None:
    async def story() -> None:
        async with Running(hop_s=0.1) as monitor:

            async def watch() -> list[bytes]:
                seen: list[bytes] = []
                async with monitor.connect() as viewer:
                    while len(seen) < 30:
                        message = await viewer.recv()
                        if isinstance(message, bytes) and message[1] == 1 and unpack(message)[2] >= 0.0:
                            seen.append(message)
                return seen

            seen = await asyncio.gather(*(watch() for _ in range(20)))
            first = max(unpack(one[0])[2] for one in seen)
            tails = [{m for m in one if unpack(m)[2] >= first} for one in seen]
            common = min(len(tail) for tail in tails)
            assert common >= 15
            assert monitor.service.hub.dropped == 0
            assert len(set.intersection(*tails)) >= common - 5

    asyncio.run(story())


def test_stopping_tells_viewers_and_ends_within_five_seconds() -> None:
    async def story() -> None:
        monitor = Running("run", "run")
        await monitor.__aenter__()
        async with monitor.connect() as viewer:
            await next_of(viewer, "hello")
            begun_s = asyncio.get_running_loop().time()
            closing = asyncio.ensure_future(code_of(viewer))
            await monitor.__aexit__()
            assert asyncio.get_running_loop().time() - begun_s < 5.0
            assert await closing == 1012
        assert all(runner.closed for runner in monitor.engine.runners)
        with pytest.raises(httpx.ConnectError):
            await monitor.get("/health")

    asyncio.run(story())


def test_a_port_in_use_or_a_foreign_address_is_one_line() -> None:
    with listen(MonitorSettings(port=0)) as taken, pytest.raises(InputError, match=r"is in use already.*--port"):
        listen(MonitorSettings(port=taken.getsockname()[1]))
    with pytest.raises(InputError, match="not an address of this machine"):
        listen(MonitorSettings(host="203.0.113.7", token=TOKEN))
    with pytest.raises(InputError, match="an address of this machine"):
        listen(MonitorSettings(host="no such host", token=TOKEN))
    with pytest.raises(InputError, match=r"`host` .*a\.\.b"):
        listen(MonitorSettings(host="a..b", token=TOKEN))
