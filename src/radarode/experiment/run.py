"""One run from A to Z: data, network, training, and all that they depend on written down beside the result."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from radarode.configuration import Experiment, read_experiment, write_yaml
from radarode.core.allocator import keep_freed_memory
from radarode.core.config import from_plain, to_plain
from radarode.core.errors import InputError
from radarode.core.files import new_folder
from radarode.data.splits import Split, split_subjects
from radarode.data.store import INDEX, open_store
from radarode.experiment.data import build_store, check_store
from radarode.experiment.layout import CONFIG, ENVIRONMENT, SPLIT, STORE, WEIGHTS
from radarode.frameworks import Fitting, framework_class
from radarode.frameworks.base import start_weights
from radarode.tasks import TaskSettings
from radarode.train.ranks import Ranks


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
        `best_epoch`, from 0, and its validation `score`.
    """
    keep_freed_memory()
    run, ranks = Path(folder), Ranks.current()

    def begin() -> tuple[Experiment, Path]:
        if resume:
            return _resumed(run, store)
        return _begun(experiment, run, store, overwrite, watchers)

    # Rank 0 alone prepares; the folder and the store must be where every rank sees them.
    chosen, store_path = ranks.first(begin)
    framework = framework_class(chosen.framework)
    return framework.fit(_fitting(chosen, run, store_path), resume=resume, watchers=watchers)


def _resumed(run: Path, store: Path | str | None) -> tuple[Experiment, Path]:
    """Return the configuration and the store of a run that was begun."""
    experiment = read_experiment(_existing(run / CONFIG))
    Ranks.current().check(experiment.train.batch)
    return experiment, Path(store or json.loads(_existing(run / ENVIRONMENT).read_text())["store"])


def _begun(
    experiment: Experiment, run: Path, store: Path | str | None, overwrite: bool, watchers: Sequence[Any]
) -> tuple[Experiment, Path]:
    """Make the run folder, with its store unless one was named."""
    ranks = Ranks.current()
    ranks.check(experiment.train.batch)
    if ranks.size > 1 and experiment.framework == "classical":
        raise InputError("classical measures averages, which takes seconds; run it in one process.")
    store_path = Path(store) if store is not None else run / STORE
    experiment = adopt_weights(experiment)
    with new_folder(run, overwrite=overwrite) as preparing:
        built = store_path if store is not None else preparing / STORE
        _prepare(experiment, preparing, built, watchers)
        facts = environment(experiment, store_path, built / INDEX)
        (preparing / ENVIRONMENT).write_text(json.dumps(facts, indent=1))
    return experiment, store_path


def _prepare(experiment: Experiment, folder: Path, store: Path, watchers: Sequence[Any]) -> None:
    """Fill a new run folder before it gets its name; whatever is wrong with the settings or the data shows here."""
    framework = framework_class(experiment.framework)
    framework.check(experiment)
    write_yaml(folder / CONFIG, experiment)
    if not (store / INDEX).is_file():
        build_store(experiment, store, watchers, motion=framework.reads_motion)
    framework.prepare(_fitting(experiment, folder, store))


def adopt_weights(experiment: Experiment) -> Experiment:
    """Take over the scaling, tasks and transform of the weights that training starts from; they only fit those.

    Weights of a framework that reads no spectrogram say nothing of scaling and transform.
    """
    loaded = start_weights(experiment)
    if loaded is None:
        return experiment
    return replace(
        experiment,
        scaling=loaded.scaling or experiment.scaling,
        tasks=from_plain(TaskSettings, loaded.tasks),
        transform=dict(loaded.transform) or experiment.transform,
    )


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} is not a run folder: it has no {path.name}.")
    return path


def _fitting(experiment: Experiment, run: Path, store_path: Path) -> Fitting:
    """Split the store's recordings; the same for a new run and a resumed one."""
    check_store(experiment, store_path)
    store = open_store(store_path)
    split, training, validating = _sides(experiment, store)
    if Ranks.current().leads:
        (run / SPLIT).write_text(json.dumps(to_plain(split), indent=1))
    return Fitting(experiment, training, validating, store.index, run, run / WEIGHTS)


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
        seed=experiment.seed if settings.split_seed is None else settings.split_seed,
    )
    return split, store.of_subjects(split.train), store.of_subjects(split.validation)


def environment(experiment: Experiment, store: Path, index: Path) -> dict[str, Any]:
    """Return what a result depends on besides its configuration: versions, data hash, seed, machine kind.

    Args:
        experiment: the configuration.
        store: where the run will look for its spectrograms.
        index: where the store's index is now.
    """
    names = ("radarode", "torch", "numpy", "scipy", "sleepecg")
    return {
        "seed": experiment.seed,
        "store": str(store),
        "data_sha256": hashlib.sha256(index.read_bytes()).hexdigest(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in names},
    }
