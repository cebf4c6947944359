"""The peer that sends stored captures as a DCA1000 would."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from radarode.cli import main
from radarode.cli.replay_packets import parse_address, parse_blackout
from radarode.radar.describe_file import save_radar
from radarode.stream.player import Player
from radarode.stream.receiver import Receiver
from tests.stream.radar_udp import capture, radar


def received(receiver: Receiver, at_least: int) -> list[np.ndarray]:
    """Take packets until there are so many, or some seconds have passed, and once more."""
    packets, until_s = list[np.ndarray](), time.monotonic() + 10.0
    while True:
        enough = len(packets) >= at_least or time.monotonic() > until_s
        for batch in receiver.take(0.1):
            packets += [row[:length] for row, length in zip(batch.packets, batch.lengths, strict=True)]
        if enough:
            return packets


def test_the_command_sends_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = capture(tmp_path, 4.0)
    save_radar(tmp_path / "radar.toml", radar())
    receiver = Receiver("127.0.0.1", 0)
    options = ["--radar", str(tmp_path / "radar.toml"), "--to", f"127.0.0.1:{receiver.port}", "--speed", "10"]
    faults = ["--lost", "0.05", "--reordered", "0.05", "--corrupt", "0.02", "--blackout", "1:0.5", "--seed", "3"]
    begun_s = time.monotonic()
    assert main(["replay-packets", str(path), *options, *faults, "--json"]) == 0
    assert 0.35 < time.monotonic() - begun_s < 5
    told = json.loads(capsys.readouterr().out)
    n = told["packets"]
    assert n == Player(path, radar()).n_packets
    assert told["intact"] + told["reordered"] + told["missing"] == n
    assert (told["lost"], told["corrupt"], told["reordered"]) == tuple(round(share * n) for share in (0.05, 0.02, 0.05))
    assert told["blacked_out"] == pytest.approx(n / 8, abs=2)
    sent = n - told["lost"] - told["blacked_out"]
    assert len(received(receiver, sent)) == sent
    assert main(["replay-packets", str(path), *options]) == 0
    assert "a receiver must miss 0" in capsys.readouterr().out
    receiver.close()


def test_a_log_of_packets_is_sent_like_the_bare_stream(tmp_path: Path) -> None:
    raw = capture(tmp_path, 4.0)
    data, log = raw.read_bytes(), tmp_path / "packets.bin"
    with log.open("wb") as file:
        for number, at in enumerate(range(0, len(data), 1456), start=1):
            file.write(number.to_bytes(4, "little") + at.to_bytes(6, "little") + data[at : at + 1456])
    receiver = Receiver("127.0.0.1", 0)
    thread = threading.Thread(target=Player(log, radar(), speed=20).play, args=("127.0.0.1", receiver.port))
    thread.start()
    thread.join()
    packets = received(receiver, -(-len(data) // 1456))
    receiver.close()
    assert np.concatenate([packet[10:] for packet in packets]).tobytes() == data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "nowhere"], "HOST:PORT"),
        (["--blackout", "soon"], "START:SECONDS"),
        (["--lost", "0.9"], "between 0 and 0.3"),
        (["--speed", "0"], "`speed`"),
        (["--radar", "cw24"], "chirping"),
        (["--to", "no.such.host.invalid:4098"], "no host"),
        (["--to", "a..b:4098"], "no host a..b"),
    ],
)
def test_bad_input(options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = capture(tmp_path, 4.0)
    save_radar(tmp_path / "radar.toml", radar())
    given = options if "--radar" in options else ["--radar", str(tmp_path / "radar.toml"), *options]
    assert main(["replay-packets", str(path), *given]) == 2
    error = capsys.readouterr().err.strip()
    assert message in " ".join(error.split())
    assert "\n" not in error
    assert parse_address("[::1]:4098") == ("::1", 4098)
    assert parse_blackout("3:1.5") == (3.0, 1.5)
