"""Settings and recordings that the benchmarks of frameworks share."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from radarode.benchmark.frameworks.adopt import check_recipe
from radarode.benchmark.frameworks.recordings import GivenData, survey
from radarode.benchmark.frameworks.settings import FrameworksSettings, read_settings
from radarode.benchmark.frameworks.work import noise_entropy
from radarode.benchmark.longterm.settings import LongtermSettings
from radarode.benchmark.noise.conditions import NoiseSettings
from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.native import save_recording


@pytest.mark.parametrize("size", ["quick", "full"])
def test_the_sizes_of_the_package_train_both_benchmarks_by_one_recipe(size: str) -> None:
    noise = read_settings(NoiseSettings, "noise", size)
    longterm = read_settings(LongtermSettings, "longterm", size)
    assert noise.recipe() == longterm.recipe()
    assert list(noise.frameworks) == ["mmecg", "radarode", "radarode-mtl", "classical"]
    assert noise.augment is not None
    assert (noise.augment.noise_share, noise.augment.movement_share) == (0.0, 0.0)
    assert noise.cohort.cohort().n_subjects == 11
    assert (size == "full") == (len(noise.folds) == noise.data.folds)
    assert len(noise.conditions()) == 1 + 6 + 6


def test_a_framework_changes_the_common_training_and_nothing_else() -> None:
    settings = FrameworksSettings(
        frameworks={"radarode-mtl": {"model": {"preset": "tiny"}, "train": {"epochs": 3}}, "classical": None}
    )
    own, other = settings.experiment_of("radarode-mtl", 5, 1), settings.experiment_of("classical", 0, 1)
    assert (own.train.epochs, own.model.preset, own.seed, own.data.fold) == (3, "tiny", 5, 1)
    assert other.train == settings.train
    assert settings.seeds_of("classical") == (0,)
    assert settings.seeds_of("radarode-mtl") == (1, 2, 3)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"seeds": (1, 1)}, "seeds"),
        ({"frameworks": {"radarode-mlt": {}}}, "Did you mean `radarode-mtl`"),
        ({"frameworks": {}}, "one or more"),
        ({"frameworks": {"mmecg": {"train": {"epoch": 3}}}}, r"frameworks\.mmecg\.train\.epoch"),
        ({"frameworks": {"mmecg": {"preset": "tiny"}}}, r"frameworks\.mmecg\.preset"),
        ({"tested": (4,)}, "tested"),
        ({"tested": ()}, "tested"),
    ],
)
def test_wrong_settings_are_one_line(changes: dict[str, object], wanted: str) -> None:
    with pytest.raises(InputError, match=wanted):
        FrameworksSettings(**changes)  # type: ignore[arg-type]


def test_wrong_noise_is_one_line() -> None:
    with pytest.raises(InputError, match="Did you mean `constant`"):
        NoiseSettings(kinds=("constnt",))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="Did you mean `signal`"):
        NoiseSettings(domain="signl")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="seconds"):
        NoiseSettings(abrupt_s=(5.0,))
    with pytest.raises(InputError, match="Did you mean `quick`"):
        read_settings(NoiseSettings, "noise", "quik")


def test_some_frameworks_can_be_chosen_and_others_are_refused() -> None:
    settings = FrameworksSettings(frameworks={"mmecg": {}, "classical": {}})
    assert settings.chosen(None) == ("mmecg", "classical")
    assert settings.chosen(["classical"]) == ("classical",)
    with pytest.raises(InputError, match="Did you mean `classical`"):
        settings.chosen(["clasical"])
    with pytest.raises(InputError, match="as configured"):
        settings.chosen(["radarode"])


def test_the_noise_depends_on_seed_recording_and_condition_alone() -> None:
    base = noise_entropy(1, "a-1", "constant-0dB")
    assert base == noise_entropy(1, "a-1", "constant-0dB")
    assert len({tuple(one) for one in (base, noise_entropy(2, "a-1", "constant-0dB"),
                                       noise_entropy(1, "a-2", "constant-0dB"),
                                       noise_entropy(1, "a-1", "constant-3dB"))}) == 4  # fmt: skip


def recording(subject: str, *, ecg: bool = True, seconds: float = 6.0) -> Recording:
    rng = np.random.default_rng(1)
    n = round(200 * seconds)
    curve = rng.standard_normal(n).astype(np.float32) if ecg else None
    return Recording(rng.standard_normal((1, n)), 200.0, ecg_mv=curve, r_peaks_s=np.array([1.0, 2.0]), subject=subject)


def test_given_recordings_are_looked_at_before_anything_is_written(tmp_path: Path) -> None:
    settings = FrameworksSettings()
    for name in "abcd":
        save_recording(tmp_path / f"{name}.h5", recording(name))
    given = GivenData(tmp_path)
    survey(settings, given)
    before = given.fingerprint()
    assert list(before) == ["a.h5", "b.h5", "c.h5", "d.h5"]
    save_recording(tmp_path / "e.h5", recording("a"))
    with pytest.raises(InputError, match=r"e\.h5 and a\.h5 are both recording a-1"):
        survey(settings, given)
    save_recording(tmp_path / "e.h5", recording("e", ecg=False))
    with pytest.raises(InputError, match=r"e\.h5 has no reference ECG"):
        survey(settings, given)
    save_recording(tmp_path / "e.h5", recording("e", seconds=3.0))
    with pytest.raises(InputError, match=r"e\.h5: .* at least one window"):
        survey(settings, given)
    for name in "dec":
        (tmp_path / f"{name}.h5").unlink()
    with pytest.raises(InputError, match="2 subject"):
        survey(settings, given)
    assert given.fingerprint() == {name: before[name] for name in ("a.h5", "b.h5")}
    with pytest.raises(FileNotFoundError, match="not a folder"):
        GivenData(tmp_path / "none").files()


def test_a_cohort_with_too_few_persons_for_its_folds_is_refused() -> None:
    settings = FrameworksSettings()
    with pytest.raises(InputError, match="3 subject"):
        survey(replace(settings, cohort=replace(settings.cohort, persons=3)), None)


def test_only_result_folders_give_trained_networks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="not a folder"):
        check_recipe(tmp_path / "none", {})
    with pytest.raises(InputError, match="holds no results"):
        check_recipe(tmp_path, {})
