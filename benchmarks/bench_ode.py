"""Time the closed-form ODE against the 200-step loop, forward and backward, in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from radarode.core.allocator import keep_freed_memory
from radarode.signal.ecg_ode import scale_outputs, solve_by_steps, solve_ecg_ode

BATCH = 32
REPEATS_LOOP = 7
REPEATS_CLOSED_PER_LOOP = 20

Solver = Callable[[Tensor, Tensor], Tensor]


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
    closed_s, loop_s = [], []
    for _ in range(REPEATS_LOOP):
        loop_s += seconds(solve_by_steps, inputs, 1)
        closed_s += seconds(solve_ecg_ode, inputs, REPEATS_CLOSED_PER_LOOP)
    print(f"ode_speedup_vs_loop: {statistics.median(loop_s) / statistics.median(closed_s):.0f}")
    print(f"ode_max_relative_error: {error:.1e}")


if __name__ == "__main__":
    main()
