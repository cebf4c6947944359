"""Steps of training and inference of a given batch, and steps that balance a given number of tasks."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool1d, relu

from radarode.balance import Balancer
from radarode.core.types import Segments, TaskOutputs
from radarode.models.config import preset
from radarode.models.features import Features
from radarode.models.radarode_mtl import build_model
from radarode.tasks import TaskSettings
from radarode.train.multitask import MultiTask

ROWS, FRAMES = 71, 120
HEAD_WIDTH, TARGET = 32, 64

Step = Callable[[], object]


def random_windows(windows: int, channels: int, seed: int = 1) -> Tensor:
    return torch.rand(windows, channels, ROWS, FRAMES, generator=torch.Generator().manual_seed(seed))


def training_step(size: str, windows: int, channels: int) -> Step:
    """Return a training step as `radarode train` takes it, with EGA on the same random batch."""
    objective, model = MultiTask(TaskSettings()), build_model(preset(size), seed=0).train()
    shared, tasks = objective.partition(model)
    balancer = Balancer("ega", shared=shared, tasks=tasks)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    draw = torch.Generator().manual_seed(2)
    targets = TaskOutputs(
        torch.rand(windows, 200, generator=draw),
        torch.rand(windows, 260, generator=draw).softmax(dim=1),
        torch.rand(windows, 800, generator=draw),
    )
    batch = Segments(random_windows(windows, channels), np.zeros(windows), targets)

    def step() -> None:
        losses, features = objective.losses(model, batch)
        balancer.backward(losses, features=features)
        optimizer.step()

    return step


def inference(windows: int, channels: int) -> Step:
    """Return a run of `small` over a batch of windows."""
    model, x = build_model(preset("small"), seed=0).eval(), random_windows(windows, channels)

    @torch.inference_mode()
    def run() -> None:
        model(x)

    return run


class Head(nn.Module):
    """Read the whole window, deep and shallow features, and predict a vector, as a light task head does."""

    def __init__(self, features: Features) -> None:
        super().__init__()
        channels = sum(part.shape[1] for part in features if part is not None)
        self.narrow = nn.Conv1d(channels, HEAD_WIDTH, 1)
        self.norm = nn.GroupNorm(4, HEAD_WIDTH)
        self.read = nn.Linear(HEAD_WIDTH * features.sequence.shape[2], 2 * TARGET)
        self.out = nn.Linear(2 * TARGET, TARGET)

    def forward(self, features: Features) -> Tensor:
        steps = features.sequence.shape[2]
        x = torch.cat([adaptive_avg_pool1d(part, steps) for part in features if part is not None], dim=1)
        return self.out(relu(self.read(relu(self.norm(self.narrow(x))).flatten(1))))


def balanced_step(name: str, tasks: int, windows: int, channels: int) -> Step:
    """Return a training step of the trunk of `small` under as many heads as there are tasks.

    Args:
        name: of the strategy; behind a dash the engine, if it is not the exact one.
        tasks: how many heads, each with targets of its own.
        windows: of the batch.
        channels: of each window.
    """
    strategy, _, engine = name.partition("-")
    model, x = build_model(preset("small"), seed=0).train(), random_windows(windows, channels)
    with torch.no_grad():
        example = model.encode(x[:1])
    torch.manual_seed(3)
    heads = nn.ModuleDict({f"task{k}": Head(example) for k in range(tasks)})
    targets = torch.rand(tasks, windows, TARGET, generator=torch.Generator().manual_seed(4))
    balancer = Balancer(strategy, shared=model.shared_modules(), tasks=heads, engine=engine or "vjp")
    parameters = [*model.shared_parameters(), *heads.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=1e-3, momentum=0.9)

    def step() -> None:
        features = model.encode(x)
        losses = {
            task: (head(features) - target).square().mean()
            for (task, head), target in zip(heads.items(), targets, strict=True)
        }
        balancer.backward(losses, features=[part for part in features if part is not None])
        optimizer.step()

    return step
