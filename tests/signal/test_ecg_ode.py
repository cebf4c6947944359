from __future__ import annotations

import numpy as np
import pytest
import torch

from radarode.core.constants import R_FRACTION
from radarode.signal.ecg_ode import (
    MIN_WIDTH_FRACTION,
    N_STEPS,
    OMEGA_RAD_S,
    default_parameters,
    default_range,
    path_angles_rad,
    scale_outputs,
    solve_by_steps,
    solve_ecg_ode,
)


def draw(n: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    outputs = torch.rand(n, 15, generator=generator, dtype=dtype) * 2 - 1
    return outputs, torch.rand(n, generator=generator, dtype=dtype) * 0.2 - 0.1


def relative(ours: torch.Tensor, oracle: torch.Tensor) -> float:
    return ((ours - oracle).abs().max() / oracle.abs().max()).item()


@pytest.mark.parametrize("wrap", [True, False])
@pytest.mark.parametrize("baseline", [0.0, 0.005])
def test_equals_the_step_by_step_solution(wrap: bool, baseline: float) -> None:
    outputs, delay = draw(8)
    parameters = scale_outputs(outputs)
    ours = solve_ecg_ode(parameters, delay, wrap=wrap, baseline=baseline)
    oracle = solve_by_steps(parameters.double(), delay.double(), wrap=wrap, baseline=baseline)
    assert relative(ours.double(), oracle) < 1e-6
    assert relative(solve_ecg_ode(parameters.double(), delay.double(), wrap=wrap, baseline=baseline), oracle) < 1e-12


def test_gradients_equal_those_of_the_step_by_step_solution() -> None:
    outputs, delay = draw(8, seed=1)
    cotangent = torch.randn(8, N_STEPS, generator=torch.Generator().manual_seed(2))
    gradients = []
    for solve, dtype in ((solve_ecg_ode, torch.float32), (solve_by_steps, torch.float64)):
        leaves = [outputs.to(dtype).requires_grad_(), delay.to(dtype).requires_grad_()]
        z = solve(scale_outputs(leaves[0]), leaves[1])
        gradients.append(torch.autograd.grad(z, leaves, cotangent.to(dtype)))
    for ours, oracle in zip(*gradients, strict=True):
        assert relative(ours.double(), oracle) < 1e-5


def test_gradcheck() -> None:
    outputs, delay = draw(2, torch.float64, seed=3)
    leaves = ((outputs * 0.9).requires_grad_(), delay.requires_grad_())
    assert torch.autograd.gradcheck(lambda o, d: solve_ecg_ode(scale_outputs(o), d), leaves)


@pytest.mark.parametrize("solve", [solve_ecg_ode, solve_by_steps])
def test_gradients_stay_finite_at_the_edge(solve) -> None:
    for value in (-1.0, 1.0):
        outputs = torch.full((1, 15), value, requires_grad=True)
        z = solve(scale_outputs(outputs), torch.zeros(1))
        z.square().sum().backward()
        assert outputs.grad is not None
        assert torch.isfinite(z).all()
        assert torch.isfinite(outputs.grad).all()
    zero_width = torch.zeros(1, 15, requires_grad=True)
    solve(zero_width).sum().backward()
    assert torch.isfinite(zero_width.grad).all()


def test_outputs_scale_the_defaults() -> None:
    default = default_parameters()
    torch.testing.assert_close(scale_outputs(torch.zeros(1, 15))[0], default)
    low = scale_outputs(torch.full((1, 15), -1.0))[0]
    torch.testing.assert_close(low[5:10], MIN_WIDTH_FRACTION * default[5:10])
    torch.testing.assert_close(low[[0, 1, 10, 14]], torch.zeros(4))


def test_default_cycle_has_its_r_peak_where_the_model_says() -> None:
    z = solve_ecg_ode(default_parameters()[None])[0]
    assert int(z.argmax()) == round(R_FRACTION * N_STEPS)
    low, span = default_range()
    scaled = (z - low) / span
    assert scaled.min().item() == pytest.approx(0, abs=1e-6)
    assert scaled.max().item() == pytest.approx(1, abs=1e-6)


def test_delay_moves_the_waves_by_fractions_of_a_sample() -> None:
    parameters = default_parameters()[None].double()
    still = solve_ecg_ode(parameters)[0].numpy()
    for samples in (0.5, 3.25, -4.0):
        moved = solve_ecg_ode(parameters, torch.tensor([samples / N_STEPS], dtype=torch.float64))[0].numpy()
        time = np.arange(N_STEPS)
        expected = np.interp(time - samples, time, still)
        inner = slice(60, 120)
        assert np.abs(moved - expected)[inner].max() < 0.02 * np.ptp(still)
        assert np.abs(moved - still)[inner].max() > 0.05 * np.ptp(still)


def test_path_is_eulers_own() -> None:
    angles = np.unwrap(path_angles_rad())
    assert angles[0] == pytest.approx(np.arctan2(-0.90856, -0.41775))
    turn = angles[-1] - angles[0]
    assert turn < OMEGA_RAD_S * 1.0
    assert turn == pytest.approx(2 * np.pi, abs=0.02)


def test_wrapping_keeps_the_tail_of_the_t_wave() -> None:
    parameters = torch.zeros(1, 15, dtype=torch.float64)
    parameters[:, 5:10] = 0.1
    parameters[0, 4], parameters[0, 9], parameters[0, 14] = 8.0, 0.4, np.deg2rad(160)
    wrapped, cut = (solve_ecg_ode(parameters, wrap=wrap)[0] for wrap in (True, False))
    assert (wrapped - cut).abs().max() > 0.1 * (wrapped.max() - wrapped.min())
    assert wrapped.diff().diff().abs().max() < 0.5 * cut.diff().diff().abs().max()


def test_works_after_a_first_call_in_inference_mode() -> None:
    from radarode.signal import ecg_ode

    ecg_ode._constants.cache_clear()
    ecg_ode._output_scale.cache_clear()
    outputs, delay = draw(1)
    with torch.inference_mode():
        solve_ecg_ode(scale_outputs(outputs), delay)
    outputs.requires_grad_()
    solve_ecg_ode(scale_outputs(outputs), delay).sum().backward()
    assert outputs.grad is not None
