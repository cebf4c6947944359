"""Bilinear sampling of an image at moved and weighted places, on a CPU, with the channels of a pixel side by side.

`grid_sample` walks through every channel by itself and finds each place anew; here a place is found once and serves
all channels, forward and in one pass backward.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_weight

from radarode.core.errors import InputError
from radarode.core.threads import share_out
from radarode.models.deform_kernels import sample, spread


def sample_taps(x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
    """Sample an image at the nine taps of a 3×3 kernel around every pixel; outside the image it is 0.

    Args:
        x: (window, channel, row, frame).
        offset: (window, 18, row, frame) in pixels, (Δrow, Δframe) of tap 0, then of tap 1, ...
        mask: (window, 9, row, frame) factor of each tap.

    Returns:
        (window, 9 · channel, row, frame), tap after tap, channels last in memory. Its gradients have none of their own.

    Raises:
        InputError: `offset` or `mask` does not fit `x`.
    """
    windows, _, rows, frames = x.shape
    for name, one, taps in (("offset", offset, 18), ("mask", mask, 9)):
        if one.shape != (windows, taps, rows, frames):
            raise InputError.of(name, f"of shape {(windows, taps, rows, frames)}", tuple(one.shape))
    samples = _Sample.apply(*(one.permute(0, 2, 3, 1).contiguous() for one in (x, offset, mask)))
    assert isinstance(samples, Tensor)
    return samples.flatten(3).permute(0, 3, 1, 2)


class _Sample(torch.autograd.Function):
    """Map (window, row, frame, channel | 18 | 9) to (window, row, frame, 9, channel)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, offset: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(x, offset, mask)
        windows, rows, frames, channels = x.shape
        out = x.new_empty(windows, rows, frames, 9, channels)
        given, to = [one.detach().numpy() for one in (x, offset, mask)], out.numpy()
        share_out(lambda lines: sample(*given, lines, to), windows * rows, out.numel(), torch.get_num_threads())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return _OneByOne.apply(_spread, *ctx.saved_tensors, gradients[0])  # pyright: ignore[reportReturnType]


def _spread(x: Tensor, offset: Tensor, mask: Tensor, by_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    by_x, by_offset, by_mask = torch.zeros_like(x), torch.empty_like(offset), torch.empty_like(mask)
    given = [one.numpy() for one in (x, offset, mask, by_out.contiguous())]
    to = [one.numpy() for one in (by_x, by_offset, by_mask)]
    share_out(lambda windows: spread(*given, windows, *to), len(x), by_out.numel(), torch.get_num_threads())
    return by_x, by_offset, by_mask


def pointwise(x: Tensor, weight: Tensor) -> Tensor:
    """Convolve (window, in, row, frame) with (out, in, 1, 1), with a faster gradient by the weights.

    That gradient is a product over all pixels; the convolution from `out` to `in` channels has its transpose, and
    where there are many times more inputs than outputs the library takes half as long for it.
    """
    if torch.is_autocast_enabled("cpu"):  # which knows the library's own functions alone
        x, weight = (one.to(torch.get_autocast_dtype("cpu")) for one in (x, weight))
    out = _Pointwise.apply(x, weight)
    assert isinstance(out, Tensor)
    return out


class _Pointwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return conv2d(x, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        by_x = _OneByOne.apply(_pointwise_by_x, weight, gradients[0])[0] if ctx.needs_input_grad[0] else None  # pyright: ignore
        by_weight = (
            _OneByOne.apply(_pointwise_by_weight, x, weight, gradients[0])[0] if ctx.needs_input_grad[1] else None
        )  # pyright: ignore
        return by_x, by_weight


def _pointwise_by_x(weight: Tensor, by_out: Tensor) -> tuple[Tensor]:
    return (conv2d(by_out.contiguous(memory_format=torch.channels_last), weight.transpose(0, 1)),)


def _pointwise_by_weight(x: Tensor, weight: Tensor, by_out: Tensor) -> tuple[Tensor]:
    turned = by_out.contiguous(memory_format=torch.channels_last)
    return (conv2d_weight(turned, weight.transpose(0, 1).shape, x).transpose(0, 1),)


class _OneByOne(torch.autograd.Function):
    """Call a function of tensors; under `torch.vmap`, as libraries take several gradients at once, for each in turn."""

    @staticmethod
    def forward(function: Callable[..., tuple[Tensor, ...]], *given: Tensor) -> tuple[Tensor, ...]:
        return function(*given)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        """Keep nothing: a gradient has none of its own here."""

    @staticmethod
    def vmap(info: Any, in_dims: Any, function: Callable[..., tuple[Tensor, ...]], *given: Tensor) -> Any:
        """Loop over the dimension that is mapped."""
        pairs = list(zip(given, in_dims[1:], strict=True))
        found = [
            _OneByOne.apply(function, *(one if dim is None else one.select(dim, k) for one, dim in pairs))
            for k in range(info.batch_size)
        ]
        columns = zip(*found, strict=True)  # pyright: ignore[reportArgumentType]
        stacked = tuple(torch.stack(column) for column in columns)
        return stacked, (0,) * len(stacked)
