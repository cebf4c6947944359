"""Contract of every preset and decoder: shapes, parameters that learn, and what `small` promises."""

from __future__ import annotations

import pytest
import torch

from radarode.core.errors import InputError
from radarode.models.config import PRESETS, preset
from radarode.models.radarode_mtl import RadarOdeMtl, build_model
from radarode.models.stem import ChannelStem

DECODERS = ("fused", "temporal", "ode")
LIGHT = ("small", "tiny")


def inputs(n: int, channels: int, seed: int = 0) -> torch.Tensor:
    return 2 * torch.rand(n, channels, 71, 120, generator=torch.Generator().manual_seed(seed))


def count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def assert_every_parameter_learns(model: RadarOdeMtl, x: torch.Tensor) -> None:
    out = model.train()(x)
    generator = torch.Generator().manual_seed(3)
    loss = sum((value * torch.randn(value.shape, generator=generator)).sum() for _, value in out.items())
    assert isinstance(loss, torch.Tensor)
    loss.backward()
    asleep = [
        name
        for name, p in model.named_parameters()
        if p.grad is None or not torch.isfinite(p.grad).all() or p.grad.abs().max() < 1e-9
    ]
    assert asleep == []


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("name", LIGHT)
def test_every_parameter_learns(name: str, decoder: str) -> None:
    assert_every_parameter_learns(build_model(preset(name, decoder=decoder), seed=1), inputs(4, 3))


@pytest.mark.parametrize("decoder", DECODERS)
def test_every_parameter_of_the_published_layout_learns(decoder: str) -> None:
    """The `paper` layout, layer for layer, at an eighth of its width."""
    config = preset("paper", decoder=decoder, channels=6, widths=[16, 32, 64, 128], ode_widths=[64, 32, 16])
    assert_every_parameter_learns(build_model(config, seed=1), inputs(8, 6))


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("name", LIGHT)
def test_output_shapes(name: str, decoder: str) -> None:
    out = build_model(preset(name, decoder=decoder), seed=0).eval()(inputs(2, 5))
    assert (out.shape.shape, out.length.shape, out.anchor.shape) == ((2, 200), (2, 260), (2, 800))


def test_parameter_counts() -> None:
    with torch.device("meta"):
        counts = {name: count(RadarOdeMtl(preset(name))) for name in PRESETS}
    assert counts["paper"] == pytest.approx(37.7e6, rel=0.02)
    assert counts["small"] <= 3_000_000
    assert counts["tiny"] < 100_000


def test_shared_and_task_parameters_are_all_there_once() -> None:
    model = build_model(preset("tiny"), seed=0)
    parts = [model.shared_parameters(), *model.task_parameters().values()]
    ids = [id(parameter) for part in parts for parameter in part]
    assert sorted(ids) == sorted(map(id, model.parameters()))
    assert list(model.task_parameters()) == ["shape", "length", "anchor"] == list(model.heads)


def test_paper_has_the_published_shapes() -> None:
    with torch.device("meta"):
        model = RadarOdeMtl(preset("paper")).eval()
        shapes: dict[str, tuple[int, ...]] = {}
        for name, module in model.named_modules():
            module.register_forward_hook(
                lambda _m, _i, out, name=name: shapes.update(
                    {name: tuple(out.shape) if isinstance(out, torch.Tensor) else ()}
                )
            )
        features = model.encode(torch.empty(2, 50, 71, 120))
        assert tuple(model.heads["length"](features).shape) == (2, 260)
        assert tuple(model.heads["anchor"](features).shape) == (2, 800)
    table = {
        "backbone.blocks.0": (2, 128, 36, 61),
        "backbone.blocks.1": (2, 256, 19, 31),
        "backbone.blocks.2": (2, 512, 10, 31),
        "backbone.blocks.3": (2, 1024, 6, 31),
        "backbone": (2, 1024, 31),
        "heads.length.convs": (2, 32, 64),
        "heads.anchor.up": (2, 128, 1729),
    }
    assert {name: shapes[name] for name in table} == table


def test_paper_shape_decoder_has_the_published_shapes() -> None:
    config = preset("paper", channels=2, widths=[8, 16, 32, 1024], ode_widths=[16])
    model = build_model(config, seed=0).eval()
    features = model.encode(inputs(1, 2))
    head = model.heads["shape"]
    encoded = head.encoder(features.sequence)
    latent = head.initial(encoded)
    assert encoded.shape == (1, 128, 863)
    assert latent.shape == (1, 8, 207)
    assert head.cycle.temporal(latent).shape == head.cycle.ode(latent).shape == (1, 200)
    assert head(features).shape == (1, 200)


@pytest.mark.parametrize("channels", [1, 7, 64])
def test_small_takes_any_number_of_channels_in_any_order(channels: int) -> None:
    model = build_model(preset("small"), seed=0).eval()
    x = inputs(1, channels, seed=channels)
    order = torch.randperm(channels, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        for (_, one), (_, other) in zip(model(x).items(), model(x[:, order]).items(), strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", LIGHT)
def test_missing_channels_change_nothing(name: str) -> None:
    model = build_model(preset(name), seed=0).eval()
    x = inputs(2, 3)
    with_missing = torch.cat((torch.zeros(2, 2, 71, 120), x, torch.zeros(2, 4, 71, 120)), dim=1)
    with torch.inference_mode():
        for (_, one), (_, other) in zip(model(x).items(), model(with_missing).items(), strict=True):
            torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_window_without_any_channel_is_finite() -> None:
    model = build_model(preset("tiny"), seed=0)
    x = torch.cat((torch.zeros(1, 3, 71, 120), inputs(1, 3)))
    out = model(x)
    sum(value.sum() for _, value in out.items()).backward()
    assert all(torch.isfinite(value).all() for _, value in out.items())
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


@pytest.mark.parametrize("name", LIGHT)
def test_a_window_does_not_depend_on_its_batch(name: str) -> None:
    model = build_model(preset(name), seed=0).train()
    x = inputs(3, 2)
    with torch.no_grad():
        for (_, one), (_, all_) in zip(model(x[1:2]).items(), model(x).items(), strict=True):
            torch.testing.assert_close(one, all_[1:2], atol=1e-4, rtol=1e-4)


def test_same_seed_same_start_and_global_generator_untouched() -> None:
    before = torch.random.get_rng_state()
    one, other, third = (build_model(preset("tiny"), seed=seed) for seed in (4, 4, 5))
    assert torch.equal(before, torch.random.get_rng_state())
    pairs = [torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True)]
    assert all(pairs)
    assert not torch.equal(one.shared_parameters()[0], third.shared_parameters()[0])


def test_outputs_start_near_their_targets() -> None:
    out = build_model(preset("small"), seed=0)(inputs(4, 12))
    assert out.anchor.abs().mean() < 0.2
    assert out.shape.abs().mean() < 2


@pytest.mark.parametrize("shape", [(2, 49, 71, 120), (2, 50, 70, 120), (50, 71, 120)])
def test_wrong_input_is_refused(shape: tuple[int, ...]) -> None:
    with torch.device("meta"), pytest.raises(InputError, match="50, 71, 120"):
        RadarOdeMtl(preset("paper")).encode(torch.empty(shape))


def test_tiny_learns_where_a_beat_is() -> None:
    """A bright frame says where the impulse is: fifty steps of Adam must halve the error of the mean."""
    model = build_model(preset("tiny"), seed=0)
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    time_s = torch.arange(800) / 200
    first = last = 0.0
    for step in range(60):
        place_s = 0.3 + 3.4 * torch.rand(16, 1, generator=generator)
        bump = torch.exp(-(((torch.arange(120) / 30 - place_s) / 0.05) ** 2))
        x = bump[:, None, None, :].expand(-1, 2, 71, -1) + 0.1
        target = torch.exp(-0.5 * ((time_s - place_s) / 0.03) ** 2)
        loss = (model(x).anchor - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        first, last = (loss.item() if step == 0 else first), loss.item()
    assert last < 0.5 * first


def test_the_stem_reads_a_batch_as_it_reads_its_windows() -> None:
    stem = ChannelStem(4, 71)
    x = torch.rand(3, 5, 71, 120, generator=torch.Generator().manual_seed(2))
    x[1, 2] = 0
    with torch.no_grad():
        one_by_one = stem(x)
    for ours, together in zip(one_by_one, stem(x), strict=True):
        torch.testing.assert_close(ours, together)
