"""The whole chain: simulated people with known motion, and real captures with known rates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from radarode.cli import main
from radarode.core.errors import InputError
from radarode.data.capture import RATE_ONLY, capture_to_recording, refuse_rate_only
from radarode.data.native import load_recording
from radarode.radar.capture import open_capture
from radarode.radar.chain import extract_motion
from radarode.radar.describe_file import save_radar
from radarode.radar.description import FmcwRadar
from radarode.radar.extracted import Extracted, ExtractSettings
from radarode.radar.grid import VoxelGrid
from radarode.radar.look import range_map, side_of_person
from radarode.radar.presets import PRESETS
from tests.radar.scene import (
    CLUTTER,
    ArrayCapture,
    Target,
    beat_signals,
    breathing_m,
    heart_m,
    person,
    small_radar,
)  # fmt: skip

N = 2400
FEW = VoxelGrid(x_m=(-0.2, 0.2), y_m=(-0.3, 0.3), shape=(5, 7, 6))


def quick(
    frame_rate_hz: float = 200.0, noise: float = 0.3, seed: int = 3, z_m: float = 0.45
) -> tuple[ArrayCapture, np.ndarray]:
    """Return a simulated capture of 12 s and the R peaks."""
    rng, radar = np.random.default_rng(seed), small_radar(frame_rate_hz, samples=32)
    n = round(N * frame_rate_hz / 200)
    targets, r_s = person(radar, n, z_m, rng)
    return ArrayCapture(radar, beat_signals(radar, targets + CLUTTER, n, noise, rng)), r_s


def heart_of(x_m: np.ndarray, fs_hz: float = 200.0) -> np.ndarray:
    return sosfiltfilt(butter(3, (5, 25), "bandpass", fs=fs_hz, output="sos"), x_m)[..., 100:-100]


@pytest.fixture(scope="module")
def found() -> Extracted:
    return extract_motion(quick()[0], ExtractSettings(grid=FEW))


def test_the_motion_of_the_chest_is_recovered(found: Extracted) -> None:
    _, r_s = quick()
    truth = heart_of(heart_m(N, 200.0, r_s))
    likeness = [np.corrcoef(truth, row)[0, 1] for row in heart_of(found.displacement_m)]
    assert np.median(likeness) > 0.95
    chest = 0.6 * breathing_m(N, 200.0)
    assert np.ptp(found.displacement_m[0]) == pytest.approx(np.ptp(chest), rel=0.15)
    assert np.corrcoef(chest, found.displacement_m[0])[0, 1] > 0.98


def test_what_is_told_about_it(found: Extracted) -> None:
    _, r_s = quick()
    assert found.simulated
    assert not found.warnings
    assert 2 <= len(found.positions_m) <= 50
    assert found.rates is not None
    assert found.rates.breathing_per_min == pytest.approx(15, abs=1)
    assert found.rates.heart_bpm == pytest.approx(60 / np.diff(r_s).mean(), abs=3)
    assert abs(float(found.facts["person"].split()[0]) - 0.46) < 0.08
    assert found.facts["channel_agreement"] > "0.7"


def test_to_a_recording(found: Extracted) -> None:
    recording = capture_to_recording(found, subject="p1")
    assert recording.simulated
    assert recording.motion == "displacement"
    assert recording.rcg.shape == (len(found.positions_m), N)
    assert RATE_ONLY not in recording.notes
    refuse_rate_only(recording, "it")
    real = capture_to_recording(replace(found, simulated=False))
    assert real.source == "radar"


def test_lost_frames_become_gaps() -> None:
    capture, r_s = quick()
    lost = np.zeros(N)
    lost[1000:1060] = 0.5
    frames = capture.frames.copy()
    frames[1000:1060] = 0
    found = extract_motion(ArrayCapture(small_radar(samples=32), frames, lost), ExtractSettings(grid=FEW, follow=False))
    assert (np.isnan(found.displacement_m) == (lost > 0)).all()
    assert np.isnan(capture_to_recording(found).rcg[:, 1005:1055]).all()
    truth = 0.6 * breathing_m(N, 200.0) + heart_m(N, 200.0, r_s)
    across = found.displacement_m[0, [500, 1800]]
    assert np.diff(across) == pytest.approx(np.diff(truth[[500, 1800]]), abs=3e-4)


def test_a_person_who_shifts_is_followed() -> None:
    rng, radar = np.random.default_rng(5), small_radar(samples=32)
    n = 8000
    targets, r_s = person(radar, n, 0.45, rng)
    shift = 0.08 / (1 + np.exp(-(np.arange(n) - 4000) / 60))
    frames = beat_signals(radar, [replace(t, moved_m=t.moved_m + shift) for t in targets] + CLUTTER, n, 1.0, rng)
    capture, grid = ArrayCapture(radar, frames), VoxelGrid((-0.1, 0.1), (0.0, 0.1), (0.38, 0.62), (3, 2, 7))
    found, stayed = (extract_motion(capture, ExtractSettings(grid=grid, follow=follow)) for follow in (True, False))
    assert len(stayed.path_m) == 1
    assert 0.03 < np.ptp(found.path_m[:, 2]) < 0.13
    assert "followed" in found.facts
    truth = heart_of(heart_m(n, 200.0, r_s))[5000:]
    one, other = (
        np.median([np.corrcoef(truth, heart_of(x)[5000:])[0, 1] for x in e.displacement_m]) for e in (found, stayed)
    )
    assert one > 0.8
    assert one > other + 0.2
    assert np.diff(found.displacement_m[0, [3000, 7000]])[0] == pytest.approx(0.08, abs=0.01)


def test_channels_of_unknown_polarity_are_aligned_with_a_warning() -> None:
    capture, _ = quick()
    flipped = capture.frames * np.array([1, -1, -1, 1], np.float32)[None, None, :, None]
    found = extract_motion(ArrayCapture(small_radar(samples=32), flipped), ExtractSettings(grid=FEW, follow=False))
    assert any("aligned on the person" in warning for warning in found.warnings)
    assert found.rates is not None
    assert found.rates.breathing_per_min == pytest.approx(15, abs=1)


def test_slow_captures_carry_rates_and_no_ecg() -> None:
    found = extract_motion(quick(50.0)[0], ExtractSettings(grid=FEW))
    recording = capture_to_recording(found)
    assert found.rate_only
    assert any("rates only" in warning for warning in found.warnings)
    with pytest.raises(InputError, match=r"holds no ECG.*breathing 1[45]\."):
        refuse_rate_only(recording, "it")
    faster = extract_motion(quick(125.0)[0], ExtractSettings(grid=FEW))
    assert not faster.rate_only
    assert any("less exactly" in warning for warning in faster.warnings)


def test_nobody_in_view(rng: np.random.Generator) -> None:
    radar = small_radar(samples=32)
    empty = ArrayCapture(radar, beat_signals(radar, CLUTTER, 1600, 0.3, rng))
    with pytest.raises(InputError, match="nobody is in view"):
        extract_motion(empty)


def test_of_two_people_the_nearer_is_taken_with_a_warning(rng: np.random.Generator) -> None:
    radar = small_radar(samples=32)
    near, _ = person(radar, 2400, 0.5, rng)
    far = [Target((0.0, 0.0, 1.3), 2.0, breathing_m(2400, 200.0, 22.0))]
    capture = ArrayCapture(radar, beat_signals(radar, near + far, 2400, 0.3, rng))
    found = extract_motion(capture, ExtractSettings(follow=False, grid=FEW))
    assert any("more than one person" in warning and "1.3" in warning for warning in found.warnings)
    assert float(found.facts["person"].split()[0]) < 0.7


def test_a_person_to_the_side_is_found_by_turning_the_grid() -> None:
    rng, radar = np.random.default_rng(5), small_radar(samples=64)
    targets, _ = person(radar, N, 1.3, rng)
    aside = [replace(one, place_m=(one.place_m[0] + 0.75, *one.place_m[1:])) for one in targets]
    found = extract_motion(ArrayCapture(radar, beat_signals(radar, aside, N, 0.3, rng)), ExtractSettings(follow=False))
    assert not found.warnings
    assert found.grid is not None
    assert np.mean(found.grid.x_m) == pytest.approx(0.75, abs=0.15)
    assert np.median(found.positions_m[:, 0]) == pytest.approx(0.75, abs=0.2)
    assert found.rates is not None
    assert found.rates.breathing_per_min == pytest.approx(15, abs=1)


@pytest.mark.parametrize("x_m", [-0.75, -0.2, 0.0, 0.2, 0.75])
def test_which_side_the_person_is_on(x_m: float) -> None:
    rng, radar = np.random.default_rng(5), small_radar(samples=64)
    targets, _ = person(radar, 1200, 1.3, rng)
    aside = [replace(one, place_m=(one.place_m[0] + x_m, *one.place_m[1:])) for one in targets]
    cube = beat_signals(radar, aside, 1200, 0.3, rng)
    range_m = float(np.hypot(x_m, 1.3))
    side_m = side_of_person(range_map(ArrayCapture(radar, cube)), radar, range_m)
    assert side_m == pytest.approx(x_m if abs(x_m) > 0.4 else 0.0, abs=0.15)
    flipped = cube * np.array([1, -1, -1, 1], np.float32)[None, None, :, None]
    assert side_of_person(range_map(ArrayCapture(radar, flipped)), radar, range_m) == 0.0


def test_grids_and_ranges_out_of_view() -> None:
    capture, _ = quick()
    with pytest.raises(InputError, match=r"the grid reaches .* behind the .* m that simulated can see"):
        extract_motion(capture, ExtractSettings(grid=VoxelGrid(z_m=(1.3, 2.0))))
    with pytest.raises(InputError, match="what is in view"):
        extract_motion(capture, ExtractSettings(range_m=50.0))
    with pytest.raises(InputError, match="at least 4 s"):
        extract_motion(ArrayCapture(small_radar(samples=32), capture.frames[:400]))
    with pytest.raises(InputError, match="between 1 and 1000"):
        ExtractSettings(points=0)


def iwr6843_demo() -> FmcwRadar:
    """Return the settings that came with the real capture; where its antennas stood is not known."""
    board = PRESETS["iwr6843"]
    assert isinstance(board, FmcwRadar)
    return FmcwRadar(
        **{"name": "iwr6843", "start_hz": 60.36e9, "slope_hz_per_s": 60e12, "samples": 100, "adc_rate_hz": 4e6},
        **{"frame_period_s": 0.05, "chirp_period_s": 50e-6},
        tx_m=((0.0, 0.0, 0.0),), rx_m=board.rx_m, tx_order=(0, 0),
    )  # fmt: skip


def test_real_fmcw_capture(real_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = real_data / "iwr6843_dca1000_coderookie" / "demo.bin"
    found = extract_motion(open_capture(path, iwr6843_demo()))
    assert found.rates is not None
    assert float(found.facts["person"].split()[0]) == pytest.approx(0.70, abs=0.05)
    assert found.rates.breathing_per_min == pytest.approx(15.2, abs=0.5)
    assert found.rates.heart_bpm == pytest.approx(69.5, abs=1.5)
    assert not found.simulated
    save_radar(tmp_path / "iwr.toml", iwr6843_demo())
    out, pictures = tmp_path / "rec.h5", tmp_path / "pictures"
    options = ["--radar", str(tmp_path / "iwr.toml"), "--out", str(out), "--pictures", str(pictures)]
    assert main(["extract", str(path), *options]) == 0
    assert "rates only" in capsys.readouterr().out
    assert {"range.png", "energy.png", "signal.png"} <= {file.name for file in pictures.iterdir()}
    assert RATE_ONLY in load_recording(out).notes
    assert main(["reconstruct", str(out), "--out", str(tmp_path / "ecg")]) == 2
    assert "holds no ECG" in capsys.readouterr().err
    assert not (tmp_path / "ecg").exists()


@pytest.mark.parametrize(
    ("name", "breathing", "heart"),
    [
        ("a121_breathing-sitting", 18.0, 65.5),
        ("a121_breathing-sitting-no-presence", 20.9, 63.3),
        ("a111_sleep_breathing", 10.4, None),
    ],
)
def test_real_pulsed_captures(real_data: Path, name: str, breathing: float, heart: float | None) -> None:
    found = extract_motion(open_capture(real_data / "acconeer_60ghz_breathing" / f"{name}.h5"))
    assert found.rates is not None
    assert found.rates.breathing_per_min == pytest.approx(breathing, abs=0.7)
    if heart is not None:
        assert found.rates.heart_bpm == pytest.approx(heart, abs=2.0)
    else:
        assert found.rates.heart_confidence < 0.2
    assert found.rate_only
    assert RATE_ONLY in capture_to_recording(found).notes


def test_as_many_points_as_a_network_reads() -> None:
    capture, _ = quick()
    found = extract_motion(capture, ExtractSettings(grid=FEW, follow=False, points=6, exact=True))
    assert len(found.positions_m) == len(np.unique(found.positions_m, axis=0)) == 6
    places = len(FEW.points_m)
    with pytest.raises(InputError, match=f"at most {places}"):
        extract_motion(capture, ExtractSettings(grid=FEW, follow=False, points=places + 1, exact=True))
