"""Windows of stored motion: the same channels, times and gaps as the spectrogram's windows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.augment import AugmentSettings, augment_motion
from radarode.data.motion import LARGEST, gather_motion, motion_starts, scale_motion
from radarode.data.store import StoredRecording, open_store
from radarode.data.store_writer import write_store
from radarode.simulate import sample_person, simulate_recording

OFF = AugmentSettings(flip=0.0, noise_share=0.0, movement_share=0.0, dropout=0.0)


@pytest.fixture(scope="module")
def recording() -> Recording:
    rng = np.random.default_rng(4)
    simulated = simulate_recording(sample_person(rng), 12.0, "NB", rng)
    assert simulated.positions_m is not None
    return replace(simulated, rcg=simulated.rcg[:5], positions_m=simulated.positions_m[:5])


def stored(folder: Path, recording: Recording, **options) -> StoredRecording:
    write_store(folder / "store", [recording], {"name": "sst"}, motion=True, **options)
    return open_store(folder / "store").recordings[0]


def gathered(stored: StoredRecording, starts: np.ndarray, samples: int = 800, **options):
    return gather_motion([stored], np.zeros(len(starts), dtype=np.int64), starts, samples, **options)


def test_windows_are_the_motion_in_units_of_its_spread(recording: Recording, tmp_path: Path) -> None:
    one = stored(tmp_path, recording)
    starts = motion_starts(one, 800, 1.0)
    motion, positions = gathered(one, starts)
    assert motion.shape == (9, 5, 800)
    units = (recording.rcg - recording.rcg.mean(1, keepdims=True)) / recording.rcg.std(1, keepdims=True)
    for window, first in zip(motion.numpy(), starts, strict=True):
        np.testing.assert_allclose(window, units[:, first : first + 800], rtol=2e-3, atol=2e-3)
    np.testing.assert_array_equal(positions[0].numpy(), recording.positions_m)


def test_motion_and_positions_are_of_the_channels_that_the_frames_show(recording: Recording, tmp_path: Path) -> None:
    rcg = recording.rcg.copy()
    rcg[1] = np.nan
    one = stored(tmp_path, replace(recording, rcg=rcg), max_channels=3, rng=np.random.default_rng(1))
    assert one.motion is not None
    assert one.positions_m is not None
    assert one.frames.shape[1] == one.motion.shape[1] == 3
    units = (recording.rcg - recording.rcg.mean(1, keepdims=True)) / recording.rcg.std(1, keepdims=True)
    for channel, place in zip(one.motion.T.astype(np.float32), one.positions_m, strict=True):
        owner = int(np.argmin(np.abs(units - channel).max(axis=1)))
        assert owner != 1
        np.testing.assert_array_equal(place, recording.positions_m[owner])  # type: ignore[index]


def test_unknown_positions_are_zero(recording: Recording, tmp_path: Path) -> None:
    one = stored(tmp_path, replace(recording, positions_m=None))
    assert one.positions_m is None
    _, positions = gathered(one, np.array([0]), n_channels=2, rng=np.random.default_rng(0))
    assert positions.shape == (1, 2, 3)
    assert not positions.any()


def test_no_window_touches_a_gap(recording: Recording, tmp_path: Path) -> None:
    rcg = recording.rcg.copy()
    rcg[:, 1000:1100] = np.nan
    starts = motion_starts(stored(tmp_path, replace(recording, rcg=rcg)), 640, 0.1)
    assert len(starts)
    assert ((starts + 640 <= 1000 + 4) | (starts >= 1100 - 4)).all()


def test_a_store_without_motion_says_so(recording: Recording, tmp_path: Path) -> None:
    write_store(tmp_path / "store", [recording], {"name": "sst"})
    with pytest.raises(InputError, match="holds no motion"):
        motion_starts(open_store(tmp_path / "store").recordings[0], 800, 1.0)


def test_scaling_forgets_gain_and_offset_and_bounds_a_jerk() -> None:
    motion = torch.randn(2, 3, 400, generator=torch.Generator().manual_seed(0))
    motion[1, 2] = 0.0
    scaled = scale_motion(motion)
    torch.testing.assert_close(scaled, scale_motion(7.0 * motion - 3.0), atol=1e-4, rtol=1e-4)
    assert not scaled[1, 2].any()
    motion[0, 0, 17] = 1e4
    assert scale_motion(motion)[0, 0].abs().max() == LARGEST


def test_augmentation_hits_its_share_at_its_level() -> None:
    motion = torch.randn(400, 2, 800, generator=torch.Generator().manual_seed(0))
    settings = replace(OFF, noise_share=0.5, noise_snr_db=(3.0, 3.0))
    noise = augment_motion(motion, settings, np.random.default_rng(1)) - motion
    hit = noise.abs().amax(dim=(1, 2)) > 0
    assert 0.4 < hit.float().mean() < 0.6
    level = 10 * torch.log10(motion[hit].square().mean() / noise[hit].square().mean())
    assert level == pytest.approx(3.0, abs=0.1)
    assert torch.equal(augment_motion(motion, OFF, np.random.default_rng(1)), motion)


def test_movement_is_a_stretch_and_dropout_leaves_the_first_channel() -> None:
    motion = torch.ones(50, 4, 800)
    settings = replace(OFF, movement_share=1.0, dropout=0.9)
    varied = augment_motion(motion, settings, np.random.default_rng(1))
    assert (varied[:, 0].abs().amax(dim=1) > 0).all()
    assert (varied[:, 1:].abs().amax(dim=2) == 0).float().mean() > 0.8
    touched = (varied[:, 0] != 1.0).sum(dim=1)
    assert ((touched >= 99) & (touched <= 601)).all()
