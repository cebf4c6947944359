"""radarODE's long-term network: motion and the draft laid from single cycles become the ECG of a window."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from radarode.core.constants import WINDOW_SAMPLES
from radarode.core.errors import InputError
from radarode.models.blocks import make_norm
from radarode.models.config import Norm


class MotionStem(nn.Module):
    """Pass every channel of motion through the same filters, then pool over the channels.

    A softmax over the channels weighs them, moment by moment, by a score of their own features; the weighted mean
    stands beside the plain mean and the maximum. A channel that is zero everywhere takes no part.

    Args:
        width: filters w; comes out as 3·w channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(1, width, 9, padding=4)
        self.second = nn.Conv1d(width, width, 5, padding=2)
        self.score = nn.Conv1d(width, 1, 5, padding=2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map (window, channel, sample) to (window, 3·w, sample)."""
        n, channels, samples = x.shape
        present = (x.abs().amax(dim=2) > 0).to(x.dtype)
        features = relu(self.second(relu(self.first(x.reshape(n * channels, 1, samples)))))
        score = self.score(features).view(n, channels, samples).masked_fill(present[:, :, None] == 0, -1e4)
        weight = torch.softmax(score, dim=1) * present[:, :, None]
        features = features.view(n, channels, -1, samples)
        share = present / present.sum(dim=1, keepdim=True).clamp(min=1)
        weighted = (features * weight[:, :, None, :]).sum(dim=1)
        mean = (features * share[:, :, None, None]).sum(dim=1)
        highest = (features * present[:, :, None, None]).amax(dim=1)
        return torch.cat((weighted, mean, highest), dim=1)


class EncoderBlock(nn.Module):
    """Widen, refine with a skip, and halve the rate: y = x' + ReLU(norm(conv₅ x')), x' = ReLU(norm(conv₅ x)).

    Args:
        c_in: channels of the input.
        c_out: channels of the output.
        norm: kind of norm.
    """

    def __init__(self, c_in: int, c_out: int, norm: Norm) -> None:
        super().__init__()
        self.widen = nn.Conv1d(c_in, c_out, 5, padding=2, bias=False)
        self.widen_norm = make_norm(norm, c_out, 1)
        self.refine = nn.Conv1d(c_out, c_out, 5, padding=2, bias=False)
        self.refine_norm = make_norm(norm, c_out, 1)
        self.down = nn.Conv1d(c_out, c_out, 5, 2, padding=2, bias=False)
        self.down_norm = make_norm(norm, c_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (window, c_in, sample) to (window, c_out, sample / 2)."""
        x = relu(self.widen_norm(self.widen(x)))
        x = x + relu(self.refine_norm(self.refine(x)))
        return relu(self.down_norm(self.down(x)))


class MotionEncoder(nn.Module):
    """Turn the motion of a window into one curve: three blocks down, three transposed convolutions up.

    Args:
        c_in: channels of the input.
        widths: channels after each block.
        norm: kind of norm.
    """

    def __init__(self, c_in: int, widths: Sequence[int], norm: Norm) -> None:
        super().__init__()
        sizes = (c_in, *widths)
        self.down = nn.Sequential(*(EncoderBlock(a, b, norm) for a, b in pairwise(sizes)))
        back = tuple(reversed(widths))
        ups: list[nn.Module] = []
        for a, b in pairwise(back):
            ups += [nn.ConvTranspose1d(a, b, 4, 2, padding=1, bias=False), make_norm(norm, b, 1), nn.ReLU()]
        ups.append(nn.ConvTranspose1d(back[-1], 1, 4, 2, padding=1))
        self.up = nn.Sequential(*ups)

    def forward(self, x: Tensor) -> Tensor:
        """Map (window, channel, sample) to (window, 1, sample)."""
        return self.up(self.down(x))


class TemporalBlock(nn.Module):
    """Add what two steps of a dilated convolution of kernel 3 see, as far behind as ahead.

    Args:
        c_in: channels of the input.
        c_out: channels of the output.
        dilation: distance of the kernel's samples.
        norm: kind of norm.
    """

    def __init__(self, c_in: int, c_out: int, dilation: int, norm: Norm) -> None:
        super().__init__()
        self.conv = nn.Conv1d(c_in, c_out, 3, padding=dilation, dilation=dilation, bias=False)
        self.norm = make_norm(norm, c_out, 1)
        self.mix = nn.Conv1d(c_out, c_out, 1)
        self.skip = nn.Conv1d(c_in, c_out, 1) if c_in != c_out else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Map (window, c_in, sample) to (window, c_out, sample)."""
        return self.skip(x) + self.mix(relu(self.norm(self.conv(x))))


class LongTerm(nn.Module):
    """Map motion and draft of a window to its ECG curve.

    Args:
        channels: motion channels; None is any number, in any order (`stem_width` > 0).
        stem_width: filters that every channel passes before the channels are pooled; 0 is no stem.
        widths: channels of the motion encoder's blocks.
        tcn_width: channels of the dilated convolutions.
        tcn_layers: their number; layer l has dilation 2^l.
        norm: kind of norm.

    Reference: radarODE, arXiv 2408.01672, the long-term ECG part. The text leaves open the width of the dilated
        convolutions, their norm and whether they look ahead; here they do, since a window is there as a whole.
    """

    def __init__(
        self, channels: int | None, stem_width: int, widths: Sequence[int], tcn_width: int, tcn_layers: int, norm: Norm
    ) -> None:
        super().__init__()
        self.channels = channels
        self.stem = MotionStem(stem_width) if stem_width else None
        self.motion = MotionEncoder(3 * stem_width if stem_width else channels or 1, widths, norm)
        sizes = (2, *(tcn_width,) * tcn_layers)
        self.tcn = nn.Sequential(*(TemporalBlock(a, b, 2**k, norm) for k, (a, b) in enumerate(pairwise(sizes))))
        self.out = nn.Conv1d(tcn_width, 1, 1)

    def forward(self, motion: Tensor, draft: Tensor) -> Tensor:
        """Map scaled motion (window, channel, 800) and draft (window, 800) to the ECG curve (window, 800).

        Raises:
            InputError: the inputs are not of these shapes.
        """
        fits = motion.ndim == 3 and motion.shape[2] == WINDOW_SAMPLES and motion.shape[1] > 0
        if not fits or (self.channels is not None and motion.shape[1] != self.channels):
            shape = f"(window, {self.channels or 'channel'}, {WINDOW_SAMPLES})"
            raise InputError.of("motion", f"of shape {shape}", tuple(motion.shape), "Use a network made for this input")
        if draft.shape != (len(motion), WINDOW_SAMPLES):
            raise InputError.of("draft", f"of shape {(len(motion), WINDOW_SAMPLES)}", tuple(draft.shape))
        seen = motion if self.stem is None else self.stem(motion)
        stacked = torch.cat((self.motion(seen), draft[:, None]), dim=1)
        return self.out(self.tcn(stacked)).squeeze(1)


def rmse_loss(curve: Tensor, target: Tensor) -> Tensor:
    """Return the root mean squared error over the samples whose target is known (published loss).

    Args:
        curve: (window, 800).
        target: (window, 800); NaN does not count.
    """
    known = torch.isfinite(target)
    error = torch.where(known, curve - torch.nan_to_num(target), torch.zeros_like(curve))
    tiny = 1e-12  # keeps the gradient finite at a perfect answer
    return (error.square().sum() / known.sum().clamp(min=1) + tiny).sqrt()
