"""One run from A to Z: configuration to data, data to a trained network, all of it written down beside the result.

A run folder holds `config.yaml` (resolved), `environment.json` (versions, data hash, seed), `store/` (spectrograms),
`split.json`, `log.jsonl`, `checkpoint.pt` and `weights/` (the best epoch).
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from radarode.core.config import from_plain, suggestion, to_plain
from radarode.core.errors import InputError
from radarode.core.files import atomic_path, refuse_existing
from radarode.core.types import Recording
from radarode.data.augment import AugmentSettings
from radarode.data.splits import Split, split_subjects
from radarode.tasks.settings import TaskSettings
from radarode.train.settings import TrainSettings

CONFIG = "config.yaml"
ENVIRONMENT = "environment.json"


@dataclass(frozen=True, slots=True)
class DataSettings:
    """Say what is trained on and how it is split.

    Attributes:
        source: a recording, a folder of recordings, or `simulate:PRESET`.
        fs_hz: sampling rate of files that do not carry one.
        step_s: time between training windows (published: 0.8 s).
        store_channels: channels kept per recording, drawn at random; null keeps all.
        batch_channels: smallest and largest number of channels of a training batch; null takes all stored.
        copies: augmented copies of each recording in the store, besides the recording itself.
        folds: folds by subject; 1 means no test side.
        fold: which fold is tested.
        validation: share of the subjects (or of each recording's time) that validates.
        validation_by: "subject", or "time" for the last part of each recording, when there is one person only.
    """

    source: str = "simulate:training"
    fs_hz: float | None = None
    step_s: float = 0.8
    store_channels: int | None = None
    batch_channels: tuple[int, int] | None = (1, 12)
    copies: int = 0
    folds: int = 1
    fold: int = 0
    validation: float = 0.1
    validation_by: Literal["subject", "time"] = "subject"


@dataclass(frozen=True, slots=True)
class BalanceSettings:
    """Name the multi-task strategy and its options."""

    strategy: str = "ega"
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Name the network's preset, what is changed in it, and the weights it starts from."""

    preset: str = "small"
    changes: dict[str, Any] = field(default_factory=dict)
    start_from: str | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """Hold the whole configuration of a run; every key of the YAML file is a field here."""

    seed: int = 1
    data: DataSettings = field(default_factory=DataSettings)
    transform: dict[str, Any] = field(default_factory=lambda: {"name": "sst"})
    scaling: str = "log_mean"
    tasks: TaskSettings = field(default_factory=TaskSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    balance: BalanceSettings = field(default_factory=BalanceSettings)
    augment: AugmentSettings | None = field(default_factory=AugmentSettings)
    train: TrainSettings = field(default_factory=TrainSettings)


def read_experiment(path: Path | str | None = None, changes: Sequence[str] = ()) -> Experiment:
    """Read a configuration file and apply `key.path=value` changes.

    Args:
        path: YAML file; None starts from the defaults.
        changes: such as `train.epochs=3`; values are YAML.

    Raises:
        FileNotFoundError: no such file.
        InputError: not YAML, an unknown key (with a suggestion) or a wrong type.
    """
    values: Any = {}
    if path is not None:
        try:
            values = yaml.safe_load(Path(path).read_text()) or {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not YAML: {str(error).splitlines()[0]}.") from error
    plain = to_plain(from_plain(Experiment, values))
    for change in changes:
        _apply(plain, change)
    return from_plain(Experiment, plain)


def _apply(plain: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals:
        raise InputError.of("--set", "key.path=value", repr(change))
    *parents, last = key.strip().split(".")
    node = plain
    for depth, parent in enumerate(parents):
        if parent not in node:
            raise InputError(f"unknown key `{'.'.join(parents[: depth + 1])}`. {suggestion(parent, node)}")
        if node[parent] is None:
            node[parent] = {}
        if not isinstance(node[parent], dict):
            raise InputError(f"`{'.'.join(parents[: depth + 1])}` has no keys below it; got {change!r}.")
        node = node[parent]
    node[last] = yaml.safe_load(text)


def write_yaml(path: Path, experiment: Experiment) -> None:
    """Write the resolved configuration."""
    with atomic_path(path) as temporary:
        temporary.write_text(yaml.safe_dump(to_plain(experiment), sort_keys=False))


def find_recordings(source: str) -> list[Path]:
    """List the files of a data source: one file, or everything in a folder that is not hidden."""
    path = Path(source)
    if path.is_dir():
        hidden = (".json", ".md", ".txt", ".dat", ".atr", ".hea", ".yaml")
        files = sorted(p for p in path.iterdir() if p.is_file() and p.suffix not in hidden and p.name[0] != ".")
        if not files:
            raise InputError(f"{path} holds no recordings.")
        return files
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist; name a recording, a folder, or simulate:PRESET.")
    return [path]


def iterate_recordings(settings: DataSettings, seed: int) -> Iterator[Recording]:
    """Yield the recordings of a data source, one at a time."""
    if settings.source.startswith("simulate:"):
        from radarode.simulate import PRESETS, iter_recordings

        name = settings.source.removeprefix("simulate:")
        if name not in PRESETS:
            raise InputError(f"unknown simulated cohort `{name}`. {suggestion(name, PRESETS)}")
        yield from iter_recordings(PRESETS[name](seed))
        return
    from radarode.data.load import load

    for path in find_recordings(settings.source):
        yield load(path, fs_hz=settings.fs_hz)


def build_store(experiment: Experiment, path: Path) -> None:
    """Transform the data source into a spectrogram store, with augmented copies where asked for."""
    from radarode.data.augment import augment_recording
    from radarode.data.store import write_store

    rng = np.random.default_rng([experiment.seed, 10])

    def recordings() -> Iterator[Recording]:
        for recording in iterate_recordings(experiment.data, experiment.seed):
            yield recording
            for _ in range(experiment.data.copies):
                yield augment_recording(recording, experiment.augment or AugmentSettings(), rng)

    write_store(
        path,
        recordings(),
        experiment.transform,
        max_channels=experiment.data.store_channels,
        rng=np.random.default_rng([experiment.seed, 11]),
    )


def environment(experiment: Experiment, store_index: Path) -> dict[str, Any]:
    """Return what a result depends on besides its configuration: versions, data hash, seed, machine kind."""
    from importlib.metadata import version

    names = ("radarode", "torch", "numpy", "scipy", "sleepecg")
    return {
        "seed": experiment.seed,
        "data_sha256": hashlib.sha256(store_index.read_bytes()).hexdigest(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in names},
    }


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
    from radarode.core.allocator import keep_freed_memory
    from radarode.data.store import open_store

    keep_freed_memory()
    run = Path(folder)
    if resume:
        experiment = read_experiment(run / CONFIG)
    else:
        _prepare_folder(run, experiment, overwrite=overwrite)
    store_path = Path(store) if store is not None else run / "store"
    if not (store_path / "index.json").is_file():
        build_store(experiment, store_path)
    opened = open_store(store_path)
    if not resume:
        (run / ENVIRONMENT).write_text(json.dumps(environment(experiment, store_path / "index.json"), indent=1))
    return _fit(experiment, run, opened, resume=resume, watchers=watchers)


def _prepare_folder(run: Path, experiment: Experiment, *, overwrite: bool) -> None:
    import shutil

    refuse_existing(run, overwrite=overwrite)
    if run.exists() and overwrite:
        shutil.rmtree(run)
    run.mkdir(parents=True, exist_ok=True)
    write_yaml(run / CONFIG, experiment)


def _fit(experiment: Experiment, run: Path, store: Any, *, resume: bool, watchers: Sequence[Any]) -> dict[str, Any]:
    import torch

    from radarode.balance import make_strategy
    from radarode.models.pretrained import save_model
    from radarode.train import Training

    settings = experiment.data
    split, training, validating = _sides(experiment, store)
    (run / "split.json").write_text(json.dumps(to_plain(split), indent=1))
    freqs = np.asarray(store.index["freqs_hz"])
    common = {"scaling": experiment.scaling, "freqs_hz": freqs, "channels": settings.batch_channels}
    from radarode.train.feed import make_feed

    feed = make_feed(
        training, experiment.tasks, step_s=settings.step_s, augment=experiment.augment, seed=experiment.seed, **common
    )
    fixed = None if settings.batch_channels is None else (settings.batch_channels[1],) * 2
    validation = make_feed(
        validating,
        experiment.tasks,
        step_s=2.0,
        augment=None,
        seed=experiment.seed,
        **{**common, "channels": fixed},
    )
    torch.manual_seed(experiment.seed)
    model = _make_model(experiment.model)
    facts: dict[str, Any] = {}

    def keep_best(figures: dict[str, float]) -> None:
        facts.update(validation=figures)
        save_model(
            run / "weights",
            model,
            {
                "tasks": experiment.tasks.to_dict(),
                "scaling": experiment.scaling,
                "transform": store.index["transform"],
                "validation": figures,
                "data": settings.source,
                "seed": experiment.seed,
            },
            overwrite=True,
        )

    trainer = Training(
        model=model,
        feed=feed,
        validation=validation,
        strategy=make_strategy(experiment.balance.strategy, **experiment.balance.options),
        tasks=experiment.tasks,
        settings=experiment.train,
        folder=run,
        keep_best=keep_best,
    )
    progress = trainer.run(resume=resume, watchers=watchers)
    return {"best_epoch": progress.best_epoch, "score": progress.best_score, **facts}


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
    from radarode.models.config import preset
    from radarode.models.pretrained import load_model
    from radarode.models.radarode_mtl import RadarOdeMtl

    if settings.start_from is not None:
        if settings.changes:
            raise InputError("`model.changes` cannot be combined with `model.start_from`: weights fix the sizes.")
        return load_model(settings.start_from).model
    return RadarOdeMtl(preset(settings.preset, **settings.changes))


def held_out_recordings(folder: Path | str) -> Iterator[Recording]:
    """Yield the recordings of a run's test subjects, read or simulated anew.

    Raises:
        FileNotFoundError: the folder is not a run.
        InputError: the run has no test side.
    """
    run = Path(folder)
    if not (run / "split.json").is_file():
        raise FileNotFoundError(f"{run} is not a run folder: it has no split.json.")
    wanted = set(json.loads((run / "split.json").read_text())["test"])
    if not wanted:
        raise InputError(f"{run} has no test subjects; train it with data.folds of 2 or more.")
    experiment = read_experiment(run / CONFIG)
    for recording in iterate_recordings(experiment.data, experiment.seed):
        if recording.subject in wanted:
            yield recording
