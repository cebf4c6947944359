"""Window-level validation: the losses that choose the epoch, and figures a person can read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from radarode.core.types import Segments, TaskOutputs
from radarode.tasks.anchor import decode_anchor
from radarode.tasks.length import decode_length
from radarode.tasks.settings import TaskSettings
from radarode.tasks.targets import TASKS, task_losses
from radarode.train.objective import Feed, Gather


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Hold what one batch shows.

    Attributes:
        losses: of each task that has one, with the number of windows that it is over.
        pcc: (window,) correlation of the cycles.
        length_error_ms: (window,) errors of the lengths.
        anchor_error_ms: of each R peak.
    """

    losses: dict[str, tuple[float, int]]
    pcc: np.ndarray
    length_error_ms: np.ndarray
    anchor_error_ms: list[float]


@torch.inference_mode()
def validate(model: nn.Module, feed: Feed, tasks: TaskSettings, batch: int, gather: Gather = list) -> dict[str, float]:
    """Return mean losses (`loss_shape`, ...) and window-level figures over all windows of a feed.

    Figures: `shape_pcc` (median), `length_error_ms` (median) and `anchor_error_ms` (median distance from each R peak in
    the middle two seconds of a window to the nearest found one).
    """
    model.eval()
    found: list[_Found] = gather([_judge(model, segments, tasks) for segments in feed.in_order(batch)])
    model.train()
    losses: dict[str, float] = dict.fromkeys(TASKS, 0.0)
    totals: dict[str, int] = dict.fromkeys(TASKS, 0)
    for one in found:
        for name, (loss, count) in one.losses.items():
            losses[name] += loss * count
            totals[name] += count
    anchor_error = [error for one in found for error in one.anchor_error_ms]
    report = {f"loss_{name}": value / max(1, totals[name]) for name, value in losses.items()}
    report["shape_pcc"] = float(np.median(np.concatenate([one.pcc for one in found])))
    report["length_error_ms"] = float(np.median(np.concatenate([one.length_error_ms for one in found])))
    report["anchor_error_ms"] = float(np.median(anchor_error)) if anchor_error else float("nan")
    return report


def _judge(model: nn.Module, segments: Segments, tasks: TaskSettings) -> _Found:
    targets, outputs = _on_cpu(segments.targets), _on_cpu(model(segments.inputs))
    known = torch.isfinite(targets.shape[:, 0])
    losses = {
        name: (float(loss), len(known) if name == "anchor" else int(known.sum()))
        for name, loss in task_losses(outputs, targets).items()
        if loss is not None
    }
    truth = decode_length(np.log(targets.length[known].double().numpy() + 1e-12), tasks)
    return _Found(
        losses,
        _row_pcc(outputs.shape[known].numpy(), targets.shape[known].numpy()),
        np.abs(decode_length(outputs.length[known].double().numpy(), tasks) - truth) * 1e3,
        _anchor_errors(outputs, targets),
    )


def _on_cpu(tasks: TaskOutputs[Tensor]) -> TaskOutputs[Tensor]:
    return TaskOutputs(*(one.cpu() for _, one in tasks.items()))


def _row_pcc(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a = a - a.mean(axis=1, keepdims=True)
    b = b - b.mean(axis=1, keepdims=True)
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return (a * b).sum(axis=1) / np.maximum(scale, 1e-12)


def _anchor_errors(outputs: TaskOutputs, targets: TaskOutputs) -> list[float]:
    errors = []
    for found_map, true_map in zip(outputs.anchor.numpy(), targets.anchor.numpy(), strict=True):
        truth, _ = decode_anchor(true_map, threshold=0.5, min_distance_s=0.2)
        found, _ = decode_anchor(found_map, threshold=0.2, min_distance_s=0.2)
        middle = truth[(truth > 1.0) & (truth < 3.0)]
        if len(found):
            errors.extend((np.abs(middle[:, None] - found[None, :]).min(axis=1) * 1e3).tolist())
        else:
            errors.extend([4000.0] * len(middle))
    return errors
