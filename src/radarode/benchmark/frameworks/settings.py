"""The configuration that benchmarks of frameworks share: recordings, seeds, and how each framework is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from radarode.benchmark.cohort import CohortSettings
from radarode.benchmark.settings_file import read_yaml
from radarode.configuration import FRAMEWORKS, BalanceSettings, DataSettings, Experiment, ModelSettings
from radarode.core.config import from_plain, suggestion, to_plain
from radarode.core.errors import InputError
from radarode.data.augment import AugmentSettings
from radarode.reconstruction.settings import ReconstructSettings
from radarode.tasks.settings import TaskSettings
from radarode.train.settings import TrainSettings

SIZES = ("quick", "full")
"""Sizes that come with the package: what all benchmarks of frameworks share, and one more file for each."""

UNSEEDED = ("classical",)
"""Frameworks in which nothing is drawn at random: fitted once, whatever the seeds."""

SettingsT = TypeVar("SettingsT", bound="FrameworksSettings")


@dataclass(frozen=True, slots=True)
class FrameworkSettings:
    """Say what is particular to one framework.

    Attributes:
        model: preset and changes of its network.
        train: what differs from the common training, by key.
        balance: multi-task strategy (of radarODE-MTL).
    """

    model: ModelSettings = field(default_factory=ModelSettings)
    train: dict[str, Any] = field(default_factory=dict)
    balance: BalanceSettings = field(default_factory=BalanceSettings)


def _no_noise() -> AugmentSettings:
    return AugmentSettings(noise_share=0.0, movement_share=0.0)


@dataclass(frozen=True)
class FrameworksSettings:
    """Hold what a benchmark of frameworks depends on.

    Attributes:
        cohort: who is simulated; unused where recordings are given.
        seeds: of start values and batches; the persons and their split stay the same.
        tested: folds whose persons are tested, each with networks that were trained on the others; null takes all.
        data: windows, channels and folds of every training; `source` and `fold` are set for each.
        transform: the spectrogram.
        scaling: how the magnitudes of a window are scaled.
        tasks: how targets are encoded.
        augment: what is varied from batch to batch; by default without noise, as published.
        train: optimiser, schedule, stopping.
        frameworks: what differs from one framework to the other, by name.
        reconstruct: from windows to a long-term ECG; a larger `step_s` is faster.
    """

    cohort: CohortSettings = field(default_factory=CohortSettings)
    seeds: tuple[int, ...] = (1, 2, 3)
    tested: tuple[int, ...] | None = None
    data: DataSettings = field(default_factory=lambda: DataSettings(folds=4, split_seed=1))
    transform: dict[str, Any] = field(default_factory=lambda: {"name": "sst"})
    scaling: str = "log_mean"
    tasks: TaskSettings = field(default_factory=TaskSettings)
    augment: AugmentSettings | None = field(default_factory=_no_noise)
    train: TrainSettings = field(default_factory=TrainSettings)
    frameworks: dict[str, Any] = field(default_factory=lambda: {name: {} for name in FRAMEWORKS})
    reconstruct: ReconstructSettings = field(default_factory=ReconstructSettings)

    def __post_init__(self) -> None:
        check_seeds("seeds", self.seeds)
        if self.data.folds < 2:
            raise InputError.of("data.folds", "at least 2, so that somebody is left to test", self.data.folds)
        if self.data.split_seed is None:
            raise InputError.of("data.split_seed", "a number, so that all seeds test the same persons", None)
        for fold in self.tested or ():
            if not 0 <= fold < self.data.folds:
                raise InputError.of("tested", f"folds from 0 to {self.data.folds - 1}", fold)
        if (self.tested is not None and len(set(self.tested)) != len(self.tested)) or self.tested == ():
            raise InputError.of("tested", "one or more different folds, or null for all", list(self.tested or ()))
        check_frameworks(self.frameworks)
        self.cohort.cohort()
        object.__setattr__(self, "frameworks", {name: _of_one(name, one) for name, one in self.frameworks.items()})
        for name in self.frameworks:
            self.experiment_of(name, 0, 0)

    @property
    def folds(self) -> tuple[int, ...]:
        """The folds that are tested."""
        return tuple(range(self.data.folds)) if self.tested is None else self.tested

    def seeds_of(self, framework: str) -> tuple[int, ...]:
        """Return the seeds that a framework is trained with."""
        return (0,) if framework in UNSEEDED else self.seeds

    def chosen(self, frameworks: Sequence[str] | None) -> tuple[str, ...]:
        """Return the frameworks of these names in the order of the configuration; None means all of them.

        Raises:
            InputError: a framework that there is not, or that the configuration does not hold.
        """
        check_frameworks(frameworks or self.frameworks)
        for name in frameworks or ():
            if name not in self.frameworks:
                raise InputError.of("frameworks", f"among {', '.join(self.frameworks)}, as configured", repr(name))
        return tuple(name for name in self.frameworks if not frameworks or name in frameworks)

    def recipe(self, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what a training depends on besides its framework, its seed and its fold.

        Args:
            data: fingerprint of given recordings; None for the simulated cohort.
        """
        names = ("transform", "scaling", "tasks", "augment", "train", "frameworks")
        plain: dict[str, Any] = {name: to_plain(getattr(self, name)) for name in names}
        windows = {key: value for key, value in to_plain(self.data).items() if key not in ("source", "fold")}
        recordings = {"cohort": to_plain(self.cohort)} if data is None else {"recordings": dict(data)}
        return {**recordings, "data": windows, **plain}

    def experiment_of(self, framework: str, seed: int, fold: int) -> Experiment:
        """Return the configuration of one training.

        Args:
            framework: what is trained.
            seed: of start values and batches.
            fold: whose persons are left to test.
        """
        own = self.frameworks[framework]
        train = from_plain(TrainSettings, to_plain(self.train) | own.train, f"frameworks.{framework}.train")
        return Experiment(
            seed=seed,
            framework=framework,
            data=replace(self.data, source="data", fold=fold),
            transform=self.transform,
            scaling=self.scaling,
            tasks=self.tasks,
            model=own.model,
            balance=own.balance,
            augment=self.augment,
            train=train,
        )


def _of_one(name: str, values: Any) -> FrameworkSettings:
    if isinstance(values, FrameworkSettings):
        return values
    return from_plain(FrameworkSettings, {} if values is None else values, f"frameworks.{name}")


def check_seeds(name: str, seeds: Sequence[int]) -> None:
    """Raise `InputError` unless there are one or more different seeds."""
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise InputError.of(name, "one or more different whole numbers from 0 up", list(seeds))


def check_frameworks(names: Sequence[str] | Mapping[str, Any]) -> None:
    """Raise `InputError` for a framework that there is not, with a suggestion."""
    for name in names:
        if name not in FRAMEWORKS:
            raise InputError(f"unknown framework `{name}`. {suggestion(name, FRAMEWORKS)}")
    if not names:
        raise InputError.of("frameworks", f"one or more of {', '.join(FRAMEWORKS)}", "none")


def read_settings(
    kind: type[SettingsT], benchmark: str, size: str = "quick", path: Path | str | None = None
) -> SettingsT:
    """Read a size of the package, or a YAML file with the same keys.

    Args:
        kind: settings of the benchmark.
        benchmark: its name; of the package, `frameworks-SIZE.yaml` is read, and `BENCHMARK-SIZE.yaml` over it.
        size: one of `SIZES`; unused where a file is given.
        path: YAML file.

    Raises:
        FileNotFoundError: no such file.
        InputError: an unknown size, not YAML, an unknown key (with a suggestion) or a wrong type.
    """
    if path is not None:
        return from_plain(kind, read_yaml(path))
    if size not in SIZES:
        raise InputError(f"unknown size `{size}`. {suggestion(size, SIZES)}")
    folder = Path(str(resources.files("radarode") / "configs" / "benchmark"))
    values = read_yaml(folder / f"frameworks-{size}.yaml") | read_yaml(folder / f"{benchmark}-{size}.yaml")
    return from_plain(kind, values)


def own_settings(settings: FrameworksSettings) -> dict[str, Any]:
    """Return what a benchmark has beyond the common settings, as plain values."""
    common = {one.name for one in fields(FrameworksSettings)}
    return {key: value for key, value in to_plain(settings).items() if key not in common}
