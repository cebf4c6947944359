"""`radarode stream`: headless, from a simulated person into files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import edfio
import pytest
import wfdb

from radarode.cli import main
from radarode.core.notice import NOTICE


def test_simulated_person_into_both_kinds_of_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = ["--to", f"wfdb:{tmp_path / 'w'}", "--to", f"edf:{tmp_path / 'e'}", "--speed", "5", "--seconds", "5"]
    assert main(["stream", "simulate:3", "--channels", "4", "--heart-bpm", "70", *wanted]) == 0
    out = capsys.readouterr().out
    assert NOTICE in " ".join(out.split())
    assert "SIMULATED" in out
    assert "recorded into" in out
    (header,) = (tmp_path / "w").glob("*.hea")
    (edf,) = (tmp_path / "e").glob("*.edf")
    record = wfdb.rdrecord(str(header.with_suffix("")))
    assert record.sig_len > 400
    assert "SIMULATED motion" in record.comments
    assert edfio.read_edf(edf).num_data_records >= record.sig_len // 200


def test_ctrl_c_stops_gracefully(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "radarode", "stream", "simulate", "--channels", "2", "--to", f"edf:{tmp_path}"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    )
    until_s = time.monotonic() + 120
    while not list(tmp_path.glob("*.edf")) and time.monotonic() < until_s and running.poll() is None:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    out, errors = running.communicate(timeout=60)
    assert (running.returncode, "Traceback" in errors) == (0, False)
    assert "ended after" in out
    (edf,) = tmp_path.glob("*.edf")
    assert edfio.read_edf(edf).num_data_records >= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["simulate", "--to", "ftp:x"], "sink"),
        (["simulate", "--seconds", "0"], "seconds"),
        (["simulate", "--heart-bpm", "fast"], "heart_bpm"),
        (["simulate", "--loop"], "loop"),
        (["no-such-file.mat"], "no-such-file.mat"),
        (["lsl:radarode no such stream", "--timeout", "0.3"], "no LSL stream"),
        (["mqtt://127.0.0.1:1/x", "--timeout", "0.3"], "cannot be reached"),
        (["udp:4098"], "radar"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stream", *arguments]) == 2
    errors = capsys.readouterr().err.strip()
    assert errors.startswith("error: ")
    assert words in errors
    assert "\n" not in errors
