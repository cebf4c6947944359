"""Solve the McSharry ECG model for a batch of parameters in closed form, differentiably.

The model is ẋ = αx − ωy, ẏ = αy + ωx, ż = −Σ_f a_f Δθ_f exp(−Δθ_f²/2b_f²) − z with α = 1 − √(x²+y²), solved by
200 Euler steps of h = 1/200. The path (x, y) does not depend on the parameters, so its angles θ_k (with Euler's own
drift) are computed once; given them z obeys the linear recurrence z[k+1] = (1−h) z[k] + h·F(θ_k), so that the whole
solve is one product with a lower-triangular 200×200 matrix instead of a loop of 200 steps.

Decisions where text and published code differ:

- Δθ is wrapped to ±π by default, which is what "mod 2π" must mean in the model: the published `fmod` leaves it in
  (−2π, 2π), which cuts the tail of the T wave where θ jumps from 180° to −180°. `wrap=False` gives the published form.
- The baseline 0.005·sin(2π·0.25 t) that the published code adds to the relaxation target is left out by default: a
  cycle scaled to its own range has no breathing baseline. `baseline` sets its amplitude.
- A width b = 0 makes the gradients of the loop and of the closed form infinite: widths stay above `MIN_WIDTH_RAD`, and
  `scale_outputs` maps onto widths that never come near it.
- The delay τ turns the path back by ωτ, which delays the waves by τ exactly, fractions of a sample included, and is
  differentiable everywhere; the decay of the start value (0.5 % of the range) stays where it is.

Reference: McSharry et al., IEEE TBME 50(3), 2003; radarODE, arXiv 2408.01672, section III.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from radarode.signal.ecg_model import (
    DEFAULT_AMPLITUDE,
    DEFAULT_ANGLE_RAD,
    DEFAULT_WIDTH_RAD,
    PERIOD_S,
    START,
    WAVES,
)

N_STEPS = 200
N_PARAMETERS = 3 * len(WAVES)
STEP_S = 1.0 / N_STEPS
OMEGA_RAD_S = 2 * np.pi / PERIOD_S
BASELINE_HZ = 0.25
MIN_EXPONENT = -60.0
"""Below it exp is as good as 0 (1e-26), and would only cost time in subnormal numbers."""

MIN_WIDTH_RAD = 0.01
MIN_WIDTH_FRACTION = 0.2
"""Narrowest width `scale_outputs` gives, as a fraction of the default."""


@lru_cache(maxsize=1)
def path_angles_rad() -> np.ndarray:
    """Return (201,) the angles of the Euler path, start included, in (−π, π]."""
    x, y = START[0], START[1]
    angles = [np.arctan2(y, x)]
    for _ in range(N_STEPS):
        alpha = 1.0 - np.hypot(x, y)
        x, y = x + STEP_S * (alpha * x - OMEGA_RAD_S * y), y + STEP_S * (alpha * y + OMEGA_RAD_S * x)
        angles.append(np.arctan2(y, x))
    return np.array(angles)


@lru_cache(maxsize=1)
def _propagator() -> np.ndarray:
    """Return (200, 200) the matrix that takes the forcing at steps 0..199 to z at steps 1..200."""
    lag = np.arange(N_STEPS)[:, None] - np.arange(N_STEPS)[None, :]
    return np.where(lag >= 0, STEP_S * (1 - STEP_S) ** np.maximum(lag, 0), 0.0)


@lru_cache(maxsize=16)
def _constants(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return path angles (200,), minus the transposed propagator (200, 200) and the decay of z₀ (200,)."""
    decay = START[2] * (1 - STEP_S) ** np.arange(1, N_STEPS + 1)
    with torch.inference_mode(False):  # a tensor first made for inference could not be used in training
        angles = torch.as_tensor(path_angles_rad()[:-1], dtype=dtype, device=device)
        propagator = torch.as_tensor(-_propagator().T, dtype=dtype, device=device)
        return angles, propagator, torch.as_tensor(decay, dtype=dtype, device=device)


@lru_cache(maxsize=4)
def _baseline() -> np.ndarray:
    """Return (200,) the response to the published baseline at amplitude 1."""
    return _propagator() @ np.sin(2 * np.pi * BASELINE_HZ * STEP_S * np.arange(N_STEPS))


def default_parameters() -> Tensor:
    """Return (15,) the model's default amplitudes, widths [rad] and angles [rad], waves P Q R S T in each."""
    return torch.as_tensor(_default_array(), dtype=torch.float32, device="cpu")


def _default_array() -> np.ndarray:
    return np.concatenate((DEFAULT_AMPLITUDE, DEFAULT_WIDTH_RAD, DEFAULT_ANGLE_RAD))


@lru_cache(maxsize=16)
def _output_scale(dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the offset and gain (15,) with which outputs in [−1, 1] become parameters."""
    offset = _default_array()
    gain = offset.copy()
    gain[len(WAVES) : 2 * len(WAVES)] *= 1 - MIN_WIDTH_FRACTION
    with torch.inference_mode(False):
        return (
            torch.as_tensor(offset, dtype=dtype, device=device),
            torch.as_tensor(gain, dtype=dtype, device=device),
        )


def scale_outputs(outputs: Tensor) -> Tensor:
    """Turn network outputs in [−1, 1] into model parameters, η = (1 + out)·default.

    Widths use 1 + 0.8·out instead of 1 + out, so that they stay above a fifth of the default: a width of 0 has no
    finite gradient.

    Args:
        outputs: (window, 15) in [−1, 1]; 0 gives the default ECG.

    Returns:
        (window, 15) amplitudes, widths [rad], angles [rad].

    Reference: radarODE-MTL, arXiv 2410.08656; the bound on the widths is ours.
    """
    offset, gain = _output_scale(outputs.dtype, outputs.device)
    return torch.addcmul(offset, gain, outputs)


def wrap_angle(angle_rad: Tensor) -> Tensor:
    """Wrap angles to [−π, π]; the slope is 1 everywhere."""
    turns = (angle_rad.detach() * (0.5 / np.pi)).round_()
    return torch.sub(angle_rad, turns, alpha=2 * np.pi)


def solve_ecg_ode(
    parameters: Tensor, delay_s: Tensor | None = None, *, wrap: bool = True, baseline: float = 0.0
) -> Tensor:
    """Solve the model for one cycle; equals the 200-step Euler solution to rounding.

    Args:
        parameters: (window, 15) amplitudes, widths [rad], angles [rad], waves P Q R S T in each.
        delay_s: (window,) delay τ of the waves [s of the 1-s cycle]; None is 0.
        wrap: wrap Δθ to ±π; False leaves it as the published `fmod` does.
        baseline: amplitude of the published baseline term (0.005 there).

    Returns:
        (window, 200) z after each of the 200 steps.

    Example:
        >>> z = solve_ecg_ode(default_parameters()[None])
        >>> tuple(z.shape), int(z.argmax())
        ((1, 200), 86)
    """
    angles, propagator, decay = _constants(parameters.dtype, parameters.device)
    amplitude, width, centre = parameters.unsqueeze(2).chunk(3, dim=1)
    if delay_s is not None:
        centre = centre + OMEGA_RAD_S * delay_s[:, None, None]
    difference = angles - centre
    difference = wrap_angle(difference) if wrap else torch.fmod(difference, 2 * np.pi)
    exponent = difference.square() * (-0.5 / width.clamp(min=MIN_WIDTH_RAD).square())
    waves = difference * torch.exp(exponent.clamp(min=MIN_EXPONENT))
    z = torch.addmm(decay, (amplitude.mT @ waves).squeeze(1), propagator)
    if baseline:
        z = z + baseline * torch.as_tensor(_baseline(), dtype=z.dtype, device=z.device)
    return z


def solve_by_steps(
    parameters: Tensor, delay_s: Tensor | None = None, *, wrap: bool = True, baseline: float = 0.0
) -> Tensor:
    """Solve the same model step by step, wave by wave, as published: the oracle of tests and benchmark.

    Args and result are those of `solve_ecg_ode`.
    """
    waves = [parameters[:, index::5].unbind(dim=1) for index in range(5)]
    shift = 0.0 if delay_s is None else OMEGA_RAD_S * delay_s
    x, y, z = (torch.full_like(parameters[:, 0], value) for value in START)
    states = []
    for step in range(N_STEPS):
        angle = torch.atan2(y, x)
        forcing = torch.zeros_like(z)
        for amplitude, width, centre in waves:
            difference = angle - (centre + shift)
            difference = wrap_angle(difference) if wrap else torch.fmod(difference, 2 * np.pi)
            width = width.clamp(min=MIN_WIDTH_RAD)
            forcing = forcing - amplitude * difference * torch.exp(-(difference**2) / (2 * width**2))
        target = baseline * np.sin(2 * np.pi * BASELINE_HZ * STEP_S * step)
        alpha = 1.0 - torch.sqrt(x * x + y * y)
        dx, dy = alpha * x - OMEGA_RAD_S * y, alpha * y + OMEGA_RAD_S * x
        x, y, z = x + STEP_S * dx, y + STEP_S * dy, z + STEP_S * (forcing - (z - target))
        states.append(z)
    return torch.stack(states, dim=1)


@lru_cache(maxsize=1)
def default_range() -> tuple[float, float]:
    """Return the lowest value and the range of z at the default parameters, which scale z to about [0, 1]."""
    z = solve_ecg_ode(default_parameters().double()[None])
    low, high = z.min().item(), z.max().item()
    return low, high - low
