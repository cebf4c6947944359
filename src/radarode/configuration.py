"""The configuration of a run: dataclasses, and the YAML file that mirrors them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml

from radarode.balance import ENGINES
from radarode.core.config import from_plain, suggestion, to_plain
from radarode.core.errors import InputError
from radarode.core.files import atomic_path
from radarode.data.augment import AugmentSettings
from radarode.data.scaling import SCALINGS
from radarode.signal.timefrequency import resolve_settings
from radarode.tasks.settings import TaskSettings
from radarode.train.settings import TrainSettings

FRAMEWORKS = ("radarode-mtl", "radarode", "mmecg", "classical")
"""Ways from motion to ECG that can be fitted; each is a file in `frameworks/`."""


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
        split_seed: of the split into people; null takes the run's seed.
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
    split_seed: int | None = None
    validation_by: Literal["subject", "time"] = "subject"

    def __post_init__(self) -> None:
        if not 0.0 < self.validation < 1.0:
            raise InputError.of("data.validation", "between 0 and 1, both excluded", self.validation)
        for name, least in (("store_channels", 1), ("copies", 0), ("folds", 1)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError.of(f"data.{name}", f"at least {least}", value)
        if self.batch_channels is not None and not 1 <= self.batch_channels[0] <= self.batch_channels[1]:
            raise InputError.of("data.batch_channels", "a pair (smallest, largest) from 1 up", self.batch_channels)
        if not 0.0 < self.step_s <= 60.0:
            raise InputError.of("data.step_s", "above 0 and at most 60 s", self.step_s)
        if not 0 <= self.fold < self.folds:
            raise InputError.of("data.fold", f"from 0 to data.folds - 1 = {self.folds - 1}", self.fold)

    @property
    def validation_channels(self) -> tuple[int, int] | None:
        """Smallest and largest number of channels of a validation batch: always as many as training takes at most."""
        return None if self.batch_channels is None else (self.batch_channels[1], self.batch_channels[1])


@dataclass(frozen=True, slots=True)
class BalanceSettings:
    """Name the multi-task strategy, its options and how the task gradients are formed (vjp, ghost, representation)."""

    strategy: str = "ega"
    options: dict[str, Any] = field(default_factory=dict)
    engine: str = "vjp"

    def __post_init__(self) -> None:
        if self.engine not in ENGINES:
            raise InputError.of("balance.engine", f"one of {', '.join(ENGINES)}", repr(self.engine))


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Name the network's preset, what is changed in it, and the weights it starts from."""

    preset: str = "small"
    changes: dict[str, Any] = field(default_factory=dict)
    start_from: str | None = None


@dataclass(frozen=True, slots=True)
class Experiment:
    """Hold the whole configuration of a run; every key of the YAML file is a field here.

    Attributes:
        seed: of everything random.
        framework: what is trained; see `radarode.frameworks`.
        data: recordings and their split.
        transform: the spectrogram.
        scaling: how the magnitudes of a window are scaled.
        tasks: how targets are encoded.
        model: sizes of the network.
        balance: multi-task strategy (of radarODE-MTL).
        augment: what is varied from batch to batch; null for the windows as they are.
        train: optimiser, schedule, stopping.
    """

    seed: int = 1
    framework: str = "radarode-mtl"
    data: DataSettings = field(default_factory=DataSettings)
    transform: dict[str, Any] = field(default_factory=lambda: {"name": "sst"})
    scaling: str = "log_mean"
    tasks: TaskSettings = field(default_factory=TaskSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    balance: BalanceSettings = field(default_factory=BalanceSettings)
    augment: AugmentSettings | None = field(default_factory=AugmentSettings)
    train: TrainSettings = field(default_factory=TrainSettings)

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise InputError.of("seed", "not negative", self.seed)
        if self.framework not in FRAMEWORKS:
            rule = f"one of {', '.join(FRAMEWORKS)}"
            raise InputError.of("framework", rule, repr(self.framework), suggestion(self.framework, FRAMEWORKS))
        if self.scaling not in SCALINGS:
            raise InputError.of("scaling", f"one of {', '.join(SCALINGS)}", repr(self.scaling))
        resolve_settings(**self.transform)
        self._check_scale()

    def _check_scale(self) -> None:
        """Refuse ways of training that the framework or the balancing does not have."""
        train = self.train
        if train.checkpoint_activations and self.framework not in ("radarode-mtl", "radarode"):
            rule = "false for a framework without residual blocks"
            raise InputError.of("train.checkpoint_activations", rule, f"true for {self.framework}")
        if train.checkpoint_activations and self.balance.engine == "ghost":
            raise InputError(
                "the engine ghost keeps what train.checkpoint_activations is to forget; "
                "use balance.engine=vjp or representation."
            )
        if train.device != "cpu" and self.framework != "radarode-mtl":
            raise InputError.of("train.device", f"cpu for {self.framework}", train.device)


def read_experiment(path: Path | str | None = None, changes: Sequence[str] = ()) -> Experiment:
    """Read a configuration file and apply `key.path=value` changes.

    Args:
        path: YAML file, or the name of a configuration of the package; None starts from the defaults.
        changes: such as `train.epochs=3`; values are YAML.

    Raises:
        FileNotFoundError: no such file.
        InputError: not YAML, an unknown key (with a suggestion) or a wrong type.
    """
    values: Any = {}
    if path is not None:
        file = _named(str(path)) or Path(path)
        if not file.is_file():
            names = ", ".join(sorted(entry.stem for entry in _configs().glob("*.yaml")))
            raise FileNotFoundError(f"{path} is neither a file nor a configuration of the package ({names}).")
        try:
            values = yaml.safe_load(file.read_text()) or {}
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise InputError(f"{path} is not YAML: {str(error).splitlines()[0]}.") from error
    plain = to_plain(from_plain(Experiment, values))
    for change in changes:
        _apply(plain, change)
    return from_plain(Experiment, plain)


def _named(name: str) -> Path | None:
    """Return the package's configuration of that name, such as "default" or "published"."""
    file = _configs() / f"{name}.yaml"
    return file if Path(name).name == name and file.is_file() else None


def _configs() -> Path:
    return Path(str(resources.files("radarode") / "configs"))


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
    try:
        node[last] = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError.of("--set", "key.path=value with a YAML value", repr(change)) from error


def write_yaml(path: Path, experiment: Experiment) -> None:
    """Write the resolved configuration."""
    with atomic_path(path) as temporary:
        temporary.write_text(yaml.safe_dump(to_plain(experiment), sort_keys=False))
