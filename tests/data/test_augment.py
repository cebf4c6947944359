"""Scaling, augmentation and splits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.augment import AugmentSettings, augment_recording, augment_windows
from radarode.data.scaling import SCALINGS, scale_windows
from radarode.data.splits import Split, split_subjects

FREQS = np.geomspace(1, 25, 71)
NOTHING = AugmentSettings(0.0, 0.0, 0.0, 0.0, 0.0, (0, 1), 0.0, (0, 1), 0.0)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_scaling_ignores_gain_and_keeps_empty_channels_empty(scaling: str) -> None:
    values = torch.rand(2, 3, 71, 120)
    values[0, 1] = 0
    scaled = scale_windows(values, scaling)
    torch.testing.assert_close(scaled, scale_windows(values * torch.tensor([1e-3, 1.0, 1e4])[:, None, None], scaling))
    assert (scaled[0, 1] == 0).all()
    assert torch.isfinite(scaled).all()
    assert scaled.min() >= 0


def test_a_burst_does_not_push_the_rest_to_zero() -> None:
    values = torch.rand(1, 1, 71, 120)
    values[..., 60:70] *= 1000
    quiet = {name: float(scale_windows(values, name)[..., :60].mean()) for name in SCALINGS}
    assert quiet["log_mean"] > 5 * quiet["minmax"]


def test_unknown_scaling() -> None:
    with pytest.raises(InputError, match="scaling"):
        scale_windows(torch.rand(1, 1, 2, 2), "median")


def test_nothing_changes_nothing(rng: np.random.Generator) -> None:
    values = torch.rand(4, 3, 71, 120)
    torch.testing.assert_close(augment_windows(values, FREQS, NOTHING, rng), values)
    recording = Recording(rcg=rng.standard_normal((3, 1000)), fs_hz=200.0)
    np.testing.assert_allclose(augment_recording(recording, NOTHING, rng).rcg, recording.rcg)


def test_augmentation_is_seeded_and_leaves_its_input(rng: np.random.Generator) -> None:
    values = torch.rand(8, 4, 71, 120)
    before = values.clone()
    one = augment_windows(values, FREQS, AugmentSettings(), np.random.default_rng(3))
    two = augment_windows(values, FREQS, AugmentSettings(), np.random.default_rng(3))
    assert torch.equal(one, two)
    assert torch.equal(values, before)
    assert not torch.equal(one, values)


def test_dropout_never_takes_every_channel() -> None:
    settings = replace(NOTHING, dropout=1.0)
    dropped = augment_windows(torch.rand(5, 4, 71, 120) + 0.1, FREQS, settings, np.random.default_rng(0))
    assert (dropped.amax(dim=(2, 3)) > 0).sum(dim=1).tolist() == [1] * 5


def test_tilt_is_a_straight_line_in_decibels_per_octave() -> None:
    settings = replace(NOTHING, tilt_db_per_octave=6.0)
    tilted = augment_windows(torch.ones(6, 2, 71, 120), FREQS, settings, np.random.default_rng(1))
    slope = 20 * torch.log10(tilted[:, :, -1, 0] / tilted[:, :, 0, 0]) / np.log2(25)
    assert slope.abs().max() <= 6.0 + 1e-4
    assert slope.std() > 1.0


def test_delay_gain_and_sign_act_on_each_channel(rng: np.random.Generator) -> None:
    t = np.arange(4000) / 200
    recording = Recording(rcg=np.tile(np.sin(2 * np.pi * 3 * t), (40, 1)), fs_hz=200.0, r_peaks_s=np.arange(1.0, 9.0))
    varied = augment_recording(recording, AugmentSettings(delay_s=0.01), rng)
    gains = varied.rcg.std(axis=1) / recording.rcg.std(axis=1)
    assert gains.std() > 0.2
    signs = np.sign((varied.rcg * recording.rcg).sum(axis=1))
    assert set(signs) == {-1.0, 1.0}
    assert (varied.r_peaks_s == recording.r_peaks_s).all()


@pytest.mark.parametrize("change", [{"flip": 1.5}, {"noise_snr_db": (3.0, -3.0)}, {"dropout": -0.1}])
def test_bad_augmentation(change: dict) -> None:
    with pytest.raises(InputError):
        AugmentSettings(**change)


def test_folds_test_everybody_once_and_never_share_a_subject() -> None:
    people = [f"p{k}" for k in range(11)]
    tested: list[str] = []
    for fold in range(4):
        split = split_subjects(people, folds=4, fold=fold, validation=0.2, seed=3)
        assert not set(split.train) & (set(split.validation) | set(split.test))
        assert not set(split.validation) & set(split.test)
        assert len(split.train) + len(split.validation) + len(split.test) == 11
        tested.extend(split.test)
    assert sorted(tested) == sorted(people)


def test_one_fold_has_no_test_side() -> None:
    split = split_subjects(["a", "b", "c"], folds=1, fold=0, validation=0.1, seed=1)
    assert split.test == ()
    assert len(split.validation) == 1


@pytest.mark.parametrize(
    ("people", "folds", "fold"), [(["a"], 1, 0), (["a", "b"], 2, 0), (["a", "b", "c"], 5, 0), (["a", "b", "c"], 3, 3)]
)
def test_impossible_splits(people: list[str], folds: int, fold: int) -> None:
    with pytest.raises(InputError):
        split_subjects(people, folds=folds, fold=fold, validation=0.2, seed=1)


def test_a_split_with_shared_subjects_is_refused() -> None:
    with pytest.raises(InputError, match="two sides"):
        Split(("a", "b"), ("b",), ())
