"""The configuration of the benchmark: the cohort, the seeds and how every network is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from radarode.benchmark.cohort import CohortSettings
from radarode.benchmark.methods import Method
from radarode.benchmark.settings_file import read_yaml
from radarode.configuration import BalanceSettings, Experiment
from radarode.core.config import from_plain, suggestion, to_plain
from radarode.core.errors import InputError

SIZES = ("quick", "full")
"""Sizes that come with the package, one YAML file each."""


@dataclass(frozen=True, slots=True)
class StrategiesSettings:
    """Hold what the benchmark depends on.

    Attributes:
        cohort: who is simulated.
        seeds: of start values and batches; the persons and their split stay the same.
        experiment: how every network is trained; its `seed`, `balance.strategy` and `balance.options` and its
            `data.source` are set for each run. `data.split_seed` fixes who is tested.
    """

    cohort: CohortSettings = field(default_factory=CohortSettings)
    seeds: tuple[int, ...] = (1, 2, 3)
    experiment: Experiment = field(default_factory=Experiment)

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds) or min(self.seeds) < 0:
            raise InputError.of("seeds", "one or more different whole numbers from 0 up", list(self.seeds))
        data = self.experiment.data
        if data.folds < 2:
            raise InputError.of("experiment.data.folds", "at least 2, so that somebody is left to test", data.folds)
        if data.split_seed is None:
            raise InputError.of("experiment.data.split_seed", "a number, so that all seeds test the same persons", None)
        self.cohort.cohort()

    def recipe(self) -> dict[str, Any]:
        """Return what every single run depends on: everything but the seeds, of which there may be more later."""
        return {name: value for name, value in to_plain(self).items() if name != "seeds"}

    def experiment_of(self, method: Method, seed: int, source: str, task: int | None = None) -> Experiment:
        """Return the configuration of one run.

        Args:
            method: a row of the table.
            seed: of start values and batches.
            source: the folder of the simulated recordings.
            task: index of the task, for the single-task baseline.
        """
        from radarode.tasks.targets import TASKS

        options = method.options_for(seed) if task is None else {"task": task}
        train = self.experiment.train if task is None else replace(self.experiment.train, score_tasks=(TASKS[task],))
        return replace(
            self.experiment,
            seed=seed,
            data=replace(self.experiment.data, source=source),
            balance=BalanceSettings(method.strategy, options, self.experiment.balance.engine),
            train=train,
        )


def read_settings(
    size: str = "quick", path: Path | str | None = None, seeds: Sequence[int] | None = None
) -> StrategiesSettings:
    """Read a size of the package, or a YAML file with the same keys.

    Args:
        size: one of `SIZES`; unused where a file is given.
        path: YAML file.
        seeds: replace those of the file.

    Raises:
        FileNotFoundError: no such file.
        InputError: an unknown size, not YAML, an unknown key (with a suggestion) or a wrong type.
    """
    if path is None:
        if size not in SIZES:
            raise InputError(f"unknown size `{size}`. {suggestion(size, SIZES)}")
        path = Path(str(resources.files("radarode") / "configs" / "benchmark" / f"strategies-{size}.yaml"))
    settings = from_plain(StrategiesSettings, read_yaml(path))
    return settings if seeds is None else replace(settings, seeds=tuple(seeds))
