"""The spectrogram store: small, exact to float16, sliced without surprises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.segments import gather_windows, list_windows
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.signal.gaps import frame_gaps
from radarode.signal.timefrequency import make_transform
from radarode.simulate import sample_person, simulate_recording


@pytest.fixture(scope="module")
def recording() -> Recording:
    rng = np.random.default_rng(4)
    simulated = simulate_recording(sample_person(rng), 20.0, "NB", rng)
    return replace(simulated, rcg=simulated.rcg[:5], positions_m=None)


def stored(folder: Path, *recordings: Recording, **options):
    write_store(folder / "store", recordings, {"name": "sst"}, **options)
    return open_store(folder / "store")


def test_windows_are_the_spectrogram_of_their_time(recording: Recording, tmp_path: Path) -> None:
    store = stored(tmp_path, recording)
    values = make_transform("sst")(recording.rcg).values.numpy()
    windows = list_windows(store.recordings, 0.8)
    batch = gather_windows(store.recordings, windows).numpy()
    assert batch.shape == (len(windows), 5, 71, 120)
    scale = values.max(axis=(1, 2), keepdims=True)
    for window, first in zip(batch, windows.frame, strict=True):
        np.testing.assert_allclose(window, values[:, :, first : first + 120] / scale, rtol=1e-3, atol=1e-4)


def test_it_is_at_most_a_fifteenth_of_the_published_layout(recording: Recording, tmp_path: Path) -> None:
    store = stored(tmp_path, recording)
    ours = sum(path.stat().st_size for path in store.path.iterdir())
    published = len(store.recordings[0].window_starts(0.8)) * 5 * 71 * 120 * 8
    assert ours <= published / 15


def test_channels_are_drawn_per_recording_and_per_window(recording: Recording, tmp_path: Path) -> None:
    store = stored(tmp_path, recording, max_channels=3, rng=np.random.default_rng(1))
    assert store.recordings[0].frames.shape[1] == 3
    windows = list_windows(store.recordings, 4.0)
    one = gather_windows(store.recordings, windows, n_channels=2, rng=np.random.default_rng(5))
    again = gather_windows(store.recordings, windows, n_channels=2, rng=np.random.default_rng(5))
    many = gather_windows(store.recordings, windows, n_channels=8, rng=np.random.default_rng(5))
    assert one.shape[1] == 2
    assert (one == again).all()
    assert many.shape[1] == 8


def test_no_window_touches_a_gap_of_motion_or_reference(recording: Recording, tmp_path: Path) -> None:
    assert recording.ecg_mv is not None
    rcg, ecg_mv = recording.rcg.copy(), recording.ecg_mv.copy()
    rcg[:, 1000:1100] = np.nan
    ecg_mv[3000:3100] = np.nan
    (torn,) = stored(tmp_path, replace(recording, rcg=rcg, ecg_mv=ecg_mv)).recordings
    for first in torn.window_starts(0.1):
        begin, end = first / 30, first / 30 + 4
        assert end <= 5.0 + 1 / 60 or begin >= 5.5 - 1 / 60
        assert end <= 15.0 + 1 / 60 or begin >= 15.5 - 1 / 60


def test_a_dead_channel_is_left_out(recording: Recording, tmp_path: Path) -> None:
    rcg = recording.rcg.copy()
    rcg[1] = np.nan
    rcg[3, 500:] = 2.0
    (alive,) = stored(tmp_path, replace(recording, rcg=rcg)).recordings
    assert alive.frames.shape[1] == 3
    assert len(alive.window_starts(1.0)) > 5


def test_r_peaks_are_detected_when_only_an_ecg_is_there(recording: Recording, tmp_path: Path) -> None:
    (found,) = stored(tmp_path, replace(recording, r_peaks_s=None)).recordings
    assert abs(len(found.r_peaks_s) - len(recording.r_peaks_s)) <= 1


def test_the_index_knows_the_data(recording: Recording, tmp_path: Path) -> None:
    one = stored(tmp_path / "a", recording).index["recordings"][0]["sha256"]
    other = stored(tmp_path / "b", replace(recording, rcg=recording.rcg * 1.5 + 1)).index["recordings"][0]["sha256"]
    assert one != other


def test_frame_gaps_mark_half_a_frame_on_both_sides() -> None:
    missing = np.zeros(800, bool)
    missing[400] = True
    assert np.flatnonzero(frame_gaps(missing, 120)).tolist() == [60]
    assert not frame_gaps(np.zeros(800, bool), 120).any()


def test_bad_stores(recording: Recording, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no index\.json"):
        open_store(tmp_path)
    with pytest.raises(InputError, match="no recording"):
        write_store(tmp_path / "none", [], {"name": "sst"})
    with pytest.raises(InputError, match="no reference"):
        write_store(tmp_path / "blind", [replace(recording, ecg_mv=None, r_peaks_s=None)], {"name": "sst"})
    assert not (tmp_path / "none").exists()
    assert not (tmp_path / "blind").exists()
