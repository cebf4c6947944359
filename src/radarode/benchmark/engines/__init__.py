"""Where the jobs of a benchmark run: processes of this machine, a Ray cluster or a Slurm cluster."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from radarode.benchmark.engines.crew import Crew
from radarode.core.config import suggestion
from radarode.core.errors import InputError

ENGINES = ("local", "ray", "slurm")

_PACKAGE = {"ray": "ray", "slurm": "submitit"}


def check_engine(engine: str) -> None:
    """Find out, before long work, whether an engine can be used here.

    Raises:
        InputError: unknown (the nearest one is suggested), or its package is missing.

    Example:
        >>> check_engine("rai")
        Traceback (most recent call last):
        radarode.core.errors.InputError: unknown engine 'rai'. Did you mean `ray`?
    """
    if engine not in ENGINES:
        raise InputError(f"unknown engine {engine!r}. {suggestion(engine, ENGINES)}")
    package = _PACKAGE.get(engine)
    if package is not None and find_spec(package) is None:
        raise InputError(f"engine {engine} needs the package `{package}`: pip install radarode[{engine}].")


def make_crew(engine: str, folder: Path, size: int) -> Crew:
    """Return the workers of an engine that passed `check_engine`.

    Args:
        engine: one of `ENGINES`.
        folder: the result folder.
        size: jobs at a time; an engine with less room takes fewer.

    Raises:
        InputError: the cluster cannot be reached.
    """
    if engine == "ray":
        from radarode.benchmark.engines.ray import RayCrew

        return RayCrew(size)
    if engine == "slurm":
        from radarode.benchmark.engines.slurm import SlurmCrew

        return SlurmCrew(size, folder)
    from radarode.benchmark.engines.local import LocalCrew

    return LocalCrew(size)
