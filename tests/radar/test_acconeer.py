from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.radar.capture import open_capture
from radarode.radar.description import PulsedRadar
from radarode.radar.presets import PRESETS

PAIR = np.dtype([("real", "<i2"), ("imag", "<i2")])
ENTRY = "sessions/session_0/group_0/entry_0"


def a121(path: Path, frames: int = 30, change: Callable[[h5py.File], None] | None = None) -> np.ndarray:
    """Write an A121 recording of noise, and return its complex samples (frame, sweep, point)."""
    rng = np.random.default_rng(0)
    stored = np.empty((frames, 4, 5), dtype=PAIR)
    stored["real"], stored["imag"] = rng.integers(-999, 999, (2, frames, 4, 5))
    config = {"groups": [{"1": {"subsweeps": [{"start_point": 100, "step_length": 24, "num_points": 5}]}}]}
    with h5py.File(path, "w") as file:
        file[f"{ENTRY}/result/frame"] = stored
        file[f"{ENTRY}/result/tick"] = 50_000 * np.arange(frames) + 7
        file[f"{ENTRY}/result/data_saturated"] = np.zeros(frames, dtype=bool)
        file[f"{ENTRY}/metadata"] = json.dumps({"base_step_length_m": 0.0025})
        file["sessions/session_0/session_config"] = json.dumps(config)
        if change is not None:
            change(file)
    return stored["real"] + 1j * stored["imag"]


def a111(path: Path, data: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file["data"] = data
        file["sensor_config_dump"] = "{}"
        file["session_info"] = json.dumps({"range_start_m": 0.4, "step_length_m": 0.0005})
        file["sample_times"] = 100.0 + 0.1 * np.arange(len(data))


def replace(name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        del file[name]
        if value is not None:
            file[name] = value

    return change


def add(name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[name] = value

    return change


def test_a121_frames_are_means_of_sweeps(tmp_path: Path):
    truth = a121(tmp_path / "a.h5")
    capture = open_capture(tmp_path / "a.h5")
    radar = capture.radar
    assert isinstance(radar, PulsedRadar)
    assert (radar.points, radar.sweeps, capture.n_frames) == (5, 4, 30)
    assert (radar.frame_rate_hz, radar.start_m, radar.step_m) == pytest.approx((20.0, 0.25, 0.06))
    np.testing.assert_allclose(capture.read(), truth.mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(capture.read(7, 11), truth[7:11].mean(axis=1), rtol=1e-5)
    assert capture.facts.saturated == 0.0


def test_leaps_in_time_are_lost_frames(tmp_path: Path):
    ticks = 50_000 * np.delete(np.arange(32), [10, 11]) + 7
    truth = a121(tmp_path / "a.h5", change=replace(f"{ENTRY}/result/tick", ticks))
    capture = open_capture(tmp_path / "a.h5")
    assert capture.n_frames == 32
    assert np.flatnonzero(capture.lost).tolist() == [10, 11]
    assert capture.frame_rate_hz == pytest.approx(20.0)
    assert not capture.read(10, 12).any()
    np.testing.assert_allclose(capture.read(9, 14)[[0, 3, 4]], truth[9:12].mean(axis=1), rtol=1e-5)
    with pytest.raises(InputError, match=r"leave out 6.2% of the frames, more than max_lost = 5.0%"):
        open_capture(tmp_path / "a.h5", max_lost=0.05)


def test_a111(tmp_path: Path, rng: np.random.Generator):
    data = rng.standard_normal((20, 1, 7)) + 1j * rng.standard_normal((20, 1, 7))
    a111(tmp_path / "a.h5", data)
    capture = open_capture(tmp_path / "a.h5")
    assert capture.frame_rate_hz == pytest.approx(10.0)
    np.testing.assert_allclose(capture.read(), data[:, 0], rtol=1e-5)
    a111(tmp_path / "b.h5", data.real)
    with pytest.raises(InputError, match="without phase"):
        open_capture(tmp_path / "b.h5")
    a111(tmp_path / "c.h5", np.concatenate([data, data], axis=1))
    with pytest.raises(InputError, match="2 sensors"):
        open_capture(tmp_path / "c.h5")
    data[3, 0, 3] = np.nan
    a111(tmp_path / "d.h5", data)
    with pytest.raises(InputError, match="not finite"):
        open_capture(tmp_path / "d.h5").read()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replace(f"{ENTRY}/result/frame", None), "frame in a.h5 is missing"),
        (replace(f"{ENTRY}/result/frame", np.zeros((30, 4), PAIR)), "three axes"),
        (replace(f"{ENTRY}/result/frame", np.zeros((30, 4, 5), [("a", "i2"), ("b", "i2")])), "plain numbers"),
        (replace(f"{ENTRY}/result/frame", h5py.SoftLink("/elsewhere")), "links are not followed"),
        (replace(f"{ENTRY}/result/frame", h5py.ExternalLink("/etc/x.h5", "/a")), "links are not followed"),
        (replace(ENTRY, h5py.ExternalLink("/etc/x.h5", "/a")), "links are not followed"),
        (replace(f"{ENTRY}/metadata", h5py.SoftLink("/elsewhere")), "links are not followed"),
        (replace(f"{ENTRY}/metadata", "[" * 100_000), "must be JSON"),
        (replace(f"{ENTRY}/metadata", "[]"), "JSON object"),
        (replace(f"{ENTRY}/metadata", "{}"), "base_step_length_m"),
        (replace(f"{ENTRY}/metadata", np.arange(3)), "must be one text"),
        (replace(f"{ENTRY}/metadata", " " * 2_000_000), "shorter than 1 MiB"),
        (replace("sessions/session_0/session_config", "{}"), "groups"),
        (replace("sessions/session_0/session_config", '{"groups": [{"1": {"subsweeps": [{}, {}]}}]}'), "2 subsweeps"),
        (replace("sessions/session_0/session_config", '{"groups": [{"1": 3}]}'), "subsweeps"),
        (replace(f"{ENTRY}/result/tick", np.arange(5)), "one per frame"),
        (replace(f"{ENTRY}/result/tick", np.zeros(30)), "rising"),
        (replace(f"{ENTRY}/result/tick", np.full(30, np.nan)), "rising"),
        (replace(f"{ENTRY}/result/tick", np.append(np.arange(29) * 5e4, 1e17)), "leave out"),
        (add("server_info", '{"ticks_per_second": 0}'), "ticks_per_second must be a positive"),
        (add("server_info", '{"ticks_per_second": NaN}'), "ticks_per_second must be a positive"),
        (add("server_info", '{"ticks_per_second": "many"}'), "must state the number ticks_per_second"),
        (replace(f"{ENTRY}/result/data_saturated", np.ones(30, dtype=bool)), "is saturated"),
    ],
)
def test_bad_recordings(tmp_path: Path, change: Callable[[h5py.File], None], message: str):
    a121(tmp_path / "a.h5", change=change)
    with pytest.raises(InputError, match=message):
        open_capture(tmp_path / "a.h5")


def test_claimed_sizes_that_nothing_fills(tmp_path: Path):
    def change(file: h5py.File) -> None:
        del file[f"{ENTRY}/result/frame"]
        file.create_dataset(f"{ENTRY}/result/frame", (10**9, 16, 100), PAIR, chunks=(1, 16, 100))

    a121(tmp_path / "a.h5", change=change)
    with pytest.raises(InputError, match="but only 0 bytes are stored"):
        open_capture(tmp_path / "a.h5")


def test_the_users_description_must_fit(tmp_path: Path):
    a121(tmp_path / "a.h5")
    own = open_capture(tmp_path / "a.h5").radar
    assert open_capture(tmp_path / "a.h5", own).radar is own
    with pytest.raises(InputError, match="5 points per sweep"):
        open_capture(tmp_path / "a.h5", PRESETS["a121"])


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"frame_rate_hz": 1.02}, r"20 frames/s; acconeer a121 says 20\.4"),
        ({"start_m": 1.1}, r"start_m = 0\.25; acconeer a121 says 0\.275"),
        ({"step_m": 2.0}, r"step_m = 0\.06; acconeer a121 says 0\.12"),
    ],
)
def test_a_named_radar_does_not_override_what_the_file_states(tmp_path: Path, factors: dict[str, float], message: str):
    a121(tmp_path / "a.h5")
    own = open_capture(tmp_path / "a.h5").radar
    with pytest.raises(InputError, match=message):
        open_capture(
            tmp_path / "a.h5",
            dataclasses.replace(own, **{name: factor * getattr(own, name) for name, factor in factors.items()}),
        )
    near = dataclasses.replace(own, **{"frame_rate_hz": 1.005 * own.frame_rate_hz})
    assert open_capture(tmp_path / "a.h5", near).radar is near


def test_the_file_states_its_ticks_per_second(tmp_path: Path):
    a121(tmp_path / "a.h5", change=add("server_info", json.dumps({"ticks_per_second": 2_000_000})))
    assert open_capture(tmp_path / "a.h5").frame_rate_hz == pytest.approx(40.0)
    a121(tmp_path / "b.h5", change=add("server_info", json.dumps({"rss_version": "a121-v1.0.0"})))
    assert open_capture(tmp_path / "b.h5").frame_rate_hz == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("name", "shape", "rate_hz", "breaths"),
    [
        ("a121_breathing-sitting.h5", (773, 21), 20.0008, 18.0),
        ("a121_breathing-sitting-no-presence.h5", (667, 21), 20.0008, 20.9),
        ("a111_sleep_breathing.h5", (331, 827), 10.22, 10.4),
    ],
)
def test_real_recordings(real_data: Path, name: str, shape: tuple[int, int], rate_hz: float, breaths: float):
    capture = open_capture(real_data / "acconeer_60ghz_breathing" / name)
    samples = capture.read()
    assert samples.shape == shape
    assert capture.frame_rate_hz == pytest.approx(rate_hz, rel=1e-3)
    moving = np.abs(samples - samples.mean(axis=0)).mean(axis=0)
    phase = np.unwrap(np.angle(samples[:, moving.argmax()]))
    level = np.abs(np.fft.rfft((phase - phase.mean()) * np.hanning(len(phase)), 8 * len(phase)))
    rates_hz = np.fft.rfftfreq(8 * len(phase), 1 / capture.frame_rate_hz)
    band = (rates_hz > 0.12) & (rates_hz < 0.6)
    assert 60 * rates_hz[band][level[band].argmax()] == pytest.approx(breaths, abs=1.5)
