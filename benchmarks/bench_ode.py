"""Time the closed-form ODE against the 200-step loop, forward and backward, in one run.

The loop is timed in two forms: wave by wave, as published, and with the five waves as one tensor, which is the least
that a loop of 200 steps can cost in eager PyTorch.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from radarode.core.allocator import keep_freed_memory
from radarode.signal.ecg_ode import (
    MIN_WIDTH_RAD,
    N_STEPS,
    OMEGA_RAD_S,
    START,
    STEP_S,
    scale_outputs,
    solve_by_steps,
    solve_ecg_ode,
    wrap_angle,
)

BATCH = 32
REPEATS_LOOP = 7
REPEATS_CLOSED_PER_LOOP = 20

Solver = Callable[[Tensor, Tensor], Tensor]


def solve_by_vectorised_steps(parameters: Tensor, delay_s: Tensor) -> Tensor:
    amplitude, width, centre = parameters.chunk(3, dim=1)
    centre = centre + OMEGA_RAD_S * delay_s[:, None]
    width = width.clamp(min=MIN_WIDTH_RAD)
    x, y, z = (torch.full_like(parameters[:, 0], value) for value in START)
    states = []
    for _ in range(N_STEPS):
        difference = wrap_angle(torch.atan2(y, x)[:, None] - centre)
        forcing = -(amplitude * difference * torch.exp(-(difference**2) / (2 * width**2))).sum(dim=1)
        alpha = 1.0 - torch.sqrt(x * x + y * y)
        dx, dy = alpha * x - OMEGA_RAD_S * y, alpha * y + OMEGA_RAD_S * x
        x, y, z = x + STEP_S * dx, y + STEP_S * dy, z + STEP_S * (forcing - z)
        states.append(z)
    return torch.stack(states, dim=1)


def gradients(solve: Solver, outputs: Tensor, delay_s: Tensor, cotangent: Tensor) -> tuple[Tensor, ...]:
    z = solve(scale_outputs(outputs), delay_s)
    return (z.detach(), *torch.autograd.grad(z, (outputs, delay_s), cotangent))


def seconds(solve: Solver, inputs: tuple[Tensor, Tensor, Tensor], repeats: int) -> list[float]:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        gradients(solve, *inputs)
        times.append(time.perf_counter() - start)
    return times


def main() -> None:
    keep_freed_memory()
    generator = torch.Generator().manual_seed(1)
    outputs = (torch.rand(BATCH, 15, generator=generator) * 2 - 1).requires_grad_()
    delay_s = (torch.rand(BATCH, generator=generator) * 0.1).requires_grad_()
    cotangent = torch.randn(BATCH, 200, generator=generator)
    inputs = (outputs, delay_s, cotangent)
    closed, loop = gradients(solve_ecg_ode, *inputs), gradients(solve_by_steps, *inputs)
    error = max(((c - s).abs().max() / s.abs().max()).item() for c, s in zip(closed, loop, strict=True))
    closed_s, loop_s, vectorised_s = [], [], []
    for _ in range(REPEATS_LOOP):
        loop_s += seconds(solve_by_steps, inputs, 1)
        vectorised_s += seconds(solve_by_vectorised_steps, inputs, 1)
        closed_s += seconds(solve_ecg_ode, inputs, REPEATS_CLOSED_PER_LOOP)
    print(f"ode_speedup_vs_loop: {statistics.median(loop_s) / statistics.median(closed_s):.0f}")
    print(f"ode_speedup_vs_vectorised_loop: {statistics.median(vectorised_s) / statistics.median(closed_s):.0f}")
    print(f"ode_max_relative_error: {error:.1e}")


if __name__ == "__main__":
    main()
