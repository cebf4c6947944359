"""`radarode monitor` and `radarode serve` as processes: they serve, record, refuse, and end in order."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import websockets
import wfdb

from radarode.cli import main
from radarode.core.notice import NOTICE
from radarode.models.config import preset
from radarode.models.pretrained import save_model
from radarode.models.radarode_mtl import build_model
from radarode.monitor.server import listen
from radarode.monitor.settings import MonitorSettings
from radarode.tasks.settings import TaskSettings

TOKEN = "a-token-of-sufficient-length"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights") / "tiny"
    facts = {"tasks": TaskSettings().to_dict(), "scaling": "log_mean", "transform": {"name": "sst"}}
    save_model(folder, build_model(preset("tiny"), 0), facts)
    return folder


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a command until it has told its address; end it if the test did not."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "radarode", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line.startswith("http://"), line + process.stdout.read()
            yield process, line.split()[0]
        finally:
            process.kill()


def status_of(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


async def seconds_seen(url: str, seconds: float) -> dict[str, object]:
    """Watch until the stream is so old; return its last state."""
    async with websockets.connect(f"{url.replace('http', 'ws')}ws", proxy=None, max_queue=None) as viewer:
        async with asyncio.timeout(60):
            while True:
                message = await viewer.recv()
                if isinstance(message, str):
                    state = json.loads(message)
                    if state["type"] == "state" and state["stream_s"] >= seconds:
                        return state


def test_it_serves_records_and_ends_in_order_on_sigterm(weights: Path, tmp_path: Path) -> None:
    record = tmp_path / "recorded"
    source = ("simulate:3", "--channels", "4", "--port", "0", "--weights", str(weights), "--record", str(record))
    with running("monitor", *source) as (process, url):
        state = asyncio.run(seconds_seen(url, 8.0))
        assert state["recording"]["path"].startswith(str(record))  # type: ignore[index]
        assert state["recording"]["error"] is None  # type: ignore[index]
        assert status_of(f"{url}health") == 200
        assert status_of(url) == 200
        assert status_of(url, Host="evil.example") == 421
        begun_s = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - begun_s < 5.0
        assert process.stdout is not None
        assert NOTICE in process.stdout.read()
    (header,) = record.glob("*.hea")
    read = wfdb.rdrecord(str(header.with_suffix("")))
    assert read.sig_len >= 200 * 5
    assert any("SIMULATED" in comment for comment in read.comments)


def test_a_service_of_a_file_wants_its_token(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    config = tmp_path / "serve.yaml"
    config.write_text(
        f"port: 0\nhost: 127.0.0.2\ntoken_file: {tmp_path / 'token'}\nweights: {weights}\nstreams:\n"
        "  - {name: a, source: simulate, options: {channels: 4}}\n  - {name: b, source: /nowhere.h5}\n"
    )
    assert main(["serve", str(config), "--check"]) == 0
    with running("serve", str(config)) as (process, url):
        assert url.startswith("http://127.0.0.2:")
        assert status_of(f"{url}metrics") == 401
        assert status_of(f"{url}metrics", Authorization=f"Bearer {TOKEN}") == 200
        assert status_of(f"{url}health") == 503, "one of the streams has no source"
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stdout is not None
        told = process.stdout.read()
    assert "nowhere.h5" in told
    assert TOKEN not in told


def line_of(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    return line


def test_others_need_a_token(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RADARODE_TOKEN", raising=False)
    for host in ("127.0.0.2", "0.0.0.0", "::", "192.0.2.1"):
        assert "needs a token" in line_of(["monitor", "--host", host], capsys)
    assert "at least 16" in line_of(["monitor", "--host", "0.0.0.0", "--token", "short"], capsys)


def test_bad_input_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "SEED" in line_of(["monitor", "simulate:x"], capsys)
    assert "nowhere.h5 is no file" in line_of(["monitor", "simulate", str(tmp_path / "nowhere.h5")], capsys)
    assert "is no file" in line_of(["monitor", "simulat"], capsys)
    assert "nowhere" in line_of(["monitor", "--weights", str(tmp_path / "nowhere")], capsys)
    assert "nowhere" in line_of(["monitor", "--token-file", str(tmp_path / "nowhere")], capsys)
    assert "nowhere" in line_of(["serve", str(tmp_path / "nowhere.yaml")], capsys)
    assert "radar" in line_of(["monitor", "udp:4098"], capsys)


def test_a_port_in_use_is_one_line(capsys: pytest.CaptureFixture[str], weights: Path) -> None:
    with listen(MonitorSettings(port=0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = ["monitor", "--port", port, "--weights", str(weights)]
        assert "is in use already" in line_of(arguments, capsys)
