"""A causal dilated convolutional network that says of each ECG sample how it is distributed, given the ones before.

    x_0 = W_in [past, known] + b
    z_l = sum_j W_lj x_l[t - j 2^l] + V_l c[t] + b_l
    g_l = tanh(z_l, first half) sigmoid(z_l, second half)
    x_(l+1) = x_l + U_l g_l
    logits = H_2 relu(H_1 relu(sum_l S_l g_l + b))

In training every sample's past is given and all samples are computed at once (`CausalTcn.forward`); in use the past is
what the network itself has put out, one sample after the other (`models/tcn_stepper.py`).

Reference: the decoder of MMECG, IEEE TMC 2022, doi 10.1109/TMC.2022.3214721: 9 layers, mu-law, 256 classes,
cross-entropy. Gated units and sum of skips as in van den Oord et al., WaveNet, arXiv 1609.03499, sections 2.3-2.5. The
MMECG text leaves the rest open; here kernel 2 (as WaveNet: a receptive field of 512 samples, which is less than the
window that the network is trained on, so that in a long recording no layer sees more than in training).
Deviation: past samples enter as amplitudes with a flag that says whether they are known, not as one-hot classes, so
that an expectation, a noisy past and no past at all can be fed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv1d, pad, relu

from radarode.signal.mu_law import MU, mu_law_values

CLASSES = MU + 1


class GatedLayer(nn.Module):
    """Gate a dilated causal convolution by conditions.

    Args:
        width: channels of the residual path.
        conditions: conditioning features.
        kernel: taps.
        dilation: samples between taps.
        last: whether nothing follows on the residual path.
    """

    def __init__(self, width: int, conditions: int, kernel: int, dilation: int, *, last: bool) -> None:
        super().__init__()
        self.reach = (kernel - 1) * dilation
        self.taps = nn.Conv1d(width, 2 * width, kernel, dilation=dilation, bias=False)
        self.condition = nn.Conv1d(conditions, 2 * width, 1)
        self.residual = None if last else nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor, conditions: Tensor) -> tuple[Tensor, Tensor]:
        """Map (window, width, time) to the residual path of the next layer and the gated features."""
        z = self.taps(pad(x, (self.reach, 0))) + self.condition(conditions)
        first, second = z.chunk(2, dim=1)
        gated = first.tanh() * second.sigmoid()
        return (x if self.residual is None else x + self.residual(gated)), gated


class CausalTcn(nn.Module):
    """Predict the class of every sample from earlier samples and conditions.

    Args:
        conditions: conditioning features.
        width: channels of the residual path.
        skip: channels of the sum of skips and of the layer behind it.
        layers: layers; layer l has dilation 2^l.
        kernel: taps of a layer.
    """

    def __init__(self, conditions: int, width: int, skip: int, layers: int, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.entry = nn.Conv1d(2, width, 1)
        self.layers = nn.ModuleList(
            GatedLayer(width, conditions, kernel, 2**index, last=index == layers - 1) for index in range(layers)
        )
        self.skip = nn.Conv1d(width * layers, skip, 1)
        self.hidden = nn.Conv1d(skip, skip, 1)
        self.classes = nn.Conv1d(skip, CLASSES, 1)

    @property
    def receptive_field(self) -> int:
        """Number of past samples that a prediction rests on."""
        return 1 + (self.kernel - 1) * (2 ** len(self.layers) - 1)

    def forward(self, conditions: Tensor, past: Tensor) -> Tensor:
        """Return logits of all samples at once.

        Args:
            conditions: (window, feature, time).
            past: (window, 2, time) amplitude of the sample before each sample, and 1 where it is known, else 0 (the
                amplitude is then 0 too); see `shift_past`.

        Returns:
            (window, 256, time).
        """
        return self._head(self._gates(conditions, past))

    def last(self, conditions: Tensor, past: Tensor) -> Tensor:
        """Return the (window, 256) logits of the last sample alone; the arguments are those of `forward`."""
        return self._head(self._gates(conditions, past)[:, :, -1:])[:, :, 0]

    def _gates(self, conditions: Tensor, past: Tensor) -> Tensor:
        x = conv1d(past, self.entry.weight, self.entry.bias)
        gates = []
        for layer in self.layers:
            x, gated = layer(x, conditions)
            gates.append(gated)
        return torch.cat(gates, dim=1)

    def _head(self, gates: Tensor) -> Tensor:
        return self.classes(relu(self.hidden(relu(self.skip(gates)))))


def shift_past(amplitude: Tensor) -> Tensor:
    """Turn amplitudes into the past of each sample.

    Args:
        amplitude: (window, time) in [-1, 1]; NaN where unknown.

    Returns:
        (window, 2, time) amplitude of the sample before, and whether it is known; before the first none is.

    Example:
        >>> shift_past(torch.tensor([[0.5, float("nan"), -1.0]])).tolist()
        [[[0.0, 0.5, 0.0], [0.0, 1.0, 0.0]]]
    """
    known = torch.isfinite(amplitude)
    stacked = torch.stack(
        [torch.where(known, amplitude, torch.zeros_like(amplitude)), known.to(amplitude.dtype)], dim=1
    )
    return pad(stacked[:, :, :-1], (1, 0))


def expected_amplitude(logits: Tensor) -> Tensor:
    """Return the mean amplitude (window, time) under the class distributions of (window, 256, time) logits."""
    values = torch.from_numpy(mu_law_values()).to(logits)
    return torch.einsum("nct,c->nt", logits.softmax(dim=1), values)
