"""Walk the bad-input list of raw captures at the command line: one line that names the fault, exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.cli import main
from radarode.radar.describe_file import save_radar
from radarode.radar.fmcw import FmcwRadar

Maker = Callable[[Path, Path], list[str]]


def fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    assert len(lines) == 1, f"one line, not {lines}"
    assert lines[0].startswith("error: ")
    assert captured.out == ""
    return lines[0]


def changed(folder: Path, raw: Path, change: Callable[[np.ndarray], np.ndarray]) -> str:
    path = folder / "changed.bin"
    change(np.fromfile(raw, dtype="<i2")).tofile(path)
    return str(path)


def write(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def pickled(folder: Path) -> str:
    np.save(folder / "p.npy", np.array([{}], dtype=object), allow_pickle=True)
    return str(folder / "p.npy")


CASES: dict[str, tuple[Maker, str]] = {
    "missing": (lambda folder, raw: [str(folder / "none.bin")], "there is no file"),
    "folder": (lambda folder, raw: [str(folder)], "not a regular file"),
    "empty": (lambda folder, raw: [write(folder, "e.bin", b"")], "is empty"),
    "foreign": (lambda folder, raw: [write(folder, "song.mp3", b"ID3" + bytes(999))], "known layouts are"),
    "undescribed": (lambda folder, raw: [str(raw)], "does not describe its radar"),
    "unknown preset": (lambda folder, raw: [str(raw), "--radar", "awr1842"], "Did you mean `awr1843`"),
    "no description": (lambda folder, raw: [str(raw), "--radar", str(folder / "no.toml")], "there is no file"),
    "damaged description": (
        lambda folder, raw: [str(raw), "--radar", write(folder, "d.toml", b"kind = [")],
        "d.toml: not a TOML file",
    ),
    "binary description": (
        lambda folder, raw: [str(raw), "--radar", write(folder, "d.cfg", bytes(range(256)))],
        "d.cfg: the command channelCfg is missing",
    ),
    "other radar": (lambda folder, raw: [str(raw), "--radar", "cw24"], "comes from a chirping radar"),
    "other order": (
        lambda folder, raw: [str(raw), "--radar", str(folder / "four.toml")],
        "it looks like 2-lane complex with 64 samples",
    ),
    "short": (
        lambda folder, raw: [changed(folder, raw, lambda values: values[:99]), "--radar", str(folder / "small.toml")],
        "less than one frame",
    ),
    "saturated": (
        lambda folder, raw: [
            changed(folder, raw, lambda values: np.where(values > 0, 32767, values).astype("<i2")),
            *("--radar", str(folder / "small.toml")),
        ],
        "is saturated",
    ),
    "packets": (
        lambda folder, raw: [str(raw), "--radar", str(folder / "small.toml"), "--layout", "dca1000-packets"],
        "do not go with their numbers",
    ),
    "share": (lambda folder, raw: [str(raw), "--max-lost", "2"], "`max_lost` must be a share"),
    "layout": (lambda folder, raw: [str(raw), "--layout", "dca"], "`layout` must be one of"),
    "pcapng": (
        lambda folder, raw: [write(folder, "a.pcapng", b"\x0a\x0d\x0d\x0a" + bytes(99)), "--radar", "awr1843"],
        "editcap",
    ),
    "pickle": (lambda folder, raw: [pickled(folder)], "pickled"),
    "truncated HDF5": (
        lambda folder, raw: [write(folder, "a.h5", b"\x89HDF\r\n\x1a\n" + bytes(90))],
        "not a readable HDF5",
    ),
    "truncated MATLAB": (
        lambda folder, raw: [write(folder, "a.mat", b" " * 124 + b"\x00\x01IM" + b"\x0e\x00\x00\x00\xff\xff\x00\x00")],
        "truncated",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_bad_input(case: str, tmp_path: Path, raw: Path, small: FmcwRadar, capsys: pytest.CaptureFixture[str]):
    save_radar(tmp_path / "small.toml", small)
    save_radar(tmp_path / "four.toml", replace(small, lanes=4))
    maker, message = CASES[case]
    assert message in fails(["capture-info", *maker(tmp_path, raw)], capsys)


def test_random_bytes_never_end_in_a_traceback(
    tmp_path: Path, rng: np.random.Generator, capsys: pytest.CaptureFixture[str]
):
    heads = {
        "a.npy": b"\x93NUMPY\x01\x00",
        "a.h5": b"\x89HDF\r\n\x1a\n",
        "a.pcap": b"\xd4\xc3\xb2\xa1" + bytes(16) + b"\x01\x00\x00\x00",
        "a.mat": b" " * 124 + b"\x00\x01IM",
    }
    for name, head in heads.items():
        for _ in range(20):
            path = write(tmp_path, name, head + rng.bytes(3000))
            fails(["capture-info", path, "--radar", "awr1843"], capsys)
