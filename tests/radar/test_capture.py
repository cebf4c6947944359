from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.capture import known_readers, open_capture
from radarode.radar.capture_facts import even_spread
from radarode.radar.fmcw import FmcwRadar
from radarode.radar.presets import BOARDS, PRESETS
from radarode.radar.readers.lanes import encode_lanes, frame_bytes

MakeCube = Callable[..., np.ndarray]


def test_a_bare_capture_returns_the_samples(raw: Path, small: FmcwRadar, make_cube: MakeCube):
    capture = open_capture(raw, small)
    cube = make_cube(small, 40)
    assert (capture.n_frames, capture.frame_rate_hz, capture.duration_s) == (40, 200.0, 0.2)
    assert capture.facts.layout == "dca1000"
    np.testing.assert_allclose(capture.read(), cube, atol=0.75)
    np.testing.assert_array_equal(capture.read(5, 9), capture.read()[5:9])
    assert capture.read(3, 3).shape == (0, *small.frame_shape)
    assert capture.lost.shape == (40,)
    assert capture.facts.warnings == ()


def test_every_layout_reads_back(layouts: list[FmcwRadar], make_cube: MakeCube, tmp_path: Path):
    for k, radar in enumerate(layouts):
        cube = make_cube(radar, 12)
        path = tmp_path / f"{k}.bin"
        encode_lanes(cube, radar).tofile(path)
        np.testing.assert_allclose(open_capture(path, radar).read(), cube, atol=0.75)


def test_chunks_tile_the_capture(raw: Path, small: FmcwRadar):
    capture = open_capture(raw, small)
    pieces = list(capture.chunks(7))
    assert [first for first, _ in pieces] == [0, 7, 14, 21, 28, 35]
    np.testing.assert_array_equal(np.concatenate([piece for _, piece in pieces]), capture.read())


@pytest.mark.parametrize(("first", "last"), [(-1, 3), (0, 41), (9, 5)])
def test_ranges_outside_the_capture(raw: Path, small: FmcwRadar, first: int, last: int):
    with pytest.raises(InputError, match="a range within 0 to 40"):
        open_capture(raw, small).read(first, last)


@pytest.mark.parametrize(("cut", "odd"), [(400, False), (401, True)])
def test_an_incomplete_frame_is_left_out_and_reported(raw: Path, small: FmcwRadar, cut: int, odd: bool):
    raw.write_bytes(raw.read_bytes()[:-cut])
    capture = open_capture(raw, small)
    assert (capture.n_frames, capture.facts.dropped_bytes) == (39, frame_bytes(small) - cut)
    assert len(capture.facts.warnings) == 1
    assert ("odd" in capture.facts.warnings[0]) == odd


def test_less_than_a_frame(raw: Path, small: FmcwRadar):
    raw.write_bytes(raw.read_bytes()[:500])
    with pytest.raises(InputError, match=r"raw.bin holds 500 bytes, less than one frame of small"):
        open_capture(raw, small)


def test_saturation_is_measured_and_refused(tmp_path: Path, small: FmcwRadar, make_cube: MakeCube):
    cube = make_cube(small, 40)
    cube[:, :, 0, :16] = 40_000 + 40_000j
    path = tmp_path / "loud.bin"
    encode_lanes(cube, small).tofile(path)
    with pytest.raises(InputError, match=r"loud.bin is saturated: 6.25% .* max_saturated = 1.00%"):
        open_capture(path, small)
    capture = open_capture(path, small, max_saturated=0.1, check=False)
    assert capture.facts.saturated == pytest.approx(1 / 16)


def test_an_hour_is_mapped_not_loaded(tmp_path: Path, small: FmcwRadar):
    import tracemalloc

    path = tmp_path / "hour.bin"
    with path.open("wb") as file:
        file.truncate(200 * 3600 * frame_bytes(small))
    tracemalloc.start()
    try:
        capture = open_capture(path, small)
        assert capture.read(700_000, 700_010).shape == (10, *small.frame_shape)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert capture.duration_s == 3600
    assert peak < 60e6


def test_wrong_descriptions(raw: Path, small: FmcwRadar):
    with pytest.raises(InputError, match="looks like 2-lane complex with 64 samples"):
        open_capture(raw, replace(small, lanes=4))
    assert open_capture(raw, replace(small, lanes=4), check=False).n_frames == 40
    with pytest.raises(InputError, match="does not describe its radar"):
        open_capture(raw)
    with pytest.raises(InputError, match="describes a cw radar"):
        open_capture(raw, PRESETS["cw24"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_losst": 0.1}, "Did you mean `max_lost`"),
        ({"max_lost": 1.5}, "`max_lost`"),
        ({"max_saturated": float("nan")}, "`max_saturated`"),
        ({"layout": "dca"}, "`layout` must be one of"),
        ({"cft_axis": "tx"}, "`cft_axis` must be one of"),
    ],
)
def test_bad_options(raw: Path, small: FmcwRadar, options: dict, message: str):
    with pytest.raises(InputError, match=message):
        open_capture(raw, small, **options)


def test_files_that_no_reader_knows(tmp_path: Path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(InputError, match="known layouts are dca1000-pcap"):
        open_capture(tmp_path / "a.txt")
    (tmp_path / "a.mat").write_text("hello")
    with pytest.raises(InputError, match="radar_i, radar_q"):
        open_capture(tmp_path / "a.mat")
    (tmp_path / "e.bin").touch()
    with pytest.raises(InputError, match="is empty"):
        open_capture(tmp_path / "e.bin")
    with pytest.raises(InputError, match="not a regular file"):
        open_capture(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_capture(tmp_path / "none.bin")


def test_readers_offer_what_is_asked_of_them():
    readers = known_readers()
    assert set(readers) == {"dca1000-pcap", "dca1000-packets", "cft", "acconeer", "cw-mat", "dca1000"}
    priorities = [reader.PRIORITY for reader in readers.values()]
    assert priorities == sorted(priorities)
    assert len(set(priorities)) == len(priorities)


def test_spread_covers_both_ends():
    assert even_spread(1000, 4).tolist() == [0, 333, 666, 999]
    assert even_spread(2, 8).tolist() == [0, 1]


def test_a_real_capture(real_data: Path):
    path = real_data / "iwr6843_dca1000_coderookie" / "demo.bin"
    tx, rx = BOARDS["iwr6843"]
    radar = FmcwRadar("demo", 60.36e9, 60e12, 100, 4e6, 0.05, 50e-6, tx_m=tx[:1], rx_m=rx, tx_order=(0, 0))
    capture = open_capture(path, radar)
    cube = capture.read()
    assert cube.shape == (400, 2, 4, 100)
    assert (cube.real.min(), cube.real.max()) == (-1398, 1465) or abs(cube.view(np.float32)).max() <= 1465
    spectrum = np.fft.fft((cube - cube.mean(-1, keepdims=True)) * np.hanning(100), axis=-1)
    power = (np.abs(spectrum) ** 2).mean(axis=(0, 1, 2))
    assert power[3:].argmax() + 3 == 7, "the person sits at 0.7 m"
    phase = np.unwrap(np.angle(spectrum[:, 0, 0, 7]))
    displacement_m = phase * radar.wavelength_m / (4 * np.pi)
    rates_hz = np.fft.rfftfreq(400, 0.05)
    level = np.abs(np.fft.rfft((displacement_m - displacement_m.mean()) * np.hanning(400)))
    band = (rates_hz > 0.1) & (rates_hz < 0.6)
    assert 60 * rates_hz[band][level[band].argmax()] == pytest.approx(15, abs=1.6), "breathing 15.2 per minute"
