from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from radarode.core.errors import InputError
from radarode.core.mmecg import TRIALS, subject_of_trial
from radarode.core.types import Recording
from radarode.data.mmecg_folder import ALL_TRIALS, check_mmecg_folder
from radarode.data.mmecg_write import write_mmecg_mat


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of 91 short trials, all of the same motion."""
    folder = tmp_path_factory.mktemp("mmecg") / "data"
    folder.mkdir()
    rng = np.random.default_rng(1)
    one = Recording(rng.standard_normal((50, 900)), 200.0, rng.standard_normal(900), status="NB", source="mmecg")
    for trial in ALL_TRIALS:
        person = subject_of_trial(trial)
        assert person is not None
        write_mmecg_mat(folder / f"{trial}.mat", replace(one, status="PE" if trial % 2 else "NB"), person)
    (folder / "README.txt").write_text("what this is")
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "data"
    shutil.copytree(whole, copy, copy_function=lambda a, b: Path(b).symlink_to(a))
    return copy


def change(path: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    data = loadmat(path)["data"][0, 0]
    fields = {name: data[name] for name in data.dtype.names}
    edit(fields)
    path.unlink()
    savemat(path, {"data": fields})


def complaint(folder: Path, **options: bool) -> str:
    with pytest.raises(InputError) as error:
        check_mmecg_folder(folder, **options)
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_whole_folder_passes(whole: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = check_mmecg_folder(whole, watch=lambda done, of: seen.append((done, of)))
    assert [trial.trial for trial in found.trials] == list(range(1, 92))
    assert [trial.path.name for trial in found.trials[:2]] == ["1.mat", "2.mat"]
    assert found.subjects == tuple(TRIALS)
    assert found.statuses == {"NB": 45, "PE": 46}
    assert (found.missing, found.simulated, found.trials[0].duration_s) == ((), False, 4.5)
    assert found.describe() == "MMECG: 91 trials of 11 persons, 6.8 min (45 NB, 46 PE)"
    assert seen == [(number, 91) for number in range(91)]


def test_missing_trials_are_named_and_can_be_allowed(folder: Path) -> None:
    for trial in (3, 7, 8, 9, 91):
        (folder / f"{trial}.mat").unlink()
    text = complaint(folder)
    assert "5 of 91 trials are missing (3, 7-9, 91)" in text
    assert "--allow-missing" in text
    found = check_mmecg_folder(folder, allow_missing=True)
    assert found.missing == (3, 7, 8, 9, 91)
    assert len(found.trials) == 86
    assert found.describe().endswith("missing: trials 3, 7-9, 91")


@pytest.mark.parametrize("name", ["92.mat", "1 (copy).mat", "01.mat", "notes.mat", "sim-0001-1.h5", "form.pdf"])
def test_other_recordings_are_named(folder: Path, name: str) -> None:
    shutil.copy(folder / "1.mat", folder / name)
    text = complaint(folder)
    assert f"{name} is not among trials 1 to 91" in text
    assert "move what is not a trial" in text


def test_ids_are_held_against_the_published_order(folder: Path) -> None:
    change(folder / "4.mat", lambda fields: fields.update(id=5.0))
    change(folder / "6.mat", lambda fields: fields.update(id=77.0))
    text = complaint(folder)
    assert "4.mat says person 5, not 2" in text
    assert "6.mat says id 77, which is nobody's in MMECG, not 5" in text
    assert "--ignore-ids" in text
    assert [trial.subject for trial in check_mmecg_folder(folder, ignore_ids=True).trials[3:6]] == [2, 5, 5]


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (lambda f: f.update(ECG=np.empty((0, 0))), "8.mat has no ECG"),
        (lambda f: f.update(ECG=np.full((900, 1), np.nan)), "the ECG of 8.mat is constant or NaN"),
        (lambda f: f.update(ECG=f["ECG"].T), "ECG of 8.mat is 1x900, not 900x1"),
        (lambda f: f.update(ECG=f["ECG"][:800]), "ECG of 8.mat is 800x1, not 900x1"),
        (lambda f: f.update(RCG=f["RCG"][:, :40]), "RCG of 8.mat is 900x40, not timex50"),
        (lambda f: f.update(RCG=f["RCG"] * np.nan), "the RCG of 8.mat holds infinite values, or nothing but NaN"),
        (lambda f: f.update(posXYZ=f["RCG"][:49, :3]), "posXYZ of 8.mat is 49x3, not 50x3"),
        (lambda f: f.update(RCG=f["RCG"][:700], ECG=f["ECG"][:700]), "8.mat is 3.50 s long, less than one window"),
        (lambda f: f.pop("RCG"), "8.mat has no RCG"),
        (lambda f: f.update(RCG="text"), "RCG in 8.mat must hold plain numbers"),
    ],
)
def test_bad_trials_are_named(folder: Path, edit: Callable[[dict[str, Any]], None], wanted: str) -> None:
    change(folder / "8.mat", edit)
    text = complaint(folder)
    assert wanted in text
    assert "copy these files again" in text


def test_damaged_files_are_named_and_everything_is_told_at_once(folder: Path) -> None:
    (folder / "2.mat").unlink()
    (folder / "2.mat").write_bytes(b"no MATLAB file")
    (folder / "3.mat").unlink()
    shutil.copy(folder / "4.mat", folder / "notes.mat")
    text = complaint(folder)
    for part in ("2.mat", "1 of 91 trials are missing (3)", "notes.mat is not among"):
        assert part in text


def test_many_bad_trials_make_a_short_line(folder: Path) -> None:
    for trial in range(11, 31):
        change(folder / f"{trial}.mat", lambda fields: fields.update(ECG=np.empty((0, 0))))
    text = complaint(folder)
    assert "and 14 more" in text
    assert len(text) < 500


def test_simulated_trials_are_known_and_not_mixed_with_others(folder: Path) -> None:
    change(folder / "1.mat", lambda fields: fields.update(source="simulated"))
    assert "1.mat is simulated, others not" in complaint(folder)
    for trial in ALL_TRIALS[1:]:
        (folder / f"{trial}.mat").unlink()
    found = check_mmecg_folder(folder, allow_missing=True)
    assert found.simulated
    assert found.describe().startswith("SIMULATED trials in MMECG's layout: 1 trials of 1 persons")


def test_a_folder_without_trials_or_none_at_all(whole: Path, tmp_path: Path) -> None:
    assert f"Name {whole}" in complaint(whole.parent)
    with pytest.raises(InputError, match=r"holds no 1\.mat"):
        check_mmecg_folder(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"1\.mat"):
        check_mmecg_folder(tmp_path / "none")
