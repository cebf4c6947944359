"""What every framework promises."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from radarode.configuration import FRAMEWORKS
from radarode.core.errors import InputError
from radarode.core.types import ReconstructedEcg, Recording
from radarode.data.native import save_recording
from radarode.experiment import read_experiment, run_experiment
from radarode.experiment.run import adopt_weights
from radarode.frameworks import Framework, framework_class, load_framework, reconstruct
from radarode.simulate import iter_recordings, sample_person, simulate_recording
from radarode.simulate.cohort import plain_cohort
from radarode.simulate.recording import Conditions

CHANGES = [
    "model.preset=tiny",
    "data.batch_channels=[1, 3]",
    "train.batch=4",
    "train.epochs=1",
    "train.steps_per_epoch=2",
    "train.threads=1",
]


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people")
    for recording in iter_recordings(replace(plain_cohort(3, 3, 20.0), conditions=Conditions(n_channels=3))):
        save_recording(folder / f"{recording.name}.h5", recording)
    return folder


@pytest.fixture(scope="module")
def fitted(people: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the run folder of every framework, fitted for a moment."""
    runs = {}
    for name in FRAMEWORKS:
        runs[name] = tmp_path_factory.mktemp("runs") / name
        changes = [*CHANGES, f"framework={name}", f"data.source={people}"]
        run_experiment(read_experiment(None, changes), runs[name])
    return runs


@pytest.fixture(params=FRAMEWORKS)
def framework(request: pytest.FixtureRequest, fitted: dict[str, Path]) -> Framework:
    return load_framework(fitted[request.param] / "weights")


@pytest.fixture(scope="module")
def recording() -> Recording:
    rng = np.random.default_rng(11)
    return simulate_recording(sample_person(rng), 24.0, "NB", rng, Conditions(n_channels=3))


def same(a: ReconstructedEcg, b: ReconstructedEcg) -> bool:
    return np.array_equal(a.ecg, b.ecg, equal_nan=True) and np.array_equal(a.beats.r_s, b.beats.r_s)


def test_its_class_says_what_it_is(framework: Framework) -> None:
    assert type(framework) is framework_class(framework.name)
    assert framework.title
    assert framework.reads_motion or framework.reads_spectrogram


def test_what_comes_out_is_well_formed(framework: Framework, recording: Recording) -> None:
    ecg = framework.reconstruct(recording)
    assert ecg.fs_hz == 200.0
    assert len(ecg.ecg) == recording.rcg.shape[1]
    known = ecg.ecg[np.isfinite(ecg.ecg)]
    assert known.size == 0 or (known.min() > -1.0 and known.max() < 2.0)
    assert ((ecg.beats.quality >= 0) & (ecg.beats.quality <= 1)).all()
    assert not ecg.calibrated


def test_the_reference_is_never_looked_at(framework: Framework, recording: Recording) -> None:
    blind = replace(recording, ecg_mv=None, r_peaks_s=None)
    assert same(framework.reconstruct(recording), framework.reconstruct(blind))


def test_the_same_twice(framework: Framework, recording: Recording) -> None:
    assert same(framework.reconstruct(recording), framework.reconstruct(recording))


def test_saved_and_loaded_is_the_same(framework: Framework, recording: Recording, tmp_path: Path) -> None:
    framework.save(tmp_path / "weights")
    assert same(framework.reconstruct(recording), reconstruct(recording, tmp_path / "weights"))
    with pytest.raises(InputError, match="exists"):
        framework.save(tmp_path / "weights")


def test_nothing_is_placed_in_a_gap(framework: Framework, recording: Recording) -> None:
    rcg = recording.rcg.copy()
    rcg[:, 2000:2400] = np.nan
    ecg = framework.reconstruct(replace(recording, rcg=rcg))
    assert np.isnan(ecg.ecg[2010:2390]).all()
    assert not ((ecg.beats.r_s > 10.05) & (ecg.beats.r_s < 11.95)).any()


def test_one_channel_is_enough(framework: Framework, recording: Recording) -> None:
    one = replace(recording, rcg=recording.rcg[:1], positions_m=None)
    assert len(framework.reconstruct(one).ecg) == one.rcg.shape[1]


def test_gain_and_unit_do_not_matter(framework: Framework, recording: Recording) -> None:
    plain, scaled = framework.reconstruct(recording), framework.reconstruct(replace(recording, rcg=256 * recording.rcg))
    assert np.array_equal(np.isnan(plain.ecg), np.isnan(scaled.ecg))
    np.testing.assert_allclose(plain.ecg, scaled.ecg, atol=1e-2)


def test_what_is_too_short_is_refused(framework: Framework, recording: Recording) -> None:
    with pytest.raises(InputError, match="long"):
        framework.reconstruct(replace(recording, rcg=recording.rcg[:, :300], ecg_mv=None, r_peaks_s=None))


def test_another_rate_is_refused(framework: Framework, recording: Recording) -> None:
    with pytest.raises(InputError, match="200"):
        framework.reconstruct(replace(recording, fs_hz=100.0, ecg_mv=None))


def test_noise_on_the_spectrogram_reaches_those_that_read_one(framework: Framework, recording: Recording) -> None:
    calls = 0

    def disturb(windows: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return windows + windows.mean()

    framework.reconstruct(recording, disturb=disturb)
    assert (calls > 0) == framework.reads_spectrogram


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_weights_of_another_framework_are_no_start(name: str, fitted: dict[str, Path]) -> None:
    other = fitted["mmecg" if name != "mmecg" else "radarode"] / "weights"
    experiment = read_experiment(None, [*CHANGES, f"framework={name}", f"model.start_from={other}"])
    with pytest.raises(InputError, match=rf"`model\.start_from` must be weights of .*{name}"):
        framework_class(name).check(experiment)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_training_starts_from_its_own_weights_as_they_were_trained(name: str, fitted: dict[str, Path]) -> None:
    weights = fitted[name] / "weights"
    experiment = read_experiment(None, [*CHANGES, f"framework={name}", f"model.start_from={weights}"])
    adopted, loaded = adopt_weights(experiment), load_framework(weights).pretrained
    assert adopted.tasks.to_dict() == loaded.tasks
    assert adopted.scaling == (loaded.scaling or experiment.scaling)
    assert adopted.transform == (loaded.transform or experiment.transform)
    framework_class(name).check(adopted)


def test_an_unknown_framework_is_named_with_a_suggestion() -> None:
    with pytest.raises(InputError, match="radarode-mtl"):
        framework_class("radarode-mtI")
    with pytest.raises(InputError, match="mmecg"):
        read_experiment(None, ["framework=mmeg"])
