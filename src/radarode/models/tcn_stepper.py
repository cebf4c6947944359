"""Run a `CausalTcn` one sample at a time: each layer keeps the samples that later ones will look back at.

A sample costs one matrix product per layer instead of the whole receptive field. Small operations are dominated by
their calls, so everything that does not depend on the newest sample is taken out of the chain of layers: the conditions
of a block of samples are projected in one product, the look-backs of all layers in one more, the skips in a third.
"""

from __future__ import annotations

from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from radarode.models.causal_tcn import CausalTcn, GatedLayer
from radarode.signal.mu_law import mu_law_values

FloatArray = NDArray[np.float32]
Readout = Literal["expectation", "argmax"]

BLOCK = 1024
"""Samples whose conditions are projected at a time."""


class TcnStepper:
    """Hold a network's weights, arranged for stepping, and the state of `batch` streams.

    The state is `ring` (look-back, width, stream) and `time`; setting both resumes a stream exactly.

    Args:
        tcn: the network.
        batch: streams that advance together.
    """

    def __init__(self, tcn: CausalTcn, batch: int = 1) -> None:
        layers, taps = len(tcn.layers), tcn.kernel - 1
        gated = cast(list[GatedLayer], list(tcn.layers))
        passes = [layer.residual for layer in gated if layer.residual is not None]
        weights = [_layer_weights(layer) for layer in gated]
        # sigmoid(z) = (1 + tanh(z / 2)) / 2: one tanh serves both halves, and the factors go into the weights.
        self._now = [np.ascontiguousarray(w[0][:, :, -1]) for w in weights]
        self._back = np.stack([w[0][:, :, taps - 1 - j] for w in weights for j in range(taps)])
        self._condition = np.concatenate([w[1] for w in weights])
        self._condition_bias = np.concatenate([w[2] for w in weights])[:, None]
        self._residual = [_array(0.5 * conv.weight[:, :, 0]) for conv in passes]
        self._residual_bias = [_array(conv.bias)[:, None] for conv in passes]
        entry = _array(tcn.entry.weight[:, :, 0])
        self._entry_value, self._entry_known = entry[:, :1], entry[:, 1:]
        self._entry_bias = _array(tcn.entry.bias)[:, None]
        self._head = [
            (_array(scale * conv.weight[:, :, 0]), _array(conv.bias)[:, None])
            for conv, scale in ((tcn.skip, 0.5), (tcn.hidden, 1.0), (tcn.classes, 1.0))
        ]
        width = len(entry)
        self.layers, self.width, self.batch, self.taps = layers, width, batch, taps
        dilation = 2 ** np.arange(layers)
        self._sizes = taps * dilation
        self._offsets = np.concatenate([[0], np.cumsum(self._sizes)[:-1]])
        self._lags = (dilation[:, None] * np.arange(1, taps + 1)).ravel()
        self._lag_sizes, self._lag_offsets = np.repeat(self._sizes, taps), np.repeat(self._offsets, taps)
        self.ring = np.zeros((int(self._sizes.sum()), width, batch), np.float32)
        self.time = 0
        self._allocate()

    def _allocate(self) -> None:
        n, width, batch = self.layers, self.width, self.batch
        self._history = np.empty((n * self.taps, width, batch), np.float32)
        self._looked = np.empty((n * self.taps, 2 * width, batch), np.float32)
        self._inputs = np.empty((n, width, batch), np.float32)
        self._gates = np.empty((n * width, batch), np.float32)
        self._z = np.empty((2 * width, batch), np.float32)
        self._passed = np.empty((width, batch), np.float32)
        self._outs = [np.empty((len(weight), batch), np.float32) for weight, _ in self._head]
        self._gate_of = [self._gates[k * width : (k + 1) * width] for k in range(n)]
        self._input_of = list(self._inputs)

    def project(self, conditions: FloatArray) -> FloatArray:
        """Return what the conditions add to every layer.

        Args:
            conditions: (stream, feature, time).

        Returns:
            (time, layer, 2 width, stream).
        """
        streams, features, time = conditions.shape
        flat = conditions.transpose(1, 2, 0).reshape(features, time * streams)
        projected = self._condition @ flat + self._condition_bias
        shaped = projected.reshape(self.layers, 2 * self.width, time, streams)
        return np.ascontiguousarray(shaped.transpose(2, 0, 1, 3))

    def step(self, projected: FloatArray, past: FloatArray, *, known: float = 1.0) -> FloatArray:
        """Advance every stream by one sample.

        Args:
            projected: (layer, 2 width, stream) what the conditions of this sample add.
            past: (stream,) amplitude of the sample before; 0 where unknown.
            known: 1, or 0 if the past is unknown.

        Returns:
            (256, stream) logits; overwritten by the next step.
        """
        # Slot t mod size was written `size` steps ago and is read (lag = size) before it is written again.
        np.take(self.ring, self._lag_offsets + (self.time - self._lags) % self._lag_sizes, 0, self._history, "clip")
        np.matmul(self._back, self._history, out=self._looked)
        looked = self._looked
        if self.taps > 1:
            looked = looked.reshape(self.layers, self.taps, 2 * self.width, self.batch).sum(axis=1)
        looked = looked + projected
        np.multiply(self._entry_value, past, out=self._input_of[0])
        self._input_of[0] += self._entry_bias + known * self._entry_known
        self._chain(looked)
        self.ring[self._offsets + self.time % self._sizes] = self._inputs
        self.time += 1
        return self._logits()

    def _chain(self, looked: FloatArray) -> None:
        """Pass the newest sample through the layers."""
        z, width, passed = self._z, self.width, self._passed
        first, second = z[:width], z[width:]
        for layer, x in enumerate(self._input_of):
            np.dot(self._now[layer], x, out=z)
            np.add(z, looked[layer], out=z)
            np.tanh(z, out=z)
            np.add(second, 1.0, out=second)
            gate = self._gate_of[layer]
            np.multiply(first, second, out=gate)
            if layer + 1 < self.layers:
                np.dot(self._residual[layer], gate, out=passed)
                np.add(passed, self._residual_bias[layer], out=passed)
                np.add(x, passed, out=self._input_of[layer + 1])

    def _logits(self) -> FloatArray:
        x = self._gates
        for index, ((weight, bias), out) in enumerate(zip(self._head, self._outs, strict=True)):
            np.dot(weight, x, out=out)
            np.add(out, bias, out=out)
            x = out if index == len(self._head) - 1 else np.maximum(out, 0.0, out=out)
        return x


def read_out(logits: FloatArray, how: Readout) -> FloatArray:
    """Return the amplitude that logits stand for, without chance.

    The expectation is the default. It makes the mean squared error least, and it can begin a beat whose time is
    uncertain: as long as each single sample most probably lies on the baseline, the most probable class stays there.
    On simulated people it found more beats than the most probable class, the median and draws from the distribution.

    Args:
        logits: (256, stream).
        how: mean of the amplitudes under the class distribution, or amplitude of the most probable class.

    Returns:
        (stream,) in [-1, 1].
    """
    if how == "argmax":
        return _VALUES[logits.argmax(axis=0)]
    weight = np.exp(logits - logits.max(axis=0))
    summed = _MOMENTS @ weight
    return summed[1] / summed[0]


def free_run(tcn: CausalTcn, conditions: FloatArray, how: Readout = "expectation") -> FloatArray:
    """Let the network run on its own output, from an unknown past.

    Args:
        tcn: the network.
        conditions: (stream, feature, time) float32.
        how: see `read_out`.

    Returns:
        (stream, time) amplitudes in [-1, 1].
    """
    streams, _, time = conditions.shape
    stepper = TcnStepper(tcn, streams)
    curve = np.zeros((streams, time), np.float32)
    past = np.zeros(streams, np.float32)
    for begin in range(0, time, BLOCK):
        for offset, projected in enumerate(stepper.project(conditions[:, :, begin : begin + BLOCK])):
            past = read_out(stepper.step(projected, past, known=float(begin + offset > 0)), how)
            curve[:, begin + offset] = past
    return curve


_VALUES = mu_law_values()
_MOMENTS = np.stack([np.ones_like(_VALUES), _VALUES])


def _array(tensor: Tensor | None) -> FloatArray:
    assert tensor is not None
    return np.ascontiguousarray(tensor.detach().cpu().numpy(), dtype=np.float32)


def _layer_weights(layer: GatedLayer) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the taps, the condition weights and their bias, the half behind the sigmoid halved."""
    taps, condition, bias = (
        _array(layer.taps.weight),
        _array(layer.condition.weight[:, :, 0]),
        _array(layer.condition.bias),
    )
    scale = np.ones(len(bias), np.float32)
    scale[len(bias) // 2 :] = 0.5
    return taps * scale[:, None, None], condition * scale[:, None], bias * scale
