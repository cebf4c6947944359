"""The file of `radarode serve` is read strictly, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from radarode.core.errors import InputError
from radarode.monitor.serve_config import read_config

GOOD = """
host: 127.0.0.1
port: 8700
alarms: {low_bpm: 45}
stream: {draw_after_s: 2.0}
streams:
  - name: bed 1
    source: simulate:7
    options: {heart_bpm: 60, channels: 50}
    record: FOLDER/one
    sinks: [lsl:bed-1]
  - {name: bed 2, source: "udp:4098", options: {radar: awr1843}, record: FOLDER/two, record_format: edf}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "serve.yaml"
    path.write_text(text.replace("FOLDER", str(folder)))
    return path


def test_a_service_is_read(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, GOOD))
    settings, specs = config.settings(), config.specs()
    assert (settings.port, settings.limits.low_bpm, config.stream.draw_after_s) == (8700, 45.0, 2.0)
    assert [spec.name for spec in specs] == ["bed 1", "bed 2"]
    assert specs[0].options == {"heart_bpm": 60, "channels": 50}
    assert specs[0].sinks == (f"wfdb:{tmp_path}/one", "lsl:bed-1")
    assert specs[1].sinks == (f"edf:{tmp_path}/two",)
    assert not (tmp_path / "one").exists(), "reading creates nothing"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("port:", "prot:"), r"unknown key `prot`. Did you mean `port`"),
        (("low_bpm", "low"), r"unknown key `alarms.low`"),
        (("low_bpm: 45", "low_bpm: 500"), "low_bpm"),
        (("port: 8700", "port: eight"), "`port` must be a whole number"),
        (("port: 8700", "port: 87000"), "port"),
        (("heart_bpm", "heart_rate"), r"stream 'bed 1': .*heart_rate"),
        (("simulate:7", "simulate:x"), r"stream 'bed 1': .*simulate:SEED"),
        (("name: bed 2", "name: bed 1"), "'bed 1' twice"),
        (("name: bed 2", "name: ../x"), "stream '../x': `name`"),
        (("name: bed 2, ", ""), r"`streams\[1\]` lacks `name`"),
        (("record_format: edf", "record_format: mp3"), "record_format"),
        (("    source: simulate:7\n", ""), r"`streams\[0\]` lacks `source`"),
        (("host: 127.0.0.1", "host: 127.0.0.2"), "needs a token"),
        (("host: 127.0.0.1", "token_file: FOLDER/nowhere"), "nowhere"),
        (("{radar: awr1843}", "{}"), "needs to know the radar"),
        (("streams:", "streams: ["), "not YAML"),
        (("heart_bpm: 60", "speed: fast"), "stream 'bed 1': an option has a value of the wrong kind"),
        (("channels: 50", "channels: '50'"), "stream 'bed 1': `channels`"),
        (("channels: 50", "channels: 2000"), "stream 'bed 1': `channels` .* 1024"),
        (("heart_bpm: 60", "1: 2"), "stream 'bed 1': "),
        (("lsl:bed-1", "foo"), "stream 'bed 1': `sink`"),
        (("lsl:bed-1", "'lsl:'"), "stream 'bed 1': `sink`"),
        (("lsl:bed-1", "mqtt://x"), "stream 'bed 1': `address`"),
        (("record: FOLDER/one", "record: ''"), "stream 'bed 1': `record`"),
    ],
)
def test_a_fault_is_one_line_that_names_it(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    assert change[0] in GOOD
    path = write(tmp_path, GOOD.replace(*change, 1))

    def start() -> None:
        config = read_config(path)
        config.settings()
        config.specs()

    with pytest.raises((InputError, OSError), match=told) as failed:
        start()
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    "text", ["", "[]", "streams: []", "streams:", "5", "streams: 5", "streams: [5]", "\x00", "&a [*a]"]
)
def test_what_is_no_service_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_config(write(tmp_path, text)).specs()


def test_a_file_too_large_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 MiB"):
        read_config(write(tmp_path, "# " + "x" * 2**20))


def test_the_token_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-token-of-sufficient-length\n")
    text = GOOD.replace("host: 127.0.0.1", "host: 0.0.0.0\ntoken_file: FOLDER/token")
    assert read_config(write(tmp_path, text)).settings().token == "a-token-of-sufficient-length"
