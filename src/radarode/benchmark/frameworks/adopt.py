"""Take trained weights from another result folder, where they were trained by the same recipe on the same data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from radarode.benchmark.claim import MANIFEST, first_difference
from radarode.benchmark.data import STORE, store_sha256
from radarode.benchmark.frameworks.work import RUN
from radarode.benchmark.jobs import RESULT, RUNS
from radarode.core.errors import InputError
from radarode.core.files import new_folder
from radarode.data.store import INDEX
from radarode.experiment.layout import CONFIG, SPLIT, WEIGHTS

RECIPE = "training"
"""Key of the manifest's configuration under which the recipe of the trainings stands."""


def check_recipe(other: Path, recipe: Any) -> None:
    """Refuse a folder whose networks were trained otherwise.

    Args:
        other: result folder of a benchmark of frameworks.
        recipe: how networks are trained here, as plain values.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: it is no result folder of such a benchmark, or its recipe differs; the first difference is named.
    """
    if not other.is_dir():
        raise FileNotFoundError(f"{other} is not a folder; give a result folder of `benchmark noise` or `longterm`.")
    try:
        found = json.loads((other / MANIFEST).read_text())["config"][RECIPE]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{other} holds no results of `benchmark noise` or `longterm`; --trained needs one."
        ) from error
    difference = first_difference(found, json.loads(json.dumps(recipe)))
    if difference is not None:
        raise InputError(f"the networks in {other} were trained with {difference}. Train anew, without --trained.")


def adopt_trained(folder: Path, other: Path, names: Sequence[str]) -> list[str]:
    """Copy finished trainings, each whole or not at all.

    Args:
        folder: our result folder, with its store.
        other: the folder to copy from, which `check_recipe` has passed.
        names: of training jobs; those that are done here already, or not done there, are left out.

    Returns:
        The names of those that were copied.

    Raises:
        InputError: the other's recordings are not ours, though the recipe is.
    """
    if (other / STORE / INDEX).is_file() and store_sha256(other) != store_sha256(folder):
        raise InputError(f"the recordings in {other} differ from those in {folder}. Train anew, without --trained.")
    copied = []
    for name in names:
        source, target = other / RUNS / name, folder / RUNS / name
        if not (source / RESULT).is_file() or (target / RESULT).is_file():
            continue
        if target.is_dir():
            shutil.rmtree(target)  # begun and not finished; the folder is held by us
        with new_folder(target) as preparing:
            shutil.copy(source / RESULT, preparing / RESULT)
            (preparing / RUN).mkdir()
            for file in (CONFIG, SPLIT):
                shutil.copy(source / RUN / file, preparing / RUN / file)
            shutil.copytree(source / RUN / WEIGHTS, preparing / RUN / WEIGHTS)
        copied.append(name)
    return copied
