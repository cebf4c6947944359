import numpy as np
import pytest
import torch

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.noise import (
    CONSTANT_LEVELS_DB,
    Noise,
    add_abrupt,
    add_abrupt_to_windows,
    add_constant,
    add_constant_to_windows,
    noisy_recording,
    noisy_windows,
)

FS_HZ = 200.0


@pytest.fixture
def rcg(rng):
    return rng.standard_normal((3, 200 * 40)) * np.array([[1.0], [10.0], [0.1]])


@pytest.fixture
def windows():
    return torch.rand((25, 2, 7, 120), generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("snr_db", CONSTANT_LEVELS_DB)
def test_constant_noise_has_exactly_the_level_asked_on_every_channel(rcg, rng, snr_db):
    noise = add_constant(rcg, snr_db, rng) - rcg
    level = 10 * np.log10(np.mean(rcg**2, axis=1) / np.mean(noise**2, axis=1))
    assert level == pytest.approx([snr_db] * 3, abs=1e-9)


def test_clean_means_unchanged(rcg, windows, rng):
    generator = torch.Generator().manual_seed(1)
    assert np.array_equal(add_constant(rcg, None, rng), rcg)
    assert np.array_equal(add_abrupt(rcg, None, 1.0, rng, fs_hz=FS_HZ), rcg)
    assert torch.equal(add_constant_to_windows(windows, None, generator), windows)
    assert torch.equal(add_abrupt_to_windows(windows, None, 1.0, generator), windows)


@pytest.mark.parametrize("seconds", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("snr_db", [0.0, -9.0])
def test_abrupt_noise_hits_a_fifth_of_the_windows_for_the_time_asked(rcg, rng, seconds, snr_db):
    noise = add_abrupt(rcg, snr_db, seconds, rng, fs_hz=FS_HZ) - rcg
    hit = np.abs(noise).sum(axis=0) > 0
    by_window = hit.reshape(10, 800).sum(axis=1)
    assert sorted(by_window)[-2:] == [seconds * FS_HZ] * 2
    assert np.count_nonzero(by_window) == 2
    window = int(np.argmax(by_window))
    inside = np.flatnonzero(hit[window * 800 : (window + 1) * 800])
    assert np.all(np.diff(inside) == 1)
    burst = noise[:, window * 800 + inside]
    level = 10 * np.log10(np.mean(rcg**2, axis=1) / np.mean(burst**2, axis=1))
    assert level == pytest.approx([snr_db] * 3, abs=1e-9)


def test_nothing_mutates_its_input(rcg, windows, rng):
    before, frames = rcg.copy(), windows.clone()
    generator = torch.Generator().manual_seed(1)
    add_constant(rcg, 0.0, rng)
    add_abrupt(rcg, 0.0, 2.0, rng, fs_hz=FS_HZ)
    add_constant_to_windows(windows, 0.0, generator)
    add_abrupt_to_windows(windows, 0.0, 2.0, generator)
    assert np.array_equal(rcg, before)
    assert torch.equal(windows, frames)


def test_gaps_stay_gaps_and_do_not_change_the_level(rcg, rng):
    rcg[:, 1000:3000] = np.nan
    noise = add_constant(rcg, 3.0, rng) - rcg
    assert np.isnan(noise[:, 1000:3000]).all()
    level = 10 * np.log10(np.nanmean(rcg**2, axis=1) / np.nanmean(noise**2, axis=1))
    assert level == pytest.approx([3.0] * 3, abs=1e-9)
    assert np.isfinite(add_abrupt(rcg, 0.0, 3.0, rng, fs_hz=FS_HZ)[:, 3000:]).all()


def test_windows_get_exactly_the_level_asked(windows):
    generator = torch.Generator().manual_seed(2)
    noise = add_constant_to_windows(windows, -2.0, generator) - windows
    level = 10 * torch.log10(windows.square().mean((1, 2, 3)) / noise.square().mean((1, 2, 3)))
    assert level.numpy() == pytest.approx([-2.0] * 25, abs=1e-9)


def test_abrupt_noise_hits_a_fifth_of_the_spectrogram_windows(windows):
    generator = torch.Generator().manual_seed(2)
    noise = add_abrupt_to_windows(windows, -9.0, 3.0, generator) - windows
    frames = (noise.abs().sum((1, 2)) > 0).sum(-1)
    assert sorted(frames.tolist())[-5:] == [90] * 5
    assert int((frames > 0).sum()) == 5


def test_the_generator_decides(windows, rcg):
    a, b = (add_constant(rcg, 0.0, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(a, b)
    c, d = (add_abrupt_to_windows(windows, 0.0, 1.0, torch.Generator().manual_seed(s)) for s in (5, 6))
    assert not torch.equal(c, d)


def test_each_domain_leaves_the_other_alone(rcg, windows, rng):
    recording = Recording(rcg, FS_HZ)
    generator = torch.Generator().manual_seed(3)
    for kind in ("constant", "abrupt"):
        signal, spectrogram = Noise(kind, 0.0), Noise(kind, 0.0, domain="spectrogram")
        assert noisy_recording(recording, spectrogram, rng) is recording
        assert noisy_windows(windows, signal, generator) is windows
        changed = noisy_recording(recording, signal, rng)
        assert not np.array_equal(changed.rcg, recording.rcg)
        assert kind in changed.notes["added_noise"]
        assert not torch.equal(noisy_windows(windows, spectrogram, generator), windows)
    assert noisy_recording(recording, Noise("constant", None), rng) is recording


@pytest.mark.parametrize(
    "bad",
    [
        {"kind": "loud"},
        {"domain": "time"},
        {"snr_db": float("nan")},
        {"seconds": 5.0},
        {"share": 1.5},
    ],
)
def test_impossible_noise_is_refused(bad):
    with pytest.raises(InputError, match=next(iter(bad))):
        Noise(**{"kind": "constant", "snr_db": 0.0, **bad})


def test_abrupt_noise_needs_a_whole_window(rng):
    with pytest.raises(InputError, match="window"):
        add_abrupt(np.ones((1, 400)), 0.0, 1.0, rng, fs_hz=FS_HZ)
