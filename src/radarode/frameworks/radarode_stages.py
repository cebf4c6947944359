"""The two stages of radarODE: what each trains, on which batches, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from radarode.balance import make_strategy
from radarode.core.errors import InputError, WorkInterruptedError
from radarode.data.store import StoredRecording
from radarode.frameworks.base import Fitting, Watcher
from radarode.frameworks.radarode_feed import (
    CurveBatch,
    CurveFeed,
    CycleBatch,
    CycleFeed,
    Shared,
    encode_references,
)
from radarode.models.longterm import rmse_loss
from radarode.models.precision import widened
from radarode.models.pretrained import CONFIG_FILE, load_model, save_model
from radarode.models.radarode import PULSE_FRAMES, PULSE_S, RadarOde
from radarode.reconstruction.curve import sharpness
from radarode.reconstruction.draft import lay_draft
from radarode.reconstruction.energy_beats import measure_pulse, pooled_energy
from radarode.reconstruction.heard import hear_stored
from radarode.reconstruction.settings import ReconstructSettings
from radarode.signal.ppi import energy_plot
from radarode.tasks.shape import shape_loss
from radarode.train import Training
from radarode.train.checkpoint import CHECKPOINT, Progress
from radarode.train.feed import check_channels
from radarode.train.interrupt import interrupt_flag
from radarode.train.objective import Feed
from radarode.train.single import SingleLoss

NAME = "radarode"
SCEG, LONGTERM = "sceg", "longterm"
VALIDATION_STEP_S = 2.0


def run_stage(training: Training, resume: bool, watchers: Sequence[Watcher]) -> Progress:
    """Start a stage, or go on with it if it has begun."""
    training.folder.mkdir(exist_ok=True)
    begun = resume and (training.folder / CHECKPOINT).is_file()
    return training.run(resume=begun, watchers=watchers)


def with_stage(watchers: Sequence[Watcher], stage: str) -> list[Watcher]:
    """Return watchers that are told the stage with every record."""

    def told(watcher: Watcher) -> Watcher:
        return lambda record: watcher({**record, "stage": stage})

    return [told(watcher) for watcher in watchers]


def sceg_training(fitting: Fitting, model: RadarOde) -> Training:
    """Return the first stage: the generator learns cycles around true R peaks, roughly centred."""
    jitter_s = model.config.centre_jitter_s
    feeds = [CycleFeed(shared_of(fitting, validating=validating), jitter_s) for validating in (False, True)]
    keep_best = _keeper(fitting, model, fitting.run / SCEG / "weights", SCEG)
    objective = SingleLoss("shape", _sceg_loss, lambda batch: len(batch.shape), _sceg_figures)
    return _training(fitting, model.sceg, objective, feeds, SCEG, keep_best)


def longterm_training(fitting: Fitting, model: RadarOde) -> Training:
    """Return the second stage: the long-term network learns ECG curves from motion and the generator's drafts."""
    feeds: list[Feed] = []
    for validating in (False, True):
        shared = shared_of(fitting, validating=validating)
        step_s = VALIDATION_STEP_S if validating else fitting.experiment.data.step_s
        feeds.append(CurveFeed(shared, _drafts(fitting, model, shared.recordings), step_s))
    keep_best = _keeper(fitting, model, fitting.weights, LONGTERM)
    objective = SingleLoss("curve", _longterm_loss, lambda batch: len(batch.target), _longterm_figures)
    return _training(fitting, model.longterm, objective, feeds, LONGTERM, keep_best)


def _training(
    fitting: Fitting,
    network: nn.Module,
    objective: SingleLoss,
    feeds: Sequence[Feed],
    stage: str,
    keep_best: Callable[[dict[str, float]], None],
) -> Training:
    return Training(
        model=network,
        objective=objective,
        feed=feeds[0],
        validation=feeds[1],
        strategy=make_strategy("equal"),
        settings=replace(fitting.experiment.train, score_tasks=None),
        folder=fitting.run / stage,
        keep_best=keep_best,
        run_folder=fitting.run,
    )


def _keeper(fitting: Fitting, model: RadarOde, folder: Path, stage: str) -> Callable[[dict[str, float]], None]:
    """Return what writes both networks' weights when the one in training is the best so far."""

    def keep(figures: dict[str, float]) -> None:
        if figures.get("heart"):
            model.r_height.fill_(figures["r_height"] / figures["heart"])
        facts = {"stage": stage, **fitting.facts(figures)}
        save_model(folder, model, facts, overwrite=True)

    return keep


def take_best_sceg(fitting: Fitting, model: RadarOde) -> None:
    """Give the model the best weights of the first stage, and freeze the generator.

    Raises:
        InputError: no epoch had a finite validation loss.
    """
    folder = fitting.run / SCEG / "weights"
    if not (folder / CONFIG_FILE).is_file():
        raise InputError("the single-cycle generator never had a finite validation loss. Lower `train.lr`.")
    model.load_state_dict(load_model(folder).model.state_dict())
    model.sceg.eval()


def _drafts(fitting: Fitting, model: RadarOde, recordings: Sequence[StoredRecording]) -> list[np.ndarray]:
    """Lay the draft of every recording, as a reconstruction does."""
    experiment, settings = fitting.experiment, ReconstructSettings()
    fraction, drafts = experiment.tasks.r_fraction, []
    with interrupt_flag() as flag:
        for one in recordings:
            laid = lay_draft(hear_stored(one), model, settings, scaling=experiment.scaling, r_fraction=fraction)
            drafts.append(laid.curve)
            if flag.raised:
                raise WorkInterruptedError(
                    f"stopped between the stages; go on with: radarode train --resume {fitting.run}"
                )
    return drafts


def set_pulse(model: RadarOde, recordings: Sequence[StoredRecording]) -> None:
    """Measure the energy around the R peaks of the training recordings."""
    pooled = [pooled_energy(energy_plot(one.frames)) for one in recordings]
    measured = measure_pulse(pooled, [one.known_r_peaks_s for one in recordings], PULSE_FRAMES, PULSE_S[0])
    if measured is not None:
        model.pulse.copy_(torch.from_numpy(measured))


def shared_of(fitting: Fitting, *, validating: bool) -> Shared:
    """Return what the feeds of both stages need, for training or for validation.

    Raises:
        InputError: recordings differ in their channels, and the batch takes all.
    """
    experiment, data = fitting.experiment, fitting.experiment.data
    recordings = fitting.validation if validating else fitting.train
    channels = data.validation_channels if validating else data.batch_channels
    check_channels(recordings, channels)
    return Shared(
        recordings,
        encode_references(recordings, experiment.tasks),
        experiment.scaling,
        np.asarray(fitting.index["freqs_hz"]),
        None if validating else experiment.augment,
        channels,
        experiment.seed,
    )


def _sceg_loss(model: nn.Module, batch: CycleBatch) -> Tensor:
    return shape_loss(widened(model(batch.inputs)), batch.shape)


def _sceg_figures(model: nn.Module, batch: CycleBatch) -> Mapping[str, float]:
    return {"pcc": _correlation(model(batch.inputs), batch.shape)}


def _longterm_loss(model: nn.Module, batch: CurveBatch) -> Tensor:
    return rmse_loss(widened(model(batch.motion, batch.draft)), batch.target)


def _longterm_figures(model: nn.Module, batch: CurveBatch) -> Mapping[str, float]:
    curve = model(batch.motion, batch.draft)
    heart = batch.target.nan_to_num().amax(dim=1) > 0
    highest = [float(sharpness(one.numpy()).max()) for one in curve[heart]]
    return {
        "pcc": _correlation(curve, batch.target),
        "draft_pcc": _correlation(batch.draft, batch.target),
        "r_height": sum(highest) / len(batch.target),
        "heart": len(highest) / len(batch.target),
    }


def _correlation(found: Tensor, wanted: Tensor) -> float:
    """Return the mean over windows of the correlation over known samples; 0 where either does not change."""
    known = torch.isfinite(wanted)
    count = known.sum(dim=1, keepdim=True).clamp(min=1)

    def centred(x: Tensor) -> Tensor:
        x = torch.where(known, x, torch.zeros_like(x))
        return torch.where(known, x - x.sum(dim=1, keepdim=True) / count, torch.zeros_like(x))

    a, b = centred(found), centred(torch.nan_to_num(wanted))
    size = a.norm(dim=1) * b.norm(dim=1)
    return float(((a * b).sum(dim=1) / size.clamp(min=1e-9)).mean())
