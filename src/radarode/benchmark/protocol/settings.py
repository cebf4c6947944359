"""The settings of every part of the protocol, with the same recordings, folds and trainings in each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from radarode.benchmark.frameworks.settings import FrameworksSettings, read_settings
from radarode.benchmark.longterm.settings import LongtermSettings
from radarode.benchmark.noise.conditions import NoiseSettings
from radarode.benchmark.settings_file import read_yaml
from radarode.core.config import from_plain
from radarode.core.errors import InputError

PARTS = ("longterm", "noise")
"""The parts, in the order in which they are run; the second takes the networks of the first."""

LEAVE_SUBJECTS_OUT = "leave-subjects-out"
"""As many folds as there are persons: each is tested by networks that were trained on all the others."""

SettingsT = TypeVar("SettingsT", bound=FrameworksSettings)


@dataclass(frozen=True, slots=True)
class ProtocolSettings:
    """Hold the settings of the parts.

    Attributes:
        longterm: of the benchmark of whole recordings.
        noise: of the benchmark of noise.
    """

    longterm: LongtermSettings
    noise: NoiseSettings

    def __post_init__(self) -> None:
        if self.longterm.recipe() != self.noise.recipe():
            raise InputError("`longterm` and `noise` must train alike: give what they share outside of both.")

    def with_folds(self, folds: int) -> ProtocolSettings:
        """Return the settings with so many folds by person, all of them tested."""
        return ProtocolSettings(_with_folds(self.longterm, folds), _with_folds(self.noise, folds))

    def with_preset(self, preset: str | None) -> ProtocolSettings:
        """Return the settings with every network at a preset; None leaves them. "paper" is given all channels."""
        if preset is None:
            return self
        return ProtocolSettings(_with_preset(self.longterm, preset), _with_preset(self.noise, preset))


def _with_folds(settings: SettingsT, folds: int) -> SettingsT:
    return replace(settings, data=replace(settings.data, folds=folds), tested=None)


def _with_preset(settings: SettingsT, preset: str) -> SettingsT:
    frameworks = {
        name: replace(one, model=replace(one.model, preset=preset, changes={}))
        for name, one in settings.frameworks.items()
    }
    data = settings.data
    if preset == "paper":
        data = replace(data, batch_channels=None, store_channels=None)
    return replace(settings, frameworks=frameworks, data=data)


def read_protocol(size: str = "quick", path: Path | str | None = None) -> ProtocolSettings:
    """Read a size of the package, or a YAML file.

    Args:
        size: "quick" or "full"; unused where a file is given.
        path: YAML file: what the parts share, and under `longterm` and `noise` what is their own.

    Raises:
        FileNotFoundError: no such file.
        InputError: an unknown size or key (with a suggestion), or a wrong type.
    """
    if path is None:
        return ProtocolSettings(
            read_settings(LongtermSettings, "longterm", size), read_settings(NoiseSettings, "noise", size)
        )
    values = read_yaml(path)
    own = {name: values.pop(name, None) or {} for name in PARTS}
    return ProtocolSettings(
        from_plain(LongtermSettings, values | own["longterm"]), from_plain(NoiseSettings, values | own["noise"])
    )


def number_of_folds(text: str, persons: int) -> int:
    """Return the number of folds that an option means.

    Args:
        text: a whole number, or `LEAVE_SUBJECTS_OUT`.
        persons: how many persons there are.

    Raises:
        InputError: neither, or a number of folds that so many persons cannot be split into.

    Example:
        >>> number_of_folds("leave-subjects-out", 11), number_of_folds("3", 11)
        (11, 3)
    """
    if persons < 3:
        raise InputError(f"{persons} person(s) cannot train, validate and be tested; at least 3 are needed.")
    if text == LEAVE_SUBJECTS_OUT:
        return persons
    if not text.isdecimal() or not 2 <= int(text) <= persons:
        rule = f"{LEAVE_SUBJECTS_OUT}, or a whole number from 2 to {persons}, the number of persons"
        raise InputError.of("--folds", rule, repr(text))
    return int(text)
