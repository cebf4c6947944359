from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import conv2d

from radarode.core.errors import InputError
from radarode.models.deform import DeformConv2d, _by_grid_sample, deform_conv2d
from radarode.models.deform_sample import pointwise


def by_definition(x, offset, mask, weight) -> torch.Tensor:
    """Transcribe DCNv2, equation 1, point by point; bilinear, zero outside."""
    n, channels, rows, frames = x.shape
    out = torch.zeros(n, weight.shape[0], rows, frames, dtype=x.dtype)

    def sample(window: int, y: float, t: float) -> torch.Tensor:
        total = torch.zeros(channels, dtype=x.dtype)
        for yy in (math.floor(y), math.floor(y) + 1):
            for tt in (math.floor(t), math.floor(t) + 1):
                if 0 <= yy < rows and 0 <= tt < frames:
                    total = total + (1 - abs(y - yy)) * (1 - abs(t - tt)) * x[window, :, yy, tt]
        return total

    for window in range(n):
        for row in range(rows):
            for frame in range(frames):
                for tap in range(9):
                    y = row + tap // 3 - 1 + offset[window, 2 * tap, row, frame].item()
                    t = frame + tap % 3 - 1 + offset[window, 2 * tap + 1, row, frame].item()
                    value = mask[window, tap, row, frame] * sample(window, y, t)
                    out[window, :, row, frame] += weight[:, :, tap // 3, tap % 3] @ value
    return out


def draw(dtype: torch.dtype, spread: float = 1.5) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(5)
    n, c_in, c_out, rows, frames = 2, 3, 4, 5, 6
    x = torch.randn(n, c_in, rows, frames, generator=generator, dtype=torch.float64)
    offset = spread * torch.randn(n, 18, rows, frames, generator=generator, dtype=torch.float64)
    mask = torch.rand(n, 9, rows, frames, generator=generator, dtype=torch.float64)
    weight = torch.randn(c_out, c_in, 3, 3, generator=generator, dtype=torch.float64)
    return tuple(t.to(dtype) for t in (x, offset, mask, weight))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_equals_the_definition(dtype: torch.dtype, tolerance: float) -> None:
    ours = deform_conv2d(*draw(dtype))
    oracle = by_definition(*draw(torch.float64))
    assert ((ours.double() - oracle).abs().max() / oracle.abs().max()).item() < tolerance


def test_without_offsets_it_is_a_convolution() -> None:
    x, offset, mask, weight = draw(torch.float64)
    ours = deform_conv2d(x, torch.zeros_like(offset), torch.ones_like(mask), weight)
    torch.testing.assert_close(ours, conv2d(x, weight, padding=1))


def test_gradcheck() -> None:
    x, offset, mask, weight = (t[:1] if t.shape[0] == 2 else t for t in draw(torch.float64, spread=0.3))
    offset = offset[..., :2, :3].clamp(-0.4, 0.4) + 0.45  # away from the kinks at whole pixels
    inputs = (x[..., :2, :3], offset, mask[..., :2, :3], weight[:1])
    leaves = [t.clone().requires_grad_() for t in inputs]
    assert torch.autograd.gradcheck(deform_conv2d, leaves)


def test_layer_starts_as_half_a_convolution_and_learns_its_offsets() -> None:
    layer = DeformConv2d(3, 2)
    x = torch.randn(2, 3, 7, 8, generator=torch.Generator().manual_seed(1))
    out = layer(x)
    torch.testing.assert_close(out, 0.5 * conv2d(x, layer.weight, padding=1), atol=1e-5, rtol=1e-5)
    out.square().sum().backward()
    for parameter in layer.parameters():
        assert parameter.grad is not None
        assert parameter.grad.abs().max() > 0


def test_both_ways_of_sampling_agree_with_all_their_gradients() -> None:
    both = []
    for apply in (deform_conv2d, _by_grid_sample):
        leaves = [t.requires_grad_() for t in draw(torch.float32, spread=2.5)]
        out = apply(*leaves)
        cotangents = [torch.randn(out.shape, generator=torch.Generator().manual_seed(k)) for k in (1, 2)]
        gradients = [torch.autograd.grad(out, leaves, one, retain_graph=True) for one in cotangents]
        both.append([out, *gradients[0], *gradients[1]])
    for ours, peer in zip(*both, strict=True):
        torch.testing.assert_close(ours, peer, atol=2e-5, rtol=1e-4)


def test_an_offset_that_is_no_number_gives_no_number_and_far_ones_zero() -> None:
    x, offset, mask, weight = draw(torch.float32)
    far = deform_conv2d(x, torch.full_like(offset, 1e30), mask, weight)
    assert (far == 0).all()
    offset[0, 0, 2, 3] = math.nan
    out = deform_conv2d(x, offset, mask, weight)
    assert out.isnan().any(dim=1).nonzero().tolist() == [[0, 2, 3]]


def test_gradients_do_not_depend_on_the_number_of_threads() -> None:
    generator = torch.Generator().manual_seed(3)
    n, channels, rows, frames = 3, 24, 20, 31  # enough to be shared out
    x = torch.randn(n, channels, rows, frames, generator=generator)
    offset = 2 * torch.randn(n, 18, rows, frames, generator=generator)
    mask = torch.rand(n, 9, rows, frames, generator=generator)
    weight = torch.randn(5, channels, 3, 3, generator=generator)
    found, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            leaves = [one.clone().requires_grad_() for one in (x, offset, mask, weight)]
            out = deform_conv2d(*leaves)
            found.append([out, *torch.autograd.grad(out.square().sum(), leaves[:3])])
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("needs", [(True, False), (False, True), (True, True)])
def test_the_pointwise_product_is_a_convolution_with_its_gradients(needs: tuple[bool, bool]) -> None:
    generator = torch.Generator().manual_seed(4)
    given = torch.randn(2, 18, 5, 7, generator=generator), torch.randn(3, 18, 1, 1, generator=generator)
    both = []
    for apply in (pointwise, conv2d):
        leaves = [one.clone().requires_grad_(wanted) for one, wanted in zip(given, needs, strict=True)]
        out = apply(*leaves)
        out.square().sum().backward()
        both.append([out, *(leaf.grad for leaf in leaves if leaf.requires_grad)])
    for ours, peer in zip(*both, strict=True):
        torch.testing.assert_close(ours, peer, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("wrong", ["offset", "mask"])
def test_offsets_and_weights_that_do_not_fit_are_refused(wrong: str) -> None:
    x, offset, mask, weight = draw(torch.float32)
    given = {"offset": offset, "mask": mask}
    for cut in (given[wrong][:1], given[wrong][:, :2], given[wrong][..., :2]):
        with pytest.raises(InputError, match=wrong):
            deform_conv2d(x, weight=weight, **{**given, wrong: cut})


def test_several_gradients_at_once_are_those_one_by_one() -> None:
    leaves = [one.requires_grad_() for one in draw(torch.float64)]
    out = deform_conv2d(*leaves)
    cotangents = torch.randn(3, *out.shape, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    together = torch.vmap(lambda one: torch.autograd.grad(out, leaves, one, retain_graph=True))(cotangents)
    for number, cotangent in enumerate(cotangents):
        alone = torch.autograd.grad(out, leaves, cotangent, retain_graph=True)
        for one, all_of_them in zip(alone, together, strict=True):
            torch.testing.assert_close(all_of_them[number], one)
