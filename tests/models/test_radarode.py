"""Contract of both networks of radarODE: shapes, parameters that learn, sizes, channels in any number and order."""

from __future__ import annotations

import pytest
import torch

from radarode.core.errors import InputError
from radarode.models.config import preset
from radarode.models.longterm import rmse_loss
from radarode.models.networks import build_network, preset_of
from radarode.models.radarode import PRESETS, RadarOde, RadarOdeConfig
from radarode.models.radarode_mtl import RadarOdeMtl

LIGHT = ("small", "tiny")
NARROW = {
    "sceg": {"channels": 6, "widths": [16, 32, 64, 128], "ode_widths": [64, 32, 16]},
    "widths": [16, 32, 64],
    "tcn_width": 8,
}


def build(name: str, changes: dict[str, object] | None = None) -> RadarOde:
    return build_network("radarode", preset_of("radarode", name, changes), 1)


def inputs(n: int, channels: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    frames = 2 * torch.rand(n, channels, 71, 120, generator=generator)
    return frames, torch.randn(n, channels, 800, generator=generator), torch.rand(n, 800, generator=generator)


def asleep(model: RadarOde, n: int, channels: int) -> list[str]:
    frames, motion, draft = inputs(n, channels)
    generator = torch.Generator().manual_seed(3)
    outputs = (model.train().sceg(frames), model.longterm(motion, draft))
    sum((out * torch.randn(out.shape, generator=generator)).sum() for out in outputs).backward()  # type: ignore[union-attr]
    return [
        name
        for name, p in model.named_parameters()
        if p.grad is None or not torch.isfinite(p.grad).all() or p.grad.abs().max() < 1e-9
    ]


@pytest.mark.parametrize("decoder", ["fused", "temporal", "ode"])
@pytest.mark.parametrize("name", LIGHT)
def test_every_parameter_of_both_networks_learns(name: str, decoder: str) -> None:
    assert asleep(build(name, {"sceg": {"decoder": decoder}}), 4, 3) == []


def test_every_parameter_of_the_published_layout_learns() -> None:
    """The `paper` layout, layer for layer, at an eighth of its width."""
    assert asleep(build("paper", NARROW), 8, 6) == []


def test_sizes() -> None:
    with torch.device("meta"):
        models = {name: RadarOde(config) for name, config in PRESETS.items()}
        trunk = RadarOdeMtl(preset("paper")).backbone
    counts = {name: sum(p.numel() for p in model.parameters()) for name, model in models.items()}
    assert sum(p.numel() for p in models["paper"].sceg.backbone.parameters()) == sum(
        p.numel() for p in trunk.parameters()
    )
    assert len(models["paper"].longterm.tcn) == 9
    assert [block.conv.dilation for block in models["paper"].longterm.tcn] == [(2**k,) for k in range(9)]
    assert counts["small"] < 3_000_000
    assert counts["tiny"] < 100_000


def test_the_published_sizes_run_through() -> None:
    with torch.device("meta"):
        model = RadarOde(PRESETS["paper"]).eval()
        assert model.sceg(torch.zeros(2, 50, 71, 120)).shape == (2, 200)
        assert model.longterm(torch.zeros(2, 50, 800), torch.zeros(2, 800)).shape == (2, 800)


@pytest.mark.parametrize("name", LIGHT)
def test_any_number_of_channels_in_any_order_and_zeros_do_not_count(name: str) -> None:
    model = build(name).eval()
    frames, motion, draft = inputs(2, 5)
    order = torch.tensor([3, 0, 4, 1, 2])
    gap = torch.zeros(2, 2, 800)
    with torch.no_grad():
        plain = model.longterm(motion, draft)
        torch.testing.assert_close(model.longterm(motion[:, order], draft), plain, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(model.longterm(torch.cat((motion, gap), 1), draft), plain, atol=1e-5, rtol=1e-4)
        assert model.longterm(motion[:, :1], draft).shape == (2, 800)
        assert torch.isfinite(model.longterm(gap, draft)).all()
        torch.testing.assert_close(model.sceg(frames[:, order]), model.sceg(frames), atol=1e-4, rtol=1e-3)


def test_both_inputs_matter_and_the_window_is_seen_as_a_whole() -> None:
    model = build("tiny").eval()
    _, motion, draft = inputs(1, 3)
    draft.requires_grad_()
    motion.requires_grad_()
    model.longterm(motion, draft)[0, 400].backward()
    assert draft.grad is not None
    assert motion.grad is not None
    for side in (slice(0, 200), slice(600, 800)):
        assert draft.grad[0, side].abs().max() > 0
        assert motion.grad[0, :, side].abs().max() > 0


def test_wrong_shapes_are_refused() -> None:
    model = build("tiny")
    frames, motion, draft = inputs(1, 3)
    for call in (
        lambda: model.sceg(frames[:, :, :70]),
        lambda: model.longterm(motion[:, :, :700], draft),
        lambda: model.longterm(motion, draft[:, :700]),
        lambda: build("paper", NARROW).longterm(motion, draft),
    ):
        with pytest.raises(InputError, match="of shape"):
            call()


def test_configurations_survive_and_are_checked() -> None:
    for config in PRESETS.values():
        assert RadarOdeConfig.from_dict(config.to_dict()) == config
    changed = preset_of("radarode", "small", {"sceg": {"decoder": "ode"}})
    assert changed.sceg.decoder == "ode"
    assert changed.sceg.widths == PRESETS["small"].sceg.widths
    for wrong in (
        {"widht": [3]},
        {"sceg": {"widht": [3]}},
        {"widths": []},
        {"widths": [8] * 6},
        {"tcn_layers": 10},
        {"tcn_width": "8"},
        {"norm": "layer"},
        {"stem_width": 4},
        {"centre_jitter_s": 1.0},
    ):
        with pytest.raises(InputError):
            preset_of("radarode", "paper", wrong)


def test_the_loss_is_the_root_mean_square_over_what_is_known() -> None:
    curve, target = torch.zeros(2, 800, requires_grad=True), torch.full((2, 800), 0.5)
    target[:, 100:] = float("nan")
    loss = rmse_loss(curve, target)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.5)
    assert curve.grad is not None
    assert torch.isfinite(curve.grad).all()
    assert (curve.grad[:, 100:] == 0).all()
    assert torch.isfinite(torch.autograd.grad(rmse_loss(curve, torch.zeros(2, 800)), curve)[0]).all()
