"""Noise on the spectrogram: once per frame, at its level on every channel, nowhere else."""

from __future__ import annotations

import torch

from radarode.data.noise import Noise, noisy_windows
from radarode.reconstruction.disturb import disturb_frames, disturbed


def spectrogram(frames: int = 500) -> torch.Tensor:
    values = torch.rand(3, 7, frames, generator=torch.Generator().manual_seed(0)) + 0.5
    values[1] *= 1000.0
    values[2] = 0.0
    return values


def add(noise: Noise):
    generator = torch.Generator().manual_seed(1)
    return lambda windows: noisy_windows(windows, noise, generator)


def test_the_level_holds_on_every_channel_in_any_unit() -> None:
    values = spectrogram(3000)
    noisy = disturb_frames(values, add(Noise("constant", 3.0, domain="spectrogram")))
    for channel in (0, 1):
        level = 10 * torch.log10(values[channel].square().mean() / (noisy - values)[channel].square().mean())
        assert abs(float(level) - 3.0) < 1.8  # relative to the window's mean over channels; one of three is silent
    ratio = (noisy - values)[1].square().mean() / (noisy - values)[0].square().mean()
    assert abs(float(ratio) / 1e6 - 1.0) < 0.15
    assert not noisy[2].any()


def test_every_frame_is_disturbed_once() -> None:
    values = spectrogram()
    noisy = disturb_frames(values, add(Noise("constant", 0.0, domain="spectrogram")))
    assert noisy.shape == values.shape
    assert ((noisy - values)[:2].abs().amax(dim=(0, 1)) > 0).all()


def test_bursts_hit_their_share_of_the_windows() -> None:
    values = spectrogram(120 * 20)
    noisy = disturb_frames(values, add(Noise("abrupt", -9.0, 2.0, share=0.2, domain="spectrogram")))
    hit = (noisy - values)[0].abs().amax(dim=0) > 1e-4
    assert int(hit.unflatten(0, (20, 120)).any(dim=1).sum()) == 4
    assert int(hit.sum()) == 4 * 60


def test_without_noise_nothing_is_held() -> None:
    blocks = iter([spectrogram(4), spectrogram(5)])
    first = next(disturbed(blocks, None))
    assert first.shape[2] == 4
    assert next(blocks).shape[2] == 5
    (whole,) = disturbed([spectrogram(100), spectrogram(60)], lambda windows: windows)
    assert torch.allclose(whole, torch.cat([spectrogram(100), spectrogram(60)], dim=2))
