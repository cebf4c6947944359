"""Checkpoints: everything that training needs to go on as if it had never stopped, written atomically."""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from radarode.core.errors import InputError
from radarode.core.files import atomic_path

CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"


@dataclass(slots=True)
class Progress:
    """Hold where a training stands.

    Attributes:
        epoch: epoch in progress, from 0.
        step: steps done in it.
        tracked: sums of what `track.add_report` noted in those steps.
        first_validation: (task,) validation losses of the first epoch, the unit of the validation score.
        best_score: lowest validation score so far.
        best_epoch: epoch that reached it.
        finished: whether the training ended (all epochs, or stopped early).
    """

    epoch: int = 0
    step: int = 0
    tracked: dict[str, list[float]] = field(default_factory=dict)
    first_validation: list[float] | None = None
    best_score: float | None = None
    best_epoch: int | None = None
    finished: bool = False


def save_checkpoint(folder: Path, progress: Progress, model: Any, optimizer: Any, balancer: Any) -> None:
    """Write `checkpoint.pt` into a run folder."""
    state = {
        "progress": asdict(progress),
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "balancer": balancer.state_dict(),
    }
    with atomic_path(folder / CHECKPOINT) as path:
        torch.save(state, path)


def load_checkpoint(folder: Path, model: Any, optimizer: Any, balancer: Any) -> Progress:
    """Restore a run from its folder; only tensors and plain values are unpickled.

    Raises:
        FileNotFoundError: the run has no checkpoint.
        InputError: it is damaged, or belongs to another model.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; this run has nothing to resume from.")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        balancer.load_state_dict(state["balancer"])
        return Progress(**state["progress"])
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError, ValueError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} cannot be resumed: {reason}. Start the run again with --overwrite.") from error


def trim_log(folder: Path, epochs: int) -> None:
    """Keep the lines of the log, one an epoch, of the epochs that the checkpoint knows."""
    path = folder / LOG
    lines = path.read_text().splitlines(keepends=True) if path.is_file() else []
    if len(lines) > epochs:
        with atomic_path(path) as temporary:
            temporary.write_text("".join(lines[:epochs]))
