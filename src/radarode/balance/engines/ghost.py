"""Exact Gram matrix without every task's weight gradients: products of activations and cotangents instead.

The weight gradient of a layer is `W_i = A^T C_i`, with A its (unfolded) input and `C_i` task i's gradient on its
output. So `<W_i, W_j> = <C_i, (A A^T) C_j>`: where the layer has few positions and many weights, these products cost
less than the n weight gradients, and one weight gradient of the combined cotangents is left. Layers where they cost
more, norms (whose gradient is a by-product of the backward pass) and every other module keep their n gradients.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from radarode.balance.distributed import Reducer
from radarode.balance.engines.base import Differentiated, TaskLoss
from radarode.balance.engines.layers import GHOST_LAYERS, GhostLayer
from radarode.balance.engines.vjp import VjpEngine, combine, with_last
from radarode.balance.gram import gram_matrix
from radarode.balance.graph import reached
from radarode.balance.parts import Parts
from radarode.balance.strategy import Gradients


@dataclass(slots=True, eq=False)
class Call:
    """Hold one call of a layer in the forward pass.

    Attributes:
        layer: the layer's products.
        inputs: what went in, detached.
        watched: tensors with their version counters, to notice if they are overwritten.
        edge: where the gradient on the output passes in the graph.
    """

    layer: GhostLayer
    inputs: Tensor
    watched: list[tuple[Tensor, int]]
    edge: Any


@dataclass(slots=True, eq=False)
class GhostGradients(Differentiated):
    """Hold cotangents for some layers and gradients for the other parameters; see `Differentiated`."""

    gram: Tensor
    specific: dict[str, list[Tensor | None]]
    shared: list[Parameter]
    plain: list[int]
    gradients: Gradients
    calls: list[Call]
    cotangents: Gradients

    def joint(self, weights: Tensor) -> list[Tensor | None]:
        """Return the combination; layers that kept cotangents get one weight gradient each."""
        result: list[Tensor | None] = [None] * len(self.shared)
        for place, gradient in zip(self.plain, combine(self.gradients, weights), strict=True):
            result[place] = gradient
        place_of = {id(parameter): place for place, parameter in enumerate(self.shared)}
        for call, cotangent in zip(self.calls, combine(self.cotangents, weights), strict=True):
            if cotangent is not None:
                for parameter, gradient in call.layer.gradients(call.inputs, cotangent):
                    result[place_of[id(parameter)]] = gradient.to(parameter.dtype)  # 16 bits under autocast.
        return result


class GhostEngine(VjpEngine):
    """Exchange weight gradients for products of cotangents, layer by layer, wherever that is cheaper.

    The shared part must be given as modules, made of Linear, Conv1d, Conv2d, ConvTranspose1d and ConvTranspose2d as far
    as they shall profit. A layer whose weight enters the losses in any other way than by one call of the layer is
    differentiated like any other module. Gradients on several ranks are averaged as they are: the products of averaged
    gradients are not the average of the products.

    The products are formed in float64, so that they are as exact as the Gram matrix of the gradients themselves.

    Reference: the products are those of "ghost clipping" (Goodfellow, arXiv 1510.01799; Bu et al., arXiv 2205.10683),
    for pairs of tasks instead of samples.
    """

    def __init__(self, parts: Parts, reducer: Reducer) -> None:
        super().__init__(parts, reducer)
        self._calls: dict[int, Call] = {}
        self._layers = {id(layer.module): layer for layer in _own_layers(parts)}
        for layer in self._layers.values():
            # Ahead of other hooks, which may replace the output.
            handle = layer.module.register_forward_hook(_Recorder(self), prepend=True)
            weakref.finalize(self, handle.remove)

    def differentiate(self, tasks: Sequence[TaskLoss], features: Sequence[Tensor] | None = None) -> Differentiated:
        """Return exact task gradients; `features` are not needed."""
        if self.reducer.size > 1:
            return super().differentiate(tasks, features)
        calls = self._chosen(tasks)
        ghosts = {id(p) for call in calls for p in call.layer.parameters}
        plain = [place for place, p in enumerate(self.parts.shared) if id(p) not in ghosts]
        wanted = [self.parts.shared[place] for place in plain]
        gradients: Gradients = []
        cotangents: Gradients = []
        specific: dict[str, list[Tensor | None]] = {}
        for task, last in with_last(tasks):
            assert task.loss is not None  # A present task may lack its loss only where there are several ranks.
            own = self.parts.specific[task.name]
            sought = [*wanted, *(call.edge for call in calls), *own]
            found = torch.autograd.grad(task.loss, sought, retain_graph=not last, allow_unused=True)
            gradients.append(list(found[: len(wanted)]))
            cotangents.append(list(found[len(wanted) : len(wanted) + len(calls)]))
            specific[task.name] = list(found[len(wanted) + len(calls) :])
        gram = gram_matrix(gradients) if wanted else torch.zeros(len(tasks), len(tasks), dtype=torch.float64)
        for position, call in enumerate(calls):
            gram = gram + call.layer.gram(call.inputs, [row[position] for row in cotangents]).cpu()
        return GhostGradients(gram, specific, self.parts.shared, plain, gradients, calls, cotangents)

    def forget(self) -> None:
        """Drop what the forward pass recorded."""
        self._calls = {}

    def record(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        """Take note of a layer's call; the last one of each layer counts."""
        layer = self._layers.get(id(module))
        if layer is None or self.reducer.size > 1 or not torch.is_grad_enabled() or not output.requires_grad:
            return
        if not inputs or not layer.is_batched(inputs[0]):
            return
        watched = [(inputs[0].detach(), inputs[0]._version)]
        if output._is_view():  # Writing into a view moves its place in the graph.
            watched.append((output.detach(), output._version))
        self._calls[id(module)] = Call(
            layer, inputs[0].detach(), watched, torch.autograd.graph.get_gradient_edge(output)
        )

    def _chosen(self, tasks: Sequence[TaskLoss]) -> list[Call]:
        """Return the calls whose products are cheaper than the tasks' weight gradients, and that are all there is."""
        graph = reached([task.loss for task in tasks if task.loss is not None])
        return [
            call
            for call in self._calls.values()
            if id(call.edge.node) in graph.nodes
            and all(graph.uses.get(id(p), 0) == 1 for p in call.layer.parameters)
            and all(tensor._version == version for tensor, version in call.watched)
            and call.layer.pays(call.inputs, len(tasks))
        ]


class _Recorder:
    """Tell an engine of a layer's calls; a copy of the layer has an idle one."""

    def __init__(self, engine: GhostEngine | None = None) -> None:
        self._engine = (lambda: None) if engine is None else weakref.ref(engine)

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        engine = self._engine()
        if engine is not None:
            engine.record(module, inputs, output)

    def __reduce__(self) -> tuple[type[_Recorder], tuple[()]]:
        return _Recorder, ()


def _own_layers(parts: Parts) -> list[GhostLayer]:
    """Return the layers of the shared modules that hold a plain weight (and bias) and nothing else."""
    shared = {id(p) for p in parts.shared}
    modules = {id(m): m for root in parts.modules for m in root.modules()}
    layers = []
    for module in modules.values():
        make = GHOST_LAYERS.get(type(module))
        own = dict(module.named_parameters(recurse=False))
        if make and list(own) in (["weight"], ["weight", "bias"]) and all(id(p) in shared for p in own.values()):
            layers.append(make(module))
    return layers
