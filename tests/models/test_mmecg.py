"""Contract of the MMECG network: shapes, parameters that learn, any number of channels, places or none."""

from __future__ import annotations

import json

import pytest
import torch

from radarode.core.errors import InputError
from radarode.models.causal_tcn import shift_past
from radarode.models.mmecg import PRESETS, Mmecg, MmecgConfig
from radarode.models.networks import build_network, preset_of

LIGHT = ("small", "tiny")


def inputs(n: int, channels: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    motion = torch.randn(n, channels, 640, generator=generator)
    places = 0.1 * torch.randn(n, channels, 3, generator=generator)
    return motion, places, shift_past(torch.rand(n, 640, generator=generator) * 2 - 1)


def build(name: str, **changes: object) -> Mmecg:
    return build_network("mmecg", preset_of("mmecg", name, changes), seed=1)


def narrow_paper() -> Mmecg:
    """Return the published layout, layer for layer, at an eighth of its width and six channels."""
    widths = {"widths": [4] * 4, "expansion": [4, 4, 4, 4], "attention_width": 8, "feed_forward": 16}
    return build("paper", channels=6, tcn_width=8, tcn_skip=16, **widths)


def assert_every_parameter_learns(model: Mmecg, channels: int) -> None:
    logits = model.train()(*inputs(4, channels))
    (logits * torch.randn(logits.shape, generator=torch.Generator().manual_seed(3))).sum().backward()
    asleep = [
        name
        for name, p in model.named_parameters()
        if p.grad is None or not torch.isfinite(p.grad).all() or p.grad.abs().max() < 1e-7
    ]
    assert asleep == []


@pytest.mark.parametrize("name", LIGHT)
def test_every_parameter_learns(name: str) -> None:
    assert_every_parameter_learns(build(name), 3)


def test_every_parameter_of_the_published_layout_learns() -> None:
    assert_every_parameter_learns(narrow_paper(), 6)


@torch.inference_mode()
@pytest.mark.parametrize("name", LIGHT)
def test_output_shapes(name: str) -> None:
    model = build(name).eval()
    motion, places, past = inputs(2, 5)
    assert model.encode(motion, places).shape == (2, 4, 640)
    assert model(motion, places, past).shape == (2, 256, 640)


def test_published_layout() -> None:
    with torch.device("meta"):
        model = Mmecg(PRESETS["paper"])
        shapes: dict[str, tuple[int, ...]] = {}
        for name, module in model.named_modules():
            module.register_forward_hook(lambda _m, _i, out, name=name: shapes.update({name: tuple(out.shape)}))
        conditions = model.encode(torch.empty(2, 50, 640), torch.empty(2, 50, 3))
    assert shapes["cnn"] == (100, 32, 40)
    assert shapes["spatial"] == (2, 50, 64)
    assert shapes["expansion"] == (100, 4, 640)
    assert conditions.shape == (2, 4, 640)
    assert len(model.decoder.layers) == 9
    assert model.decoder.receptive_field == 512 < 640
    assert sum(isinstance(m, torch.nn.Conv1d) and m.kernel_size == (7,) for m in model.modules()) == 16
    remedies = ("past_dropout", "past_noise", "position_dropout")
    assert all(getattr(PRESETS["paper"], name) == 0.0 for name in remedies)
    assert all(getattr(PRESETS[light], name) > 0.0 for name in remedies for light in LIGHT)


@torch.inference_mode()
@pytest.mark.parametrize("name", LIGHT)
def test_silent_channels_are_not_heard(name: str) -> None:
    model = build(name).eval()
    motion, places, _ = inputs(2, 3)
    silent = torch.cat([motion, torch.zeros(2, 2, 640)], dim=1)
    # Different places of the silent channels must not matter either.
    around = torch.cat([places, torch.full((2, 2, 3), 0.3)], dim=1)
    torch.testing.assert_close(model.encode(silent, around), model.encode(motion, places), atol=1e-5, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("name", LIGHT)
def test_order_of_channels_does_not_matter(name: str) -> None:
    model = build(name).eval()
    motion, places, _ = inputs(2, 4)
    order = [2, 0, 3, 1]
    torch.testing.assert_close(
        model.encode(motion[:, order], places[:, order]), model.encode(motion, places), atol=1e-5, rtol=1e-4
    )


@torch.inference_mode()
def test_one_channel_and_no_channel_give_finite_conditions() -> None:
    model = build("tiny").eval()
    motion, places, _ = inputs(2, 1)
    assert model.encode(motion, places).isfinite().all()
    assert model.encode(torch.zeros_like(motion), places).isfinite().all()


@torch.inference_mode()
def test_places_matter_and_an_unknown_place_adds_nothing() -> None:
    model = build("tiny").eval()
    motion, places, _ = inputs(2, 3)
    with_places, without = model.encode(motion, places), model.encode(motion, torch.zeros_like(places))
    assert not torch.allclose(with_places, without)
    model.spatial.place.weight.zero_()
    assert torch.equal(model.encode(motion, places), without)


def test_refuses_other_numbers_of_channels_and_samples() -> None:
    model = narrow_paper()
    with pytest.raises(InputError, match="`channels` must be 6"):
        model.encode(*inputs(2, 5)[:2])
    with pytest.raises(InputError, match="`samples` must be 640"):
        model.encode(torch.zeros(2, 6, 600), torch.zeros(2, 6, 3))


@pytest.mark.parametrize("name", PRESETS)
def test_configuration_goes_through_json_and_back(name: str) -> None:
    assert MmecgConfig.from_dict(json.loads(json.dumps(PRESETS[name].to_dict()))) == PRESETS[name]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"widht": [8]}, "unknown key `widht`"),
        ({"widths": [8, 8]}, "one entry per halving"),
        ({"samples": 600}, "`samples` must be a multiple of 16"),
        ({"attention_heads": 5}, "divisor of attention_width"),
        ({"past_dropout": 1.5}, "`past_dropout` must be between 0 and 1"),
        ({"readout": "median"}, "argmax"),
        ({"tcn_layers": 40}, "at most 14"),
        ({"tcn_width": 0}, "between 1 and"),
    ],
)
def test_refuses_sizes_that_cannot_be(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        preset_of("mmecg", "tiny", changes)
