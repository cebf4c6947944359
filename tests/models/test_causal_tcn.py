"""The causal decoder: what it may look at, and that stepping, recomputing and computing at once agree."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radarode.models.causal_tcn import CausalTcn, expected_amplitude, shift_past
from radarode.models.tcn_stepper import Readout, TcnStepper, free_run, read_out
from radarode.signal.mu_law import mu_law_values

SIZES = [(4, 2), (3, 3), (2, 4)]


def make(layers: int = 4, kernel: int = 2, *, seed: int = 0) -> CausalTcn:
    """Return a small decoder whose logits differ well from one another."""
    torch.manual_seed(seed)
    tcn = CausalTcn(conditions=3, width=6, skip=10, layers=layers, kernel=kernel).eval()
    with torch.no_grad():
        tcn.entry.weight *= 3.0
        tcn.skip.weight *= 3.0
        tcn.classes.weight *= 40.0
    return tcn


def inputs(n: int, time: int, seed: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    amplitude = torch.rand(n, time, generator=generator) * 2 - 1
    return torch.randn(n, 3, time, generator=generator), amplitude


def by_receptive_field(tcn: CausalTcn, conditions: torch.Tensor, how: Readout) -> np.ndarray:
    """Run free by computing the whole receptive field anew for each sample."""
    n, _, time = conditions.shape
    curve = torch.full((n, time), float("nan"))
    for t in range(time):
        first = max(0, t + 1 - tcn.receptive_field)
        logits = tcn.last(conditions[:, :, first : t + 1], shift_past(curve)[:, :, first : t + 1])
        curve[:, t] = torch.from_numpy(read_out(logits.T.numpy(), how))
    return curve.numpy()


@pytest.mark.parametrize(("layers", "kernel"), SIZES)
def test_the_receptive_field_is_what_a_prediction_rests_on(layers: int, kernel: int) -> None:
    tcn = make(layers, kernel)
    time = 2 * tcn.receptive_field
    conditions, amplitude = inputs(1, time)
    past = shift_past(amplitude).requires_grad_()
    tcn(conditions, past)[0, :, -1].square().sum().backward()
    assert past.grad is not None
    felt = past.grad[0, 0].abs() > 0
    assert felt[-tcn.receptive_field :].sum() >= tcn.receptive_field - 1
    assert felt[-tcn.receptive_field]
    assert not felt[: -tcn.receptive_field].any()


def test_no_sample_looks_ahead() -> None:
    tcn = make()
    conditions, amplitude = inputs(2, 50)
    before = tcn(conditions, shift_past(amplitude))
    changed, later = amplitude.clone(), conditions.clone()
    changed[:, 30:] = 0.9
    later[:, :, 31:] = 5.0
    after = tcn(later, shift_past(changed))
    assert torch.equal(before[:, :, :31], after[:, :, :31])
    assert not torch.allclose(before[:, :, 31:], after[:, :, 31:])


@torch.inference_mode()
@pytest.mark.parametrize("streams", [1, 3])
@pytest.mark.parametrize(("layers", "kernel"), SIZES)
def test_stepping_equals_computing_at_once(layers: int, kernel: int, streams: int) -> None:
    tcn = make(layers, kernel)
    conditions, amplitude = inputs(streams, 90)
    amplitude[:, 40:47] = torch.nan
    past = shift_past(amplitude)
    stepper = TcnStepper(tcn, streams)
    projected = stepper.project(conditions.numpy())
    logits = [
        stepper.step(one, past[:, 0, t].numpy(), known=float(past[0, 1, t])).copy() for t, one in enumerate(projected)
    ]
    np.testing.assert_allclose(np.stack(logits).transpose(2, 1, 0), tcn(conditions, past).numpy(), atol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("how", ["expectation", "argmax"])
@pytest.mark.parametrize(("layers", "kernel"), SIZES)
def test_free_running_equals_recomputing_the_receptive_field(layers: int, kernel: int, how: Readout) -> None:
    tcn = make(layers, kernel, seed=3)
    conditions, _ = inputs(2, 70)
    expected = by_receptive_field(tcn, conditions, how)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(free_run(tcn, conditions.numpy(), how), expected, atol=1e-5)


@torch.inference_mode()
def test_free_running_is_a_fixed_point_of_the_parallel_network() -> None:
    tcn = make(seed=4)
    conditions, _ = inputs(2, 1200)
    curve = torch.from_numpy(free_run(tcn, conditions.numpy()))
    told = expected_amplitude(tcn(conditions, shift_past(curve)))
    np.testing.assert_allclose(told.numpy(), curve.numpy(), atol=1e-5)


def test_streams_do_not_touch_each_other() -> None:
    tcn = make(seed=5)
    conditions, _ = inputs(3, 60)
    together = free_run(tcn, conditions.numpy())
    alone = np.concatenate([free_run(tcn, conditions[k : k + 1].numpy()) for k in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_state_resumes_a_stream_exactly() -> None:
    tcn = make()
    conditions, amplitude = inputs(1, 60)
    one = TcnStepper(tcn)
    projected, values = one.project(conditions.numpy()), amplitude.numpy()
    for t in range(30):
        one.step(projected[t], values[:, t])
    other = TcnStepper(tcn)
    other.ring, other.time = one.ring.copy(), one.time
    for t in range(30, 60):
        np.testing.assert_array_equal(one.step(projected[t], values[:, t]), other.step(projected[t], values[:, t]))


def test_read_out() -> None:
    logits = np.full((256, 2), -50.0, np.float32)
    logits[10, 0] = logits[20, 1] = logits[200, 1] = 3.0
    values = mu_law_values()
    np.testing.assert_allclose(
        read_out(logits, "expectation"), [values[10], 0.5 * (values[20] + values[200])], atol=1e-6
    )
    np.testing.assert_allclose(read_out(logits, "argmax"), [values[10], values[20]], atol=1e-7)
    np.testing.assert_allclose(
        expected_amplitude(torch.from_numpy(logits.T.copy())[:, :, None])[:, 0],
        read_out(logits, "expectation"),
        atol=1e-6,
    )
