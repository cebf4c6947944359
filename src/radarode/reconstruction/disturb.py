"""Try noise on the spectrogram of a whole recording: every frame is disturbed once, whoever reads it and how often."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor

from radarode.core.constants import WINDOW_FRAMES

Disturb = Callable[[Tensor], Tensor]
"""Takes spectrogram windows (window, channel, row, frame) and returns them disturbed."""


def disturb_frames(frames: Tensor, disturb: Disturb) -> Tensor:
    """Disturb a spectrogram, cut into windows side by side.

    Each channel is brought to a mean square of 1 before, and back after, so that a level means the same on every
    channel and in any unit. A channel that is zero throughout a window stays so: it is not there.

    The published code disturbs each training window by itself. Where windows overlap, that averages the noise out.

    Args:
        frames: (channel, row, frame) magnitudes, at least one window long.
        disturb: called once, on all windows; frames behind the last whole window are disturbed with those before them.

    Returns:
        The same shape.
    """
    size = frames.square().mean(dim=(1, 2), keepdim=True).sqrt()
    scaled = frames / torch.where(size > 0, size, torch.ones_like(size))
    count, length = frames.shape[2] // WINDOW_FRAMES, frames.shape[2]
    whole = scaled[:, :, : count * WINDOW_FRAMES].unflatten(2, (count, WINDOW_FRAMES)).permute(2, 0, 1, 3)
    rest = length - count * WINDOW_FRAMES
    windows = torch.cat([whole, scaled[None, :, :, length - WINDOW_FRAMES :]]) if rest else whole
    present = windows.abs().amax(dim=(2, 3), keepdim=True) > 0
    noisy = list(disturb(windows) * present)
    if rest:
        noisy[count] = noisy[count][:, :, WINDOW_FRAMES - rest :]
    return torch.cat(noisy, dim=2) * size


def disturbed(frames: Iterable[Tensor], disturb: Disturb | None) -> Iterator[Tensor]:
    """Yield consecutive frames (channel, row, frame) as they come, or all of them at once, disturbed.

    Args:
        frames: of one recording.
        disturb: None changes nothing and keeps nothing.
    """
    if disturb is None:
        yield from frames
    else:
        yield disturb_frames(torch.cat(list(frames), dim=2), disturb)
