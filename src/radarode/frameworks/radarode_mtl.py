"""radarODE-MTL: one network, three tasks, balanced by a multi-task strategy.

Reference: arXiv 2410.08656.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from radarode.balance import make_strategy
from radarode.configuration import Experiment
from radarode.core.constants import WINDOW_FRAMES
from radarode.core.errors import InputError
from radarode.core.types import ReconstructedEcg, Recording
from radarode.data.store import StoredRecording
from radarode.frameworks.base import Fitting, Framework, Watcher
from radarode.models.config import preset
from radarode.models.pretrained import load_model, save_model
from radarode.models.radarode_mtl import RadarOdeMtl, build_model
from radarode.reconstruction import reconstruct
from radarode.reconstruction.disturb import Disturb
from radarode.reconstruction.settings import ReconstructSettings
from radarode.signal.timefrequency import resolve_settings
from radarode.train import Training
from radarode.train.feed import WindowFeed, make_feed
from radarode.train.multitask import MultiTask
from radarode.train.ranks import Ranks

VALIDATION_STEP_S = 2.0


class RadarOdeMtlFramework(Framework):
    """Windows to shape, length and anchors; anchors to beats; shapes laid on beats."""

    name = "radarode-mtl"
    title = "radarODE-MTL"

    @classmethod
    def check(cls, experiment: Experiment) -> None:
        """Refuse a network that cannot read its input, and an unknown strategy."""
        model = _make_model(experiment)
        ranks = Ranks.current()
        ranks.adapt(model, ranks.device(experiment.train.device))
        make_strategy(experiment.balance.strategy, **experiment.balance.options)
        if experiment.data.batch_channels is not None:
            rows = resolve_settings(**experiment.transform)["n_rows"]
            model.encode(torch.zeros(2, experiment.data.batch_channels[1], rows, WINDOW_FRAMES))

    @classmethod
    def prepare(cls, fitting: Fitting) -> None:
        """Encode every reference."""
        _training(fitting)

    @classmethod
    def fit(cls, fitting: Fitting, *, resume: bool = False, watchers: Sequence[Watcher] = ()) -> dict[str, Any]:
        """Train the one network."""
        progress = _training(fitting).run(resume=resume, watchers=watchers)
        return {"best_epoch": progress.best_epoch, "score": progress.best_score}

    def reconstruct(
        self, recording: Recording, settings: ReconstructSettings | None = None, *, disturb: Disturb | None = None
    ) -> ReconstructedEcg:
        """Turn motion into a long-term ECG, as `radarode.reconstruct` does."""
        return reconstruct(recording, self.pretrained, settings, disturb=disturb)


def _training(fitting: Fitting) -> Training:
    """Put model, feeds and strategy together; the same for a new run and a resumed one."""
    experiment = fitting.experiment
    most = None if experiment.data.batch_channels is None else experiment.data.batch_channels[1]
    model = _make_model(experiment)

    def keep_best(figures: dict[str, float]) -> None:
        facts = {
            "tasks": experiment.tasks.to_dict(),
            "scaling": experiment.scaling,
            "transform": fitting.index["transform"],
            "validation": figures,
            "data": experiment.data.source,
            "start_from": experiment.model.start_from,
            "strategy": experiment.balance.strategy,
            "seed": experiment.seed,
        }
        save_model(fitting.weights, model, facts, overwrite=True)

    return Training(
        model=model,
        objective=MultiTask(experiment.tasks),
        feed=_feed(fitting, fitting.train, validating=False, channels=experiment.data.batch_channels),
        validation=_feed(fitting, fitting.validation, validating=True, channels=None if most is None else (most, most)),
        strategy=make_strategy(experiment.balance.strategy, **experiment.balance.options),
        settings=experiment.train,
        folder=fitting.run,
        keep_best=keep_best,
        engine=experiment.balance.engine,
    )


def _feed(
    fitting: Fitting,
    recordings: tuple[StoredRecording, ...],
    *,
    validating: bool,
    channels: tuple[int, int] | None,
) -> WindowFeed:
    experiment = fitting.experiment
    return make_feed(
        recordings,
        experiment.tasks,
        step_s=VALIDATION_STEP_S if validating else experiment.data.step_s,
        scaling=experiment.scaling,
        freqs_hz=np.asarray(fitting.index["freqs_hz"]),
        augment=None if validating else experiment.augment,
        channels=channels,
        seed=experiment.seed,
    )


def _make_model(experiment: Experiment) -> RadarOdeMtl:
    settings = experiment.model
    if settings.start_from is not None:
        if settings.changes:
            raise InputError("`model.changes` cannot be combined with `model.start_from`: weights fix the sizes.")
        return load_model(settings.start_from).model.train()
    return build_model(preset(settings.preset, **settings.changes), experiment.seed)
