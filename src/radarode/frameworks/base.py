"""The face that every framework shows, and how one is found by name or by its weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import torch

from radarode.configuration import FRAMEWORKS, Experiment
from radarode.core.config import suggestion
from radarode.core.errors import InputError
from radarode.core.types import ReconstructedEcg, Recording
from radarode.data.store import StoredRecording
from radarode.models.networks import build_network, preset_of
from radarode.models.pretrained import Pretrained, load_model, save_model
from radarode.reconstruction.disturb import Disturb
from radarode.reconstruction.settings import ReconstructSettings

Watcher = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True, eq=False)
class Fitting:
    """Hold what a framework is fitted to.

    Attributes:
        experiment: the whole configuration.
        train: recordings that are learned from.
        validation: recordings of other people, which choose the epoch.
        index: of the store: `freqs_hz`, `transform`.
        run: folder of the run; logs and checkpoints go there, those of each stage into a folder of its own.
        weights: folder that the best epoch's weights are written to.
    """

    experiment: Experiment
    train: tuple[StoredRecording, ...]
    validation: tuple[StoredRecording, ...]
    index: Mapping[str, Any]
    run: Path
    weights: Path

    def facts(self, figures: Mapping[str, float], **more: Any) -> dict[str, Any]:
        """Return what is kept beside weights that reached these validation figures, as `save_model` takes it."""
        experiment = self.experiment
        return {
            "framework": experiment.framework,
            "tasks": experiment.tasks.to_dict(),
            "scaling": experiment.scaling,
            "transform": self.index["transform"],
            "validation": figures,
            "data": experiment.data.source,
            "start_from": experiment.model.start_from,
            **more,
            "seed": experiment.seed,
        }


def start_network(experiment: Experiment) -> Any:
    """Build or load the network that training starts from.

    Raises:
        InputError: the weights are of another framework, or sizes are to be changed in them.
    """
    name, settings = experiment.framework, experiment.model
    loaded = start_weights(experiment)
    if loaded is None:
        return build_network(name, preset_of(name, settings.preset, settings.changes), experiment.seed)
    if settings.changes:
        raise InputError("`model.changes` cannot be combined with `model.start_from`: weights fix the sizes.")
    return loaded.model.train()


def start_weights(experiment: Experiment) -> Pretrained | None:
    """Load the weights that training starts from, if it starts from any.

    Raises:
        InputError: they are of another framework.
    """
    name, start_from = experiment.framework, experiment.model.start_from
    if start_from is None:
        return None
    loaded = load_model(start_from)
    if loaded.framework != name:
        raise InputError.of("model.start_from", f"weights of {name}", f"weights of {loaded.framework}")
    return loaded


@dataclass(frozen=True, eq=False)
class Framework(ABC):
    """Turn motion into a long-term ECG; a subclass per published way of doing it.

    Attributes:
        pretrained: the network, what its inputs and outputs mean, and how it was trained.
        name: as on the command line.
        title: as in tables.
        reads_motion: whether it reads the motion itself, so that a store must hold it.
        reads_spectrogram: whether it reads the spectrogram, so that `disturb` has an effect.
    """

    pretrained: Pretrained
    name: ClassVar[str]
    title: ClassVar[str]
    reads_motion: ClassVar[bool] = False
    reads_spectrogram: ClassVar[bool] = True

    @classmethod
    @abstractmethod
    def check(cls, experiment: Experiment) -> None:
        """Refuse settings that cannot work, before any data are read.

        Raises:
            InputError: naming the setting.
        """

    @classmethod
    @abstractmethod
    def prepare(cls, fitting: Fitting) -> None:
        """Build once, without training, all that `fit` needs, so that wrong data show before the run gets its name.

        Raises:
            InputError: naming what is wrong.
        """

    @classmethod
    @abstractmethod
    def fit(cls, fitting: Fitting, *, resume: bool = False, watchers: Sequence[Watcher] = ()) -> dict[str, Any]:
        """Train; the best epoch's weights end up in `fitting.weights`.

        Args:
            fitting: what is trained on.
            resume: go on from the checkpoints in `fitting.run`; a stage that is done is not done again.
            watchers: called with every log record.

        Returns:
            `best_epoch`, from 0, and its validation `score`, of the last stage.

        Raises:
            WorkInterruptedError: Ctrl-C; a checkpoint was written first.
        """

    @abstractmethod
    def reconstruct(
        self, recording: Recording, settings: ReconstructSettings | None = None, *, disturb: Disturb | None = None
    ) -> ReconstructedEcg:
        """Turn the motion of a recording into a long-term ECG; its reference, if any, is never looked at.

        Args:
            recording: at 200 Hz.
            settings: how to merge and choose; `None` takes the defaults.
            disturb: called on the spectrogram, cut into windows side by side, before they are scaled.

        Raises:
            InputError: the recording is too short, at another rate, or does not fit the weights.
        """

    def save(self, folder: Path | str, *, overwrite: bool = False, dtype: torch.dtype = torch.float32) -> None:
        """Write a folder of weights that `load_framework` takes back; parameters are kept in `dtype`."""
        kept = replace(self.pretrained, framework=self.name)
        save_model(folder, kept.model, kept.described(), overwrite=overwrite, dtype=dtype)


_MODULES = {
    "radarode-mtl": ("radarode.frameworks.radarode_mtl", "RadarOdeMtlFramework"),
    "radarode": ("radarode.frameworks.radarode", "RadarOdeFramework"),
    "mmecg": ("radarode.frameworks.mmecg", "MmecgFramework"),
    "classical": ("radarode.frameworks.classical", "ClassicalFramework"),
}


def framework_class(name: str) -> type[Framework]:
    """Return a framework by name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in _MODULES:
        rule = f"one of {', '.join(FRAMEWORKS)}"
        raise InputError.of("framework", rule, repr(name), suggestion(name, FRAMEWORKS))
    module, kind = _MODULES[name]
    return getattr(import_module(module), kind)


def load_framework(path: Path | str = "default") -> Framework:
    """Load weights of any framework.

    Args:
        path: a folder that training wrote, an .onnx file that `radarode export` wrote, or by name what the package
            carries: "default" (radarODE-MTL), "classical".

    Raises:
        FileNotFoundError: the folder or one of its files is missing.
        InputError: the files are not weights.
    """
    return framework_of(load_model(path))


def framework_of(pretrained: Pretrained) -> Framework:
    """Return the framework that loaded weights belong to."""
    return framework_class(pretrained.framework)(pretrained)
