from __future__ import annotations

from pathlib import Path

import pytest

from radarode.core.errors import InputError
from radarode.radar.describe_file import radar_of, read_radar, save_radar
from radarode.radar.description import FmcwRadar
from radarode.radar.presets import BOARDS, PRESETS
from radarode.radar.sidecar import write_sidecar

TOML = """
kind = "fmcw"
name = "mine"
start_hz = 60.25e9
slope_hz_per_s = 60e12
samples = 128
adc_rate_hz = 4e6
frame_period_s = 0.005
ramp_s = 50e-6
idle_s = 10e-6
adc_start_s = 6e-6
board = "iwr6843"
tx = [0, 2]
tx_order = [0, 1]
"""

CFG = """% Platform:xWR18xx
sensorStop
dfeDataOutputMode 1
channelCfg 15 7 0
adcCfg 2 1
adcbufCfg -1 0 0 1 1
profileCfg 0 77 7 6 60 0 0 65 1 256 5000 0 0 30
chirpCfg 0 0 0 0 0 0 0 1
chirpCfg 1 1 0 0 0 0 0 4   % TX3
frameCfg 0 1 2 0 5 1 0
lvdsStreamCfg -1 0 1 0
sensorStart
"""


def write(folder: Path, text: str, name: str = "radar.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", PRESETS)
def test_presets_and_files_read_back_equal(name: str, tmp_path: Path):
    assert read_radar(name) is PRESETS[name]
    save_radar(tmp_path / "r.toml", PRESETS[name])
    assert read_radar(tmp_path / "r.toml") == PRESETS[name]


def test_a_board_stands_for_positions(tmp_path: Path):
    radar = read_radar(write(tmp_path, TOML))
    assert isinstance(radar, FmcwRadar)
    tx, rx = BOARDS["iwr6843"]
    assert (radar.tx_m, radar.rx_m) == ((tx[0], tx[2]), rx)
    assert radar.chirp_period_s == pytest.approx(60e-6)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "fmcw"', "", "`kind` must be one of fmcw, cw, pulsed"),
        ('kind = "fmcw"', "kind = 3", "`kind` must be one of"),
        ("samples = 128", "sample = 128", "`samples` is missing"),
        ("samples = 128", "samples = 128\nsampels = 3", "Did you mean `samples`"),
        ("samples = 128", "samples = 128.5", "whole number"),
        ("samples = 128", "samples = true", "whole number"),
        ("samples = 128", "samples = 4000", "do not fit into the ramp"),
        ('board = "iwr6843"', 'board = "iwr"', "`board` must be one of"),
        ('board = "iwr6843"', "", "number the antennas of a `board`"),
        ("tx = [0, 2]", "tx = [0, 3]", "from 0 to 2"),
        ("tx = [0, 2]", "tx = [-1, 2]", "from 0 to 2"),
        ("tx = [0, 2]", "tx_m = [[0.0, 0.0, 0.0]]", "twice"),
        ("ramp_s = 50e-6", "ramp_s = 'x'", "numbers, in seconds"),
        ("ramp_s = 50e-6", "ramp_s = 5e-5\nchirp_period_s = 6e-5", "twice"),
        ("tx_order = [0, 1]", "tx_order = [0, 1", "not a TOML file"),
        ("start_hz = 60.25e9", "start_hz = nan", "`start_hz`"),
    ],
)
def test_bad_toml(tmp_path: Path, old: str, new: str, message: str):
    assert old in TOML
    with pytest.raises(InputError, match=message) as caught:
        read_radar(write(tmp_path, TOML.replace(old, new)))
    assert "radar.toml" in str(caught.value)


def test_a_ti_cfg(tmp_path: Path):
    radar = read_radar(write(tmp_path, CFG, "a.cfg"))
    assert isinstance(radar, FmcwRadar)
    tx, rx = BOARDS["awr1843"]
    assert (radar.name, radar.start_hz, radar.slope_hz_per_s) == ("a.cfg", 77e9, 65e12)
    assert (radar.samples, radar.adc_rate_hz, radar.frame_period_s) == (256, 5e6, 0.005)
    times = (radar.chirp_period_s, radar.adc_start_s, radar.idle_s)
    assert times == pytest.approx((67e-6, 6e-6, 7e-6))
    assert (radar.tx_m, radar.rx_m, radar.tx_order) == ((tx[0], tx[2]), rx, (0, 1, 0, 1))
    assert (radar.iq, radar.lanes, radar.q_first, radar.rx_lanes, radar.adc_bits) == (True, 2, False, (), 16)


def test_orders_that_a_ti_cfg_sets(tmp_path: Path):
    swapped = read_radar(write(tmp_path, CFG.replace("adcbufCfg -1 0 0 1 1", "adcbufCfg -1 0 1 1 1"), "a.cfg"))
    four = read_radar(write(tmp_path, CFG.replace("adcbufCfg -1 0 0 1 1", "adcbufCfg 0 0 0 1"), "a.cfg"))
    masked = CFG.replace("channelCfg 15", "channelCfg 10").replace("-1 0 0 1 1", "-1 0 0 0 1")
    some = read_radar(write(tmp_path, masked, "a.cfg"))
    real = read_radar(write(tmp_path, CFG.replace("adcCfg 2 1", "adcCfg 0 0"), "a.cfg"))
    assert isinstance(swapped, FmcwRadar)
    assert isinstance(four, FmcwRadar)
    assert isinstance(some, FmcwRadar)
    assert isinstance(real, FmcwRadar)
    assert (swapped.q_first, swapped.lanes) == (True, 2)
    assert (four.q_first, four.lanes, four.rx_lanes) == (False, 4, (0, 1, 2, 3))
    assert (some.n_rx, some.rx_lanes) == (2, (1, 3))
    assert (real.iq, real.adc_bits) == (False, 12)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("profileCfg 0 77", "% profileCfg 0 77", "profileCfg is missing"),
        ("profileCfg 0 77", "profileCfg 0 x", "must hold numbers"),
        ("profileCfg 0 77", "profileCfg 0 inf", "finite"),
        ("frameCfg 0 1 2 0 5 1 0", "frameCfg 0 1", "line 10, frameCfg"),
        ("frameCfg 0 1 2 0 5 1 0", "frameCfg 0 2 2 0 5 1 0", "chirp 2, which no chirpCfg"),
        ("frameCfg 0 1 2 0 5 1 0", "frameCfg 0 1 99999 0 5 1 0", "loops"),
        ("frameCfg 0 1 2 0 5 1 0", "frameCfg 0 1 2 0 0.1 1 0", "do not fit into the frame"),
        ("frameCfg 0 1 2 0 5 1 0", "advFrameCfg 1 0 0 1 0", "several kinds"),
        ("chirpCfg 1 1 0 0 0 0 0 4", "chirpCfg 1 1 0 0 0 0 0 5", "2 transmitters"),
        ("chirpCfg 1 1 0 0 0 0 0 4", "chirpCfg 1 1 0 0 0 0 0 8", "leaves off"),
        ("chirpCfg 1 1 0 0 0 0 0 4", "chirpCfg 1 1 1 0 0 0 0 4", "one profile"),
        ("chirpCfg 1 1 0 0 0 0 0 4", "chirpCfg 1 1 0 0 2 0 0 4", "varies"),
        ("channelCfg 15", "channelCfg 255", "does not have"),
        ("adcCfg 2 1", "adcCfg 7 1", "12, 14 or 16 bits"),
        ("lvdsStreamCfg -1 0 1 0", "lvdsStreamCfg -1 1 1 0", "header"),
        ("lvdsStreamCfg -1 0 1 0", "lvdsStreamCfg -1 0 4 0", "mixes other data"),
    ],
)
def test_bad_ti_cfg(tmp_path: Path, old: str, new: str, message: str):
    assert old in CFG
    with pytest.raises(InputError, match=message) as caught:
        read_radar(write(tmp_path, CFG.replace(old, new), "a.cfg"))
    assert "a.cfg" in str(caught.value)


def test_sources_that_are_not_there(tmp_path: Path):
    with pytest.raises(InputError, match="Did you mean `awr1843`"):
        read_radar("awr1842")
    with pytest.raises(FileNotFoundError):
        read_radar(tmp_path / "none.toml")
    with pytest.raises(InputError, match="longer than 1 MiB"):
        read_radar(write(tmp_path, "#" * (2**20 + 5)))


def test_a_capture_with_its_description_beside_it_needs_no_name(tmp_path: Path) -> None:
    capture = tmp_path / "capture.bin"
    assert radar_of(capture, None) is None
    save_radar(tmp_path / "mine.toml", PRESETS["awr1843"])
    write_sidecar(tmp_path, {"radar": "mine.toml"})
    assert radar_of(capture, None) == PRESETS["awr1843"]
    assert radar_of(capture, "iwr6843") == PRESETS["iwr6843"]
    write_sidecar(tmp_path, {"radar": "../mine.toml"})
    assert radar_of(capture, None) is None
