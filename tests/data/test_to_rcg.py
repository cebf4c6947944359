from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import Motion, Recording
from radarode.data import to_rcg
from radarode.data.readers.native import at_200_hz
from radarode.data.to_rcg import RawRecording, mark_dropouts, motion_to_rcg, to_recording

FS_HZ = 250.0


def wave(fs_hz: float = FS_HZ, seconds: float = 8.0, hz: float = 3.0) -> np.ndarray:
    return np.sin(2 * np.pi * hz * np.arange(round(seconds * fs_hz)) / fs_hz)


def raw(**changes: Any) -> RawRecording:
    motion = changes.pop("motion", wave()[None])
    names = [f"c{i}" for i in range(len(motion))]
    return RawRecording(**{"motion": motion, "fs_hz": FS_HZ, "kind": "acceleration", "channel_names": names, **changes})


@pytest.mark.parametrize("fs_hz", [100.0, 200.0, 250.371, 1000.0])
@pytest.mark.parametrize(("kind", "order"), [("displacement", 2), ("velocity", 1), ("acceleration", 0)])
def test_each_kind_becomes_the_same_rcg(fs_hz: float, kind: Motion, order: int):
    """The n-th derivative of sin(wt) is w^n sin(wt + n pi/2)."""
    omega = 2 * np.pi * 3.0
    rcg = motion_to_rcg(wave(fs_hz)[None] + 7.0, fs_hz, kind)
    time_s = np.arange(rcg.shape[1]) / 200
    wanted = omega**order * np.sin(omega * time_s + order * np.pi / 2)
    assert rcg.shape == (1, 1600)
    assert np.abs(rcg[0] - wanted)[100:-100].max() < 0.01 * omega**order


def test_what_lies_above_the_new_band_is_not_folded_into_it():
    """170 Hz sampled at 1000 Hz would appear at 30 Hz without an anti-alias filter."""
    rcg = motion_to_rcg(wave(1000.0, hz=170.0)[None], 1000.0, "acceleration")
    assert np.abs(rcg[0, 100:-100]).max() < 1e-3


def test_gaps_stay_gaps_and_the_rest_is_untouched():
    motion = np.stack([wave(), wave()])
    motion[0, 500:1000] = np.nan
    motion[0, 1500] = np.inf
    rcg = to_recording(raw(motion=motion)).rcg
    assert np.isnan(rcg[0, 405:795]).all()
    assert np.isnan(rcg[0, 1200])
    assert np.isfinite(rcg[0, :395]).all()
    assert np.isfinite(rcg[1]).all()


@pytest.mark.parametrize("useless", [0.0, 5.0, np.nan])
def test_useless_channels_are_dropped_with_a_note_and_their_position(useless: float):
    motion = np.stack([wave(), np.full(2000, useless), wave()])
    made = to_recording(raw(motion=motion, positions_m=np.arange(9.0).reshape(3, 3)))
    assert made.n_channels == 2
    assert made.notes["dropped_channels"] == "c1 (constant or NaN)"
    assert made.positions_m is not None
    assert made.positions_m[:, 0].tolist() == [0.0, 6.0]


@pytest.mark.parametrize("useless", [0.0, np.nan])
def test_no_usable_channel_is_refused(useless: float):
    with pytest.raises(InputError, match=r"every motion channel .* is constant or NaN"):
        to_recording(raw(motion=np.full((2, 2000), useless)))


@pytest.mark.parametrize("fs_hz", [0.0, -200.0, np.nan, np.inf, 1e-3, 1e9])
def test_absurd_rates_are_refused(fs_hz: float):
    with pytest.raises(InputError, match=r"`fs_hz` must be|at least one window"):
        to_recording(raw(fs_hz=fs_hz))


@pytest.mark.parametrize("shape", [(0, 2000), (1, 0), (1, 1), (1, 999)])
def test_less_than_a_window_is_refused(shape: tuple[int, int]):
    with pytest.raises(InputError, match=r"at least one window of 4 s|non-empty"):
        to_recording(raw(motion=np.ones(shape)))


def test_four_seconds_are_enough():
    assert to_recording(raw(motion=wave(seconds=4.0)[None])).duration_s == 4.0


def test_reference_is_cut_to_the_common_length_with_its_peaks(rng: np.random.Generator):
    ecg = rng.standard_normal(5000) * 0.01
    ecg[200::500] += 1.0
    made = to_recording(raw(ecg_mv=ecg, ecg_fs_hz=500.0))
    assert made.ecg_mv is not None
    assert made.r_peaks_s is not None
    assert len(made.ecg_mv) == made.rcg.shape[1] == 1600
    assert made.r_peaks_s[-1] < 8.0
    assert np.abs(made.r_peaks_s * 500 - np.arange(200, 4000, 500)[-len(made.r_peaks_s) :]).max() < 1.0


def test_annotated_peaks_are_kept_and_those_outside_left_out():
    made = to_recording(raw(ecg_mv=wave(), ecg_fs_hz=FS_HZ, r_peaks_s=np.array([-0.1, 0.5, 7.9, 8.1])))
    assert made.r_peaks_s is not None
    assert made.r_peaks_s.tolist() == [0.5, 7.9]


@pytest.mark.parametrize("useless", [0.0, np.nan])
def test_useless_ecg_is_no_reference(useless: float):
    made = to_recording(raw(ecg_mv=np.full(2000, useless), ecg_fs_hz=FS_HZ))
    assert (made.ecg_mv, made.r_peaks_s) == (None, None)
    assert "dropped_ecg" in made.notes


def test_standing_still_is_a_dropout_only_when_every_channel_does(rng: np.random.Generator):
    motion = rng.standard_normal((2, 2000))
    motion[0, 300:900] = motion[0, 300]
    assert mark_dropouts(motion, 250.0)[0] is motion
    motion[1, 400:600] = 0.0
    marked, lost_s = mark_dropouts(motion, 250.0)
    assert lost_s == 200 / 250
    assert np.isnan(marked[:, 400:600]).all()
    assert np.isfinite(marked[:, :400]).all()
    made = to_recording(raw(motion=motion))
    assert made.notes["dropouts"].startswith("0.80 s")


def test_absurd_length_is_refused_before_it_is_made():
    with pytest.raises(InputError, match="more than the limit"):
        motion_to_rcg(np.broadcast_to(np.float64(0), (4000, 10**7)), 20.0, "velocity")


def test_stored_recordings_are_brought_to_200_hz():
    ecg = wave(500.0)
    stored = Recording(rcg=wave(500.0)[None], fs_hz=500.0, ecg_mv=ecg, r_peaks_s=np.array([1.0]), motion="velocity")
    made = at_200_hz(stored)
    assert made.fs_hz == 200.0
    assert made.ecg_mv is not None
    np.testing.assert_allclose(made.rcg[0, 100:-100], wave(200.0)[100:-100], atol=1e-3)
    np.testing.assert_allclose(made.ecg_mv[100:-100], wave(200.0)[100:-100], atol=1e-3)
    assert made.motion == "velocity"
    assert at_200_hz(made) is made


def test_empty_channels_of_stored_recordings_are_dropped_with_a_note():
    rcg = np.stack([wave(200.0), np.full(1600, np.nan), wave(200.0, hz=5.0)])
    stored = Recording(rcg=rcg, fs_hz=200.0, positions_m=np.arange(9.0).reshape(3, 3), notes={"a": "b"})
    made = at_200_hz(stored)
    np.testing.assert_array_equal(made.rcg, stored.rcg[[0, 2]])
    assert made.positions_m is not None
    assert made.positions_m[:, 0].tolist() == [0.0, 6.0]
    assert made.notes == {"a": "b", "dropped_channels": "channel 2 (NaN)"}


def test_stored_recordings_that_stand_still_where_they_are_known_are_refused():
    rcg = np.full((1, 1600), np.nan)
    rcg[0, 300:500] = 1.0
    with pytest.raises(InputError, match="every motion channel is NaN or a dropout"):
        at_200_hz(Recording(rcg=rcg, fs_hz=200.0))


def test_many_channels_are_done_in_blocks_with_the_same_result(monkeypatch: pytest.MonkeyPatch):
    motion = np.random.default_rng(0).standard_normal((5, 3000))
    motion[3, 100:200] = np.nan
    whole = motion_to_rcg(motion, 250.371, "velocity")
    monkeypatch.setattr(to_rcg, "_BLOCK_NUMBERS", 6000)
    np.testing.assert_allclose(motion_to_rcg(motion, 250.371, "velocity"), whole, atol=1e-9)
