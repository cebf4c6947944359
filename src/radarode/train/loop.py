"""The training loop: balanced steps, validation after each epoch, early stop, exact resumption."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from radarode.balance import Balancer, BalanceReport, Strategy
from radarode.core.errors import InputError, WorkInterruptedError
from radarode.models.blocks import Backbone
from radarode.train.checkpoint import LOG, Progress, load_checkpoint, save_checkpoint, trim_log
from radarode.train.interrupt import InterruptFlag, interrupt_flag
from radarode.train.objective import Feed, Objective
from radarode.train.optim import learning_rate, make_optimizer
from radarode.train.ranks import Ranks
from radarode.train.settings import TrainSettings
from radarode.train.share import SharedFeed
from radarode.train.track import add_report, means

CHECKPOINT_EVERY_S = 120.0

Watcher = Callable[[dict[str, Any]], None]


@dataclass(slots=True)
class Training:
    """Hold one training: a model, its data and how to fit it.

    Attributes:
        model: any network that the objective knows how to use.
        objective: what is minimised, and how an epoch is judged.
        feed: training batches.
        validation: batches of other people, which choose the epoch.
        strategy: balances the tasks.
        settings: optimiser, schedule, stopping.
        folder: the run folder; gets `log.jsonl`, `checkpoint.pt`.
        keep_best: called whenever an epoch is the best so far, to write the weights.
        engine: how the task gradients are formed; see `radarode.balance.engines`.
        run_folder: the folder that `radarode train --resume` takes; None where it is `folder` itself.
        ranks: the processes that share the work; rank 0 writes.
    """

    model: nn.Module
    objective: Objective
    feed: Feed
    validation: Feed
    strategy: Strategy
    settings: TrainSettings
    folder: Path
    keep_best: Callable[[dict[str, float]], None]
    engine: str = "vjp"
    run_folder: Path | None = None
    ranks: Ranks = field(default_factory=Ranks.current)

    def run(self, *, resume: bool = False, watchers: Sequence[Watcher] = ()) -> Progress:
        """Train until the last epoch or the early stop.

        Args:
            resume: go on from the checkpoint in the folder.
            watchers: called with every log record and every step, for progress bars.

        Raises:
            WorkInterruptedError: Ctrl-C; a checkpoint was written first.
        """
        fit = self._prepare()
        progress = Progress()
        if resume:
            progress = load_checkpoint(self.folder, self.model, fit.optimizer, fit.balancer)
            self.ranks.wait()
            if self.ranks.leads:
                trim_log(self.folder, progress.epoch)
        heard = watchers if self.ranks.leads else ()
        steps = self.settings.steps_per_epoch or self.feed.steps(self.settings.batch)
        with interrupt_flag(patient=self.ranks.size > 1) as flag:
            while not progress.finished:
                self._train_epoch(progress, fit, steps, flag, heard)
                self._end_epoch(progress, fit, steps, heard)
                if self.ranks.any(flag.raised) and not progress.finished:
                    raise self._interruption(progress, steps)
        return progress

    def _prepare(self) -> _Fit:
        """Bring the model to its device, and put together what changes beside it."""
        settings = self.settings
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        self.ranks.check(settings.batch)
        device = self.ranks.device(settings.device)
        self.model = self.ranks.adapt(self.model.to(device), device)
        for module in self.model.modules():
            if isinstance(module, Backbone):
                module.recompute = settings.checkpoint_activations
        shared, tasks = self.objective.partition(self.model)
        balancer = Balancer(self.strategy, shared=shared, tasks=tasks, engine=self.engine)
        optimizer = make_optimizer([*self.model.parameters(), *balancer.parameters()], settings)
        feeds = (SharedFeed(feed, self.ranks, device) for feed in (self.feed, self.validation))
        return _Fit(balancer, optimizer, device, *feeds)

    def _train_epoch(
        self, progress: Progress, fit: _Fit, steps: int, flag: InterruptFlag, watchers: Sequence[Watcher]
    ) -> None:
        self.model.train()
        saved = time.monotonic()
        batches = fit.feed.epoch(progress.epoch, self.settings.batch, steps, first_step=progress.step)
        with closing(cast(Any, batches)):
            for batch in batches:
                report = self._step(batch, fit, progress.epoch * steps + progress.step, steps)
                add_report(progress.tracked, report)
                progress.step += 1
                mean = fit.balancer.mean_losses()
                _tell(watchers, {"kind": "step", "epoch": progress.epoch, "step": progress.step, "of": steps, **mean})
                stop = self.ranks.any(flag.raised)
                if self.ranks.leads and (stop or time.monotonic() - saved > CHECKPOINT_EVERY_S):
                    save_checkpoint(self.folder, progress, self.model, fit.optimizer, fit.balancer)
                    saved = time.monotonic()
                if stop:
                    raise self._interruption(progress, steps)

    def _interruption(self, progress: Progress, steps: int) -> WorkInterruptedError:
        return WorkInterruptedError(
            f"training stopped in epoch {progress.epoch + 1}, step {progress.step} of {steps}; "
            f"go on with: radarode train --resume {self.run_folder or self.folder}"
        )

    def _step(self, batch: Any, fit: _Fit, step: int, steps: int) -> BalanceReport:
        losses, features = self._losses(batch, fit.device)
        every = self.settings.track_gradients
        watch = every is not None and step % every == 0
        try:
            report = fit.balancer.backward(losses, features=features, watch=watch)
        except FloatingPointError as error:
            raise _diverged(str(error), step) from error
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.settings.clip_norm or float("inf"))
        if not torch.isfinite(norm):
            raise _diverged("the gradient is not finite.", step)
        for group in fit.optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, self.settings)
        fit.optimizer.step()
        return report

    def _losses(self, batch: Any, device: torch.device) -> tuple[dict[str, Tensor | None], list[Tensor] | None]:
        """Return the losses such that their mean over the ranks is that of the whole batch."""
        with torch.autocast(device.type, torch.bfloat16, enabled=self.settings.precision == "bfloat16"):
            losses, features = self.objective.losses(self.model, batch)
        if self.ranks.size == 1:
            return losses, features
        found = self.objective.counts(batch)
        counts = [0 if losses[name] is None else found[name] for name in losses]
        totals = self.ranks.total([*counts, *(int(count > 0) for count in counts)])
        weighed: dict[str, Tensor | None] = {}
        for (name, loss), count, total, owners in zip(
            losses.items(), counts, totals[: len(counts)], totals[len(counts) :], strict=True
        ):
            weighed[name] = loss if loss is None or count * owners == total else loss * (count * owners / total)
        return weighed, features

    def _end_epoch(self, progress: Progress, fit: _Fit, steps: int, watchers: Sequence[Watcher]) -> None:
        mean = fit.balancer.end_epoch()
        figures = self.objective.validate(self.model, fit.validation, self.settings.batch, self.ranks.gather)
        score = self._score(progress, figures)
        better = math.isfinite(score) and (progress.best_score is None or score < progress.best_score)
        record = {
            "kind": "epoch",
            "epoch": progress.epoch,
            "lr": learning_rate(progress.epoch * steps + steps - 1, steps, self.settings),
            **{f"train_{name}": value for name, value in mean.items()},
            **{f"validation_{name}": value for name, value in figures.items()},
            "score": score,
            "best": better,
            **means(progress.tracked),
        }
        if better:
            progress.best_score, progress.best_epoch = score, progress.epoch
            if self.ranks.leads:
                self.keep_best(figures)
        progress.epoch += 1
        progress.step = 0
        progress.tracked = {}
        waited = progress.epoch - 1 - (progress.best_epoch or 0)
        patience = self.settings.patience
        progress.finished = progress.epoch >= self.settings.epochs or (patience is not None and waited >= patience)
        if self.ranks.leads:
            # Log first: a kill in between leaves a line too many, which resuming drops; never one too few.
            with (self.folder / LOG).open("a") as log:
                log.write(json.dumps(record) + "\n")
            save_checkpoint(self.folder, progress, self.model, fit.optimizer, fit.balancer)
        self.ranks.wait()
        _tell(watchers, record)

    def _score(self, progress: Progress, figures: dict[str, float]) -> float:
        """Return the mean over tasks of (validation loss / that of the first epoch): the tasks' scales cancel.

        A task whose first loss was 0 counts by its loss as it is. `score_tasks` names the tasks that count.
        """
        losses = [figures[f"loss_{name}"] for name in self.settings.score_tasks or self.objective.names]
        if progress.first_validation is None:
            progress.first_validation = losses
        ratios = [now / (first or 1.0) for now, first in zip(losses, progress.first_validation, strict=True)]
        return sum(ratios) / len(ratios)


@dataclass(frozen=True, slots=True)
class _Fit:
    """Hold what a model is fitted with on this rank."""

    balancer: Balancer
    optimizer: torch.optim.Optimizer
    device: torch.device
    feed: SharedFeed
    validation: SharedFeed


def _diverged(what: str, step: int) -> InputError:
    return InputError(f"training diverged at step {step}: {what} Lower `train.lr` and start again.")


def _tell(watchers: Sequence[Watcher], record: dict[str, Any]) -> None:
    for watcher in watchers:
        watcher(record)
