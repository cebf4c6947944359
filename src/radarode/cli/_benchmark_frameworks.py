"""The options that the benchmarks of frameworks share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, TypeVar

from cyclopts import Parameter

if TYPE_CHECKING:
    from radarode.benchmark.frameworks.settings import FrameworksSettings

Out: TypeAlias = Annotated[Path, Parameter(help="Result folder; an interrupted or smaller benchmark in it goes on.")]
Size: TypeAlias = Annotated[
    Literal["quick", "full"] | None,
    Parameter(help="quick: about half an hour on 2 cores; full: days. quick without --config."),
]
Config: TypeAlias = Annotated[Path | None, Parameter(help="YAML file with settings, instead of a size.")]
Frameworks: TypeAlias = Annotated[
    list[str] | None,
    Parameter(
        help="Some of radarode-mtl, radarode, mmecg, classical. All otherwise.", negative="", consume_multiple=True
    ),
]
Data: TypeAlias = Annotated[
    Path | None, Parameter(help="Folder of recordings with reference ECG, instead of the simulated cohort.")
]
Trained: TypeAlias = Annotated[
    Path | None,
    Parameter(help="Result folder of `benchmark noise` or `longterm` whose networks are taken instead of training."),
]
Processes: TypeAlias = Annotated[int, Parameter(help="Jobs at a time.")]

SettingsT = TypeVar("SettingsT", bound="FrameworksSettings")


def read(kind: type[SettingsT], benchmark: str, size: str | None, config: Path | None) -> SettingsT:
    """Read the settings of a size or of a file.

    Raises:
        InputError: both are given, or the settings are wrong.
    """
    from radarode.benchmark.frameworks.settings import read_settings
    from radarode.core.errors import InputError

    if config is not None and size is not None:
        raise InputError("--config and --size exclude each other: the file stands instead of a size.")
    return read_settings(kind, benchmark, size or "quick", config)


def typed(benchmark: str, out: Path, options: Mapping[str, Path | str | Sequence[str] | None]) -> str:
    """Return the command as it can be typed again.

    Args:
        benchmark: its name.
        out: the result folder.
        options: name -> value; None is left out.
    """
    words = [f"radarode benchmark {benchmark} {out}"]
    for name, value in options.items():
        if value is not None:
            words.append(f"--{name} {' '.join([str(value)] if isinstance(value, (str, Path)) else value)}")
    return " ".join(words)
