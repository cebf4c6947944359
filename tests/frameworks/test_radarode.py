"""radarODE: two stages, exact resumption through both, beats from the energy alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from radarode.configuration import Experiment, read_experiment
from radarode.core.errors import InputError, WorkInterruptedError
from radarode.core.types import Recording
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.experiment import run_experiment
from radarode.frameworks import Framework, load_framework
from radarode.frameworks.radarode import RadarOdeFramework
from radarode.frameworks.radarode_feed import CurveFeed, CycleFeed, Shared, encode_references, target_curve
from radarode.models.pretrained import load_model, save_model
from radarode.reconstruction.draft import lay_draft
from radarode.reconstruction.heard import hear, hear_stored
from radarode.reconstruction.settings import ReconstructSettings
from radarode.simulate import simulate_empty
from radarode.simulate.cohort import plain_cohort, simulate_member
from radarode.simulate.recording import Conditions
from tests.train.stopping import stop_after

QUICK = [
    "framework=radarode",
    "model.preset=tiny",
    "data.batch_channels=[1, 3]",
    "train.batch=4",
    "train.epochs=2",
    "train.steps_per_epoch=3",
    "train.threads=1",
]


def person(index: int, duration_s: float = 20.0) -> Recording:
    cohort = replace(plain_cohort(3, 8, duration_s), conditions=Conditions(n_channels=3), statuses=("NB",))
    return simulate_member(cohort, index, 0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "store"
    empty = simulate_empty(12.0, np.random.default_rng(0), 3, "empty-0000")
    write_store(folder, [*(person(k) for k in range(4)), empty], {"name": "sst"}, motion=True)
    return folder


@pytest.fixture(scope="module")
def whole(store: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    run, records = tmp_path_factory.mktemp("runs") / "whole", []
    run_experiment(experiment(), run, store=store, watchers=[records.append])
    return run, records


def experiment(*changes: str) -> Experiment:
    return read_experiment(None, [*QUICK, *changes])


@pytest.mark.parametrize("steps", [2, 6, 10])
def test_resumed_equals_uninterrupted_through_both_stages(
    whole: tuple[Path, Any], store: Path, tmp_path: Path, steps: int
) -> None:
    run = tmp_path / "broken"
    with pytest.raises(WorkInterruptedError, match=f"--resume {run}"):
        run_experiment(experiment(), run, store=store, watchers=[stop_after(steps)])
    run_experiment(experiment(), run, store=store, resume=True)
    for stage in ("sceg", "longterm"):
        a, b = (torch.load(one / stage / "checkpoint.pt", weights_only=True)["model"] for one in (whole[0], run))
        assert all(torch.equal(a[name], b[name]) for name in a)
        assert (run / stage / "log.jsonl").read_text() == (whole[0] / stage / "log.jsonl").read_text()
    a, b = (load_model(one / "weights").model.state_dict() for one in (whole[0], run))
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_a_stage_that_is_done_is_not_done_again(whole: tuple[Path, Any], store: Path) -> None:
    records: list[dict[str, Any]] = []
    facts = run_experiment(experiment(), whole[0], store=store, resume=True, watchers=[records.append])
    assert records == []
    assert facts["best_epoch"] in (0, 1)


def test_watchers_learn_the_stage(whole: tuple[Path, list[dict[str, Any]]]) -> None:
    stages = [record["stage"] for record in whole[1] if record["kind"] == "epoch"]
    assert stages == ["sceg", "sceg", "longterm", "longterm"]
    log = [json.loads(line) for line in (whole[0] / "longterm" / "log.jsonl").read_text().splitlines()]
    assert {"validation_pcc", "validation_draft_pcc", "validation_r_height"} <= set(log[0])


def test_the_weights_hold_the_best_generator_and_what_was_measured(whole: tuple[Path, Any]) -> None:
    generator, final = load_model(whole[0] / "sceg" / "weights").model, load_model(whole[0] / "weights").model
    assert all(torch.equal(a, b) for a, b in zip(generator.sceg.parameters(), final.sceg.parameters(), strict=True))
    assert not all(
        torch.equal(a, b) for a, b in zip(generator.longterm.parameters(), final.longterm.parameters(), strict=True)
    )
    assert float(final.pulse.norm()) == pytest.approx(1.0, abs=1e-5)
    assert 0 < float(final.r_height) != pytest.approx(0.5)


def test_training_drafts_are_those_of_a_reconstruction(whole: tuple[Path, Any], store: Path) -> None:
    kept, settings = load_model(whole[0] / "weights"), ReconstructSettings()
    stored = hear_stored(open_store(store).recordings[1])
    here = hear(person(1), kept)
    drafts = [
        lay_draft(heard, kept.model, settings, scaling=kept.scaling, r_fraction=0.43).curve for heard in (stored, here)
    ]
    assert np.corrcoef(*drafts)[0, 1] > 0.999


def test_beats_are_placed_by_the_energy(whole: tuple[Path, Any]) -> None:
    kept, recording = load_model(whole[0] / "weights"), person(5, 30.0)
    assert recording.r_peaks_s is not None
    draft = lay_draft(
        hear(recording, kept),
        kept.model,
        ReconstructSettings(),
        scaling=kept.scaling,
        r_fraction=0.43,
    )
    near = np.abs(draft.beats.r_s[:, None] - recording.r_peaks_s)
    inner = (recording.r_peaks_s > 1) & (recording.r_peaks_s < 29)
    assert (near.min(axis=0)[inner] < 0.15).mean() > 0.9
    true_length = np.median(np.diff(recording.r_peaks_s))
    assert np.median(draft.length_s) == pytest.approx(true_length, abs=0.02)


def test_where_no_heart_is_hardly_anything_is_placed(whole: tuple[Path, Any]) -> None:
    framework = load_framework(whole[0] / "weights")
    nobody = simulate_empty(30.0, np.random.default_rng(5), 3, "nobody")
    assert np.isfinite(framework.reconstruct(nobody).ecg).mean() < 0.3


def test_a_flat_or_short_or_wide_recording(whole: tuple[Path, Any], tmp_path: Path) -> None:
    framework = load_framework(whole[0] / "weights")
    still = Recording(rcg=np.zeros((2, 1200)), fs_hz=200.0)
    assert np.isnan(framework.reconstruct(still).ecg).all()
    shortest = person(4, 6.0)
    cut = Recording(rcg=shortest.rcg[:, :800], fs_hz=200.0)
    assert framework.reconstruct(cut).ecg.shape == (800,)
    many = Recording(rcg=np.tile(person(4, 10.0).rcg, (7, 1)), fs_hz=200.0)
    assert framework.reconstruct(many).ecg.shape == (2000,)


def test_the_reference_is_never_looked_at(whole: tuple[Path, Any]) -> None:
    framework, recording = load_framework(whole[0] / "weights"), person(6)
    assert recording.ecg_mv is not None
    other = replace(recording, ecg_mv=recording.ecg_mv[::-1].copy(), r_peaks_s=np.array([1.0, 2.0]))
    blind = replace(recording, ecg_mv=None, r_peaks_s=None)
    plain = framework.reconstruct(recording)
    for changed in (framework.reconstruct(other), framework.reconstruct(blind)):
        assert np.array_equal(plain.ecg, changed.ecg, equal_nan=True)
        assert np.array_equal(plain.beats.r_s, changed.beats.r_s)


LENIENT = ReconstructSettings(min_quality=0.2)
"""Three people do not make a good pulse, so clear beats look less clear than they are."""


class IdealCycle(torch.nn.Module):
    """Answer every window with the same cycle."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.exp(-0.5 * ((torch.arange(200.0) - 86) / 3) ** 2).expand(len(x), -1)


class EchoDraft(torch.nn.Module):
    """Answer with the draft."""

    def forward(self, motion: torch.Tensor, draft: torch.Tensor) -> torch.Tensor:
        return draft


@pytest.fixture
def ideal(whole: tuple[Path, Any]) -> Framework:
    """Return the framework with networks that know the cycle, so that all else can be seen."""
    framework = load_framework(whole[0] / "weights")
    framework.pretrained.model.sceg, framework.pretrained.model.longterm = IdealCycle(), EchoDraft()
    return framework


@pytest.mark.parametrize("channels", [1, 3])
def test_nothing_stands_in_a_gap_and_one_channel_is_enough(ideal: Framework, channels: int) -> None:
    recording = person(7)
    assert recording.r_peaks_s is not None
    rcg = recording.rcg[:channels].copy()
    rcg[:, 1600:2200] = np.nan
    ecg = ideal.reconstruct(Recording(rcg=rcg, fs_hz=200.0), LENIENT)
    assert np.isnan(ecg.ecg[1610:2190]).all()
    assert not ((ecg.beats.r_s > 8.05) & (ecg.beats.r_s < 10.95)).any()
    outside = recording.r_peaks_s[(recording.r_peaks_s < 6.5) | (recording.r_peaks_s > 12.5)]
    assert (np.abs(ecg.beats.r_s[:, None] - outside).min(axis=0) < 0.15).mean() > 0.7


def test_a_channel_that_is_silent_for_a_while_takes_no_part(ideal: Framework) -> None:
    recording = person(7)
    rcg = recording.rcg.copy()
    rcg[1, 1000:3000] = np.nan
    plain, partly = (ideal.reconstruct(one, LENIENT) for one in (recording, Recording(rcg=rcg, fs_hz=200.0)))
    assert np.isfinite(plain.ecg).mean() > 0.7
    assert np.isfinite(partly.ecg).mean() > 0.7


def test_energy_and_generator_see_the_same_disturbed_frames(whole: tuple[Path, Any]) -> None:
    kept, recording = load_model(whole[0] / "weights"), person(4, 10.3)
    seen = []

    def disturb(windows: torch.Tensor) -> torch.Tensor:
        seen.append(windows.shape)
        return torch.full_like(windows, 7.0)

    heard = hear(recording, kept, disturb)
    first = heard.frames[:1, :, :1]
    assert (first > 0).all()
    assert (heard.frames == first).all()
    assert all(shape[1:] == (3, 71, 120) for shape in seen)


def shared_of(store: Path, channels: tuple[int, int] | None = (2, 2)) -> Shared:
    recordings = open_store(store).recordings
    setting = experiment()
    references = encode_references(recordings, setting.tasks)
    return Shared(recordings, references, "log_mean", np.geomspace(1, 25, 71), setting.augment, channels, 1)


def test_cycle_windows_stand_on_r_peaks_within_the_jitter(store: Path) -> None:
    shared = shared_of(store)
    feed = CycleFeed(shared, 0.15)
    r_s = np.array([shared.references[o].cycles.r_s[c] for o, c in zip(feed.owner, feed.cycle, strict=True)])
    assert np.abs(feed.start / 30.0 + 2.0 - r_s).max() < 0.02
    assert feed.jitter == 4
    assert 4 not in feed.owner
    a, b = (next(iter(feed.epoch(3, 4, 9, first_step=5))) for _ in range(2))
    assert torch.equal(a.inputs, b.inputs)
    assert torch.equal(a.shape, b.shape)
    assert a.inputs.shape == (4, 2, 71, 120)
    assert sum(len(batch.shape) for batch in feed.in_order(7)) == len(feed)
    assert not torch.equal(a.inputs, next(iter(feed.epoch(3, 4, 9, first_step=6))).inputs)


def test_curve_windows_hold_motion_draft_and_target_of_one_moment(store: Path) -> None:
    shared = shared_of(store)
    drafts = [np.arange(len(one.ecg_mv), dtype=np.float32) for one in shared.recordings]
    feed = CurveFeed(shared, drafts, 0.8)
    batch = next(iter(feed.epoch(0, 6, 5)))
    for draft, target in zip(batch.draft, batch.target, strict=True):
        start = int(draft[0])
        wanted = [curve[start : start + 800] for curve in feed.targets]
        assert any(np.array_equal(target.numpy(), one, equal_nan=True) for one in wanted if len(one) == 800)
    assert batch.motion.shape == (6, 2, 800)
    assert 4 in feed.owner


def test_the_target_is_scaled_in_every_cycle_and_zero_without_a_heart(store: Path) -> None:
    shared = shared_of(store)
    curve = target_curve(shared.references[0], 4000)
    known = curve[np.isfinite(curve)]
    assert known.min() >= 0
    assert 0.98 < known.max() <= 1
    assert (target_curve(shared.references[4], 2400) == 0).all()


def test_what_does_not_fit_is_refused(whole: tuple[Path, Any], tmp_path: Path) -> None:
    with pytest.raises(InputError):
        RadarOdeFramework.check(experiment("model.preset=paper"))
    with pytest.raises(InputError, match=r"model\.changes"):
        RadarOdeFramework.check(experiment(f"model.start_from={whole[0] / 'weights'}", "model.changes={tcn_layers: 3}"))
    RadarOdeFramework.check(experiment(f"model.start_from={whole[0] / 'weights'}"))
    with pytest.raises(InputError, match="weights of radarode-mtl"):
        RadarOdeFramework.check(experiment("model.start_from=default"))
    framework = load_framework(whole[0] / "weights")
    with pytest.raises(InputError, match="exists"):
        save_model(whole[0] / "weights", framework.pretrained.model, {})


def test_a_store_without_motion_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    write_store(folder, [person(k, 10.0) for k in range(3)], {"name": "sst"})
    with pytest.raises(InputError, match="no motion"):
        run_experiment(experiment(), tmp_path / "run", store=folder)
    assert not (tmp_path / "run").exists()


def test_the_published_configuration_stands() -> None:
    published = read_experiment("radarode-published")
    assert published.framework == "radarode"
    assert (published.train.optimizer, published.train.lr, published.train.batch) == ("sgd", 1e-3, 32)
