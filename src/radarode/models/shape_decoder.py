"""Shape head: the cycle at the window's centre from a temporal branch, the ODE model, or both fused."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from radarode.models.blocks import make_norm
from radarode.models.config import Norm, RadarOdeMtlConfig
from radarode.models.precision import full_precision, widened
from radarode.models.start import fill_normal
from radarode.signal.ecg_ode import N_PARAMETERS, default_range, scale_outputs, solve_ecg_ode

LATENT_CHANNELS = 8
LATENT_STEPS = 207
MAX_DELAY_S = 0.1
"""Largest delay τ of the ODE branch, in seconds of its 1-s cycle (ours: the papers state none)."""


class CycleDecoder(nn.Module):
    """Turn the latent cycle into the ECG cycle by the selected branches.

    Args:
        config: the network's sizes and `decoder`.
        fusion_width: channels of the fusion's encoder.
    """

    def __init__(self, config: RadarOdeMtlConfig, fusion_width: int) -> None:
        super().__init__()
        self.mode = config.decoder
        if self.mode != "ode":
            self.temporal = TemporalBranch(config.norm)
        if self.mode != "temporal":
            self.ode = OdeBranch(config.ode_widths, config.norm)
        if self.mode == "fused":
            self.fusion = Fusion(fusion_width, config.norm)

    def forward(self, latent: Tensor) -> Tensor:
        """Map (window, 8, 207) to (window, 200)."""
        if self.mode == "temporal":
            return self.temporal(latent)
        if self.mode == "ode":
            return self.ode(latent)
        return self.fusion(self.temporal(latent) * self.ode(latent))


class TemporalBranch(nn.Module):
    """Shape the cycle by convolutions alone: k7 to 4, k5 to 2, k2 to 1 channels.

    Leaky, because a plain ReLU over two channels can die.
    """

    def __init__(self, norm: Norm) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(LATENT_CHANNELS, 4, 7, padding=1, bias=False),
            make_norm(norm, 4, 1),
            nn.LeakyReLU(0.1),
            nn.Conv1d(4, 2, 5, padding=1, bias=False),
            make_norm(norm, 2, 1),
            nn.LeakyReLU(0.1),
            nn.Conv1d(2, 1, 2),
        )

    def forward(self, latent: Tensor) -> Tensor:
        """Map (window, 8, 207) to (window, 200)."""
        return self.layers(latent).squeeze(1)


class OdeBranch(nn.Module):
    """Shape the cycle by the McSharry model: a linear stack gives its 15 parameters and the delay τ.

    η = (1 + out)·default and τ = 0.1 s · out; z is scaled so that the default parameters give [0, 1].

    Args:
        widths: hidden sizes of the linear stack (norm + Tanh).
        norm: kind of norm.

    Reference: radarODE, arXiv 2408.01672. The published code leaves τ out; the text has it.
    """

    def __init__(self, widths: tuple[int, ...], norm: Norm) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        size = LATENT_CHANNELS * LATENT_STEPS
        for width in widths:
            layers += [nn.Linear(size, width, bias=False), make_norm(norm, width, 0), nn.Tanh()]
            size = width
        self.stack = nn.Sequential(*layers)
        self.parameters_out = nn.Linear(size, N_PARAMETERS + 1)
        fill_normal(self.parameters_out.weight, std=0.1 * size**-0.5)
        nn.init.zeros_(self.parameters_out.bias)

    def ode_parameters(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Return (window, 15) model parameters and (window,) delays [s] of a latent (window, 8, 207)."""
        out = torch.tanh(widened(self.parameters_out(self.stack(latent.flatten(1)))))
        return scale_outputs(out[:, :N_PARAMETERS]), MAX_DELAY_S * out[:, N_PARAMETERS]

    def forward(self, latent: Tensor) -> Tensor:
        """Map (window, 8, 207) to (window, 200)."""
        low, span = default_range()
        parameters = self.ode_parameters(latent)
        with full_precision(latent.device.type):
            return (solve_ecg_ode(*parameters) - low) / span


class Fusion(nn.Module):
    """Refine temporal × ODE: stacked four times, a 2-d convolutional encoder, a transposed decoder.

    Args:
        width: channels of the encoder's second layer.
        norm: kind of norm.
    """

    def __init__(self, width: int, norm: Norm) -> None:
        super().__init__()
        half = max(1, width // 2)
        self.encoder = nn.Sequential(
            nn.Conv2d(1, half, (3, 7), (1, 2), padding=(1, 3), bias=False),
            make_norm(norm, half, 2),
            nn.ReLU(),
            nn.Conv2d(half, width, (4, 5), (1, 2), padding=(0, 2), bias=False),
            make_norm(norm, width, 2),
            nn.ReLU(),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose1d(width, half, 4, 2, padding=1, bias=False),
            make_norm(norm, half, 1),
            nn.ReLU(),
            nn.ConvTranspose1d(half, half, 4, 2, padding=1, bias=False),
            make_norm(norm, half, 1),
            nn.ReLU(),
            nn.Conv1d(half, 1, 5, padding=2),
        )

    def forward(self, product: Tensor) -> Tensor:
        """Map (window, 200) to (window, 200)."""
        stacked = product[:, None, None, :].expand(-1, 1, 4, -1)
        return self.decoder(self.encoder(stacked).squeeze(2)).squeeze(1)
