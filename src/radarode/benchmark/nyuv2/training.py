"""One training on scenes: balanced steps, a checkpoint that resumes exactly, the metrics of the last epoch."""

from __future__ import annotations

import json
import pickle
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from radarode.balance import Balancer
from radarode.benchmark.jobs import as_json
from radarode.benchmark.nyuv2.deeplab import DeepLabV3
from radarode.benchmark.nyuv2.feed import SceneBatch, SceneFeed
from radarode.benchmark.nyuv2.layout import CHECKPOINT
from radarode.benchmark.nyuv2.losses import scene_losses
from radarode.benchmark.nyuv2.metrics import SceneMetrics
from radarode.benchmark.nyuv2.models import SceneNetwork
from radarode.benchmark.nyuv2.settings import NyuSettings
from radarode.core.errors import InputError, WorkInterruptedError
from radarode.core.files import atomic_path
from radarode.train.checkpoint import LOG, trim_log
from radarode.train.interrupt import InterruptFlag, interrupt_flag

CHECKPOINT_EVERY_S = 120.0
_DROPOUT = 2


class DivergedError(Exception):
    """Say that a training left the finite numbers; this is a result, not a fault of the input."""


@dataclass(slots=True)
class SceneTraining:
    """Hold one training.

    NYUv2 has no third side: what the literature calls its test set is `val`. So no epoch is chosen; the last one is
    evaluated, once.

    Attributes:
        network: what learns.
        balancer: weighs the tasks.
        feed: training scenes.
        tasks: the tasks that are trained; all, or one for the single-task baseline.
        settings: optimiser, schedule, engine.
        seed: of dropout.
        folder: gets `checkpoint.pt` and `log.jsonl`.
        device: where it computes.
    """

    network: SceneNetwork
    balancer: Balancer
    feed: SceneFeed
    tasks: tuple[str, ...]
    settings: NyuSettings
    seed: int
    folder: Path
    device: torch.device

    def run(self) -> dict[str, float]:
        """Train to the last epoch, from the checkpoint in the folder if there is one.

        Returns:
            The mean training losses of the last epoch, by task.

        Raises:
            WorkInterruptedError: Ctrl-C or SIGTERM; a checkpoint was written first.
            DivergedError: a loss or a gradient is not finite.
            InputError: the checkpoint is damaged, or there are fewer scenes than a batch needs.
        """
        if self.feed.steps == 0:
            raise InputError.of("batch", f"at most the {len(self.feed.scenes)} training scenes", self.feed.batch)
        optimizer = self._optimizer()
        epoch, step = self._resume(optimizer)
        means: dict[str, float] = {}
        with interrupt_flag() as flag:
            while epoch < self.settings.epochs:
                means = self._epoch(optimizer, epoch, step, flag)
                epoch, step = epoch + 1, 0
                self._save(optimizer, epoch, step)
                if flag.raised and epoch < self.settings.epochs:
                    raise self._interruption(epoch, step)
        return means or json.loads((self.folder / LOG).read_text().splitlines()[-1])["losses"]

    def learning_rate(self, epoch: int) -> float:
        """Return the epoch's learning rate: a fixed factor less every `decay_epochs` epochs."""
        return self.settings.lr * self.settings.decay ** (epoch // self.settings.decay_epochs)

    def _optimizer(self) -> torch.optim.Optimizer:
        """Return Adam; what a strategy learns (UW's variances) is not decayed."""
        groups = [{"params": list(self.network.parameters()), "weight_decay": self.settings.weight_decay}]
        if learnt := list(self.balancer.parameters()):
            groups.append({"params": learnt, "weight_decay": 0.0})
        return torch.optim.Adam(groups, lr=self.settings.lr)

    def _epoch(
        self, optimizer: torch.optim.Optimizer, epoch: int, first_step: int, flag: InterruptFlag
    ) -> dict[str, float]:
        self.network.train()
        for group in optimizer.param_groups:
            group["lr"] = self.learning_rate(epoch)
        saved = time.monotonic()
        for step, batch in enumerate(self.feed.epoch(epoch, first_step=first_step), first_step):
            self._step(batch.to(self.device), optimizer, epoch, step)
            if flag.raised or time.monotonic() - saved > CHECKPOINT_EVERY_S:
                self._save(optimizer, epoch, step + 1)
                saved = time.monotonic()
            if flag.raised:
                raise self._interruption(epoch, step + 1)
        losses = {name: value for name, value in self.balancer.end_epoch().items() if name in self.tasks}
        # Log first: a kill in between leaves a line too many, which resuming drops; never one too few.
        with (self.folder / LOG).open("a") as log:
            record = {"epoch": epoch, "lr": self.learning_rate(epoch), "losses": losses}
            log.write(json.dumps(as_json(record)) + "\n")
        return losses

    def _step(self, batch: SceneBatch, optimizer: torch.optim.Optimizer, epoch: int, step: int) -> None:
        with torch.random.fork_rng():  # dropout draws from a stream of its own: (seed, epoch, step)
            torch.manual_seed(int(np.random.SeedSequence([self.seed, _DROPOUT, epoch, step]).generate_state(1)[0]))
            features, outputs = self._predict(batch.images)
        losses = scene_losses(outputs, batch.targets)
        if all(loss is None for loss in losses.values()):
            return
        try:
            self.balancer.backward(losses, features=features if self.settings.engine == "representation" else None)
        except FloatingPointError as error:
            raise DivergedError(f"epoch {epoch + 1}, step {step + 1}: {error}") from error
        optimizer.step()

    def _predict(self, images: Tensor) -> tuple[Tensor | None, dict[str, Tensor]]:
        """Return the shared features, where the network has one such place, and the outputs."""
        if isinstance(self.network, DeepLabV3):
            features = self.network.encoder(images)
            return features, self.network.decode(features, images.shape[2:], self.tasks)
        return None, self.network(images, self.tasks)

    def _interruption(self, epoch: int, step: int) -> WorkInterruptedError:
        return WorkInterruptedError(
            f"training stopped in epoch {epoch + 1}, step {step} of {self.feed.steps}; the same command goes on."
        )

    def _save(self, optimizer: torch.optim.Optimizer, epoch: int, step: int) -> None:
        state = {
            "epoch": epoch,
            "step": step,
            "network": self.network.state_dict(),
            "optimizer": optimizer.state_dict(),
            "balancer": self.balancer.state_dict(),
        }
        with atomic_path(self.folder / CHECKPOINT) as path:
            torch.save(state, path)

    def _resume(self, optimizer: torch.optim.Optimizer) -> tuple[int, int]:
        """Restore the checkpoint, if any; return the epoch and the step to go on with."""
        path = self.folder / CHECKPOINT
        epoch, step = 0, 0
        if path.is_file():
            try:
                state = torch.load(path, weights_only=True, map_location="cpu")
                self.network.load_state_dict(state["network"])
                optimizer.load_state_dict(state["optimizer"])
                self.balancer.load_state_dict(state["balancer"])
                epoch, step = int(state["epoch"]), int(state["step"])
            except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, ValueError, EOFError) as error:
                reason = str(error).splitlines()[0].rstrip(".")
                raise InputError(f"{path} cannot be resumed: {reason}. Delete it to start this run again.") from error
        trim_log(self.folder, epoch)
        return epoch, step


@torch.no_grad()
def evaluate_scenes(
    network: SceneNetwork, feed: SceneFeed, tasks: tuple[str, ...], device: torch.device
) -> dict[str, dict[str, float]]:
    """Compute the metrics of the tasks over all scenes of a feed.

    Raises:
        DivergedError: an output is not finite.
    """
    network.eval()
    metrics = SceneMetrics()
    for batch in feed.in_order():
        here = batch.to(device)
        try:
            metrics.add(network(here.images, tasks), here.targets)
        except FloatingPointError as error:
            raise DivergedError(f"evaluation: {error}") from error
    return metrics.compute()
