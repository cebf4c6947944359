"""Check a folder of MMECG, `1.mat` ... `91.mat`, before hours of work are built on it.

    trials that are missing; files that are not among the 91; ids that are nobody's, or not those of the published
    order; trials without ECG, of the wrong shape, or shorter than a window; simulated trials among real ones

All that is found is told in one line, with the files' names and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from radarode.core.constants import WINDOW_S, WINDOW_SAMPLES
from radarode.core.errors import InputError
from radarode.core.mmecg import TRIALS, subject_of_trial
from radarode.core.types import STATUSES
from radarode.data.mmecg_write import CHANNELS
from radarode.data.readers.mmecg import is_simulated, read_fields, stated_id

ALL_TRIALS = tuple(trial for first, last in TRIALS.values() for trial in range(first, last + 1))

_DOCUMENTS = (".json", ".md", ".txt", ".yaml")
"""Endings of what may stand beside the trials; everything else would be taken for a recording."""

_MOST_NAMED = 6

_FIXES = {
    "extra": "move what is not a trial out of the folder",
    "id": "check that the files have their own numbers, or go by the published order of trials with --ignore-ids",
    "bad": "copy these files again",
    "mixed": "keep simulated and real trials in folders of their own",
    "missing": "copy the missing trials, or work on a part with --allow-missing",
}
"""What to do about each kind of problem, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class MmecgTrial:
    """Describe one trial.

    Attributes:
        path: its file.
        trial: its number.
        subject: the person's number, by the published order of trials.
        status: "NB", "IB", "PE", "SP", or "unknown".
        duration_s: its length.
    """

    path: Path
    trial: int
    subject: int
    status: str
    duration_s: float


@dataclass(frozen=True, slots=True)
class MmecgFolder:
    """Describe a folder that passed.

    Attributes:
        path: the folder.
        trials: in order of their number.
        missing: numbers of the trials that are not there.
        simulated: whether the trials are simulated, which every result on them must say.
    """

    path: Path
    trials: tuple[MmecgTrial, ...]
    missing: tuple[int, ...]
    simulated: bool

    @property
    def files(self) -> tuple[Path, ...]:
        """The trials' files."""
        return tuple(trial.path for trial in self.trials)

    @property
    def subjects(self) -> tuple[int, ...]:
        """Numbers of the persons who are there, in order."""
        return tuple(sorted({trial.subject for trial in self.trials}))

    @property
    def statuses(self) -> dict[str, int]:
        """Number of trials of each status that occurs, in the fixed order of the statuses."""
        found = [trial.status for trial in self.trials]
        return {status: found.count(status) for status in STATUSES if status in found}

    @property
    def kind(self) -> str:
        """What the trials are called wherever results stand: "SIMULATED trials in MMECG's layout" or "MMECG"."""
        return "SIMULATED trials in MMECG's layout" if self.simulated else "MMECG"

    def describe(self) -> str:
        """Return one line for people."""
        minutes = sum(trial.duration_s for trial in self.trials) / 60.0
        statuses = ", ".join(f"{count} {status}" for status, count in self.statuses.items())
        text = f"{self.kind}: {len(self.trials)} trials of {len(self.subjects)} persons, {minutes:.1f} min ({statuses})"
        return text + (f"; missing: trials {ranges(self.missing)}" if self.missing else "")


def check_mmecg_folder(
    folder: Path | str,
    *,
    allow_missing: bool = False,
    ignore_ids: bool = False,
    watch: Callable[[int, int], None] | None = None,
) -> MmecgFolder:
    """Read every trial of a folder and say what is wrong with it, all at once.

    Args:
        folder: holds `1.mat` ... `91.mat` in the layout of MMECG, v5 or v7.3.
        allow_missing: accept a part of the trials; `missing` of the result names the others.
        ignore_ids: accept files whose id is not the person's of the published order, which is then gone by.
        watch: called with the number of trials read and their total.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: one line that names every problem, the files and what to do.
    """
    place = Path(folder)
    if not place.is_dir():
        raise FileNotFoundError(f"there is no folder {place}. Name the folder that holds MMECG's 1.mat ... 91.mat.")
    found, extra = _list(place)
    problems: dict[str, list[str]] = {kind: [] for kind in _FIXES}
    if extra:
        problems["extra"].append(f"{_several(extra)} {'is' if len(extra) == 1 else 'are'} not among trials 1 to 91")
    missing = tuple(trial for trial in ALL_TRIALS if trial not in found)
    if missing and not allow_missing:
        problems["missing"].append(f"{len(missing)} of {len(ALL_TRIALS)} trials are missing ({ranges(missing)})")
    trials, simulated = [], []
    for number, (trial, path) in enumerate(sorted(found.items())):
        if watch is not None:
            watch(number, len(found))
        try:
            trials.append(_read(trial, path, simulated, problems["id"], ignore_ids))
        except InputError as error:
            problems["bad"].append(str(error).replace(f"{place}/", "").rstrip("."))
    if 0 < len(simulated) < len(trials):
        problems["mixed"].append(
            f"{_several(simulated)} {'is' if len(simulated) == 1 else 'are'} simulated, others not"
        )
    _raise(place, problems)
    return MmecgFolder(place, tuple(trials), missing, bool(simulated))


def _list(place: Path) -> tuple[dict[int, Path], list[str]]:
    """Return trial number -> file, and the names of other files in the folder.

    Raises:
        InputError: no trial is there; a folder inside that holds some is named.
    """
    found, extra = {}, []
    for path in sorted(place.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() in _DOCUMENTS or not path.is_file():
            continue
        number = int(path.stem) if path.stem.isdecimal() and path.stem.isascii() and len(path.stem) < 6 else 0
        if path.name == f"{number}.mat" and subject_of_trial(number) is not None:
            found[number] = path
        else:
            extra.append(path.name)
    if not found:
        inside = next((path.parent for path in sorted(place.glob("*/*.mat"))), None)
        hint = f"Name {inside}" if inside is not None else "Name the folder with MMECG's trials"
        raise InputError(f"{place} holds no 1.mat ... 91.mat. {hint}.")
    return found, extra


def _read(trial: int, path: Path, simulated: list[str], ids: list[str], ignore_ids: bool) -> MmecgTrial:
    """Read and check one trial; note whether it is simulated, and an id that is not its person's.

    Raises:
        InputError: what is wrong with the file.
    """
    fields = read_fields(path)
    n_samples = _check_shapes(fields, path.name)
    stated, subject = stated_id(fields), subject_of_trial(trial)
    assert subject is not None
    if not ignore_ids and stated not in ("", str(subject)):
        known = stated in map(str, TRIALS)
        whose = f"person {stated}" if known else f"id {stated}, which is nobody's in MMECG"
        ids.append(f"{path.name} says {whose}, not {subject}")
    if is_simulated(fields):
        simulated.append(path.name)
    status = str(fields.get("physistatus", "")).upper()
    return MmecgTrial(path, trial, subject, status if status in STATUSES else "unknown", n_samples / 200.0)


def _check_shapes(fields: dict[str, np.ndarray], name: str) -> int:
    """Return the number of samples.

    Raises:
        InputError: a field is missing or has another shape than MMECG's, or there is less than a window.
    """
    for field in ("RCG", "ECG"):
        if field not in fields:
            raise InputError(f"{name} has no {field}")
    n_samples = len(fields["RCG"])
    wanted = {"RCG": (n_samples, CHANNELS), "ECG": (n_samples, 1), "posXYZ": (CHANNELS, 3)}
    for field, shape in wanted.items():
        if field in fields and fields[field].shape != shape:
            got = "x".join(map(str, fields[field].shape))
            raise InputError(f"{field} of {name} is {got}, not {'time' if field == 'RCG' else shape[0]}x{shape[1]}")
    if n_samples < WINDOW_SAMPLES:
        raise InputError(f"{name} is {n_samples / 200:.2f} s long, less than one window of {WINDOW_S:g} s")
    usable = np.isfinite(fields["ECG"]).any() and np.nanmax(fields["ECG"]) > np.nanmin(fields["ECG"])
    if not usable:
        raise InputError(f"the ECG of {name} is constant or NaN")
    if np.isinf(fields["RCG"]).any() or not np.isfinite(fields["RCG"]).any():
        raise InputError(f"the RCG of {name} holds infinite values, or nothing but NaN")
    return n_samples


def _raise(place: Path, problems: dict[str, list[str]]) -> None:
    """Raise one line for all problems, if there are any."""
    kinds = [kind for kind in _FIXES if problems[kind]]
    if not kinds:
        return
    told = "; ".join(_several(problems[kind]) for kind in kinds)
    fixes = "; ".join(_FIXES[kind] for kind in kinds)
    raise InputError(f"{place} is not MMECG as published: {told}. To go on: {fixes}.")


def _several(texts: Sequence[str]) -> str:
    more = len(texts) - _MOST_NAMED
    return ", ".join(texts[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def ranges(numbers: Iterable[int]) -> str:
    """Write whole numbers with their runs joined.

    Example:
        >>> ranges([1, 2, 3, 7, 9, 10])
        '1-3, 7, 9-10'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
