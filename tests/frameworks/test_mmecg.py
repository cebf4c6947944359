"""The MMECG framework: feed, remedies, resumption, gaps, one channel, no places, no look at the reference."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from radarode.core.errors import InputError, WorkInterruptedError
from radarode.core.types import Recording
from radarode.data.motion import scale_motion
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.experiment import read_experiment, run_experiment
from radarode.frameworks import load_framework
from radarode.frameworks.mmecg import MmecgFramework, ecg_loss, sample_entropy
from radarode.frameworks.mmecg_feed import FLAT, MotionFeed, disturb_past, make_motion_feed, reference_curve
from radarode.frameworks.mmecg_run import conditions_of, curve_of
from radarode.models.causal_tcn import shift_past
from radarode.models.mmecg import Mmecg
from radarode.models.networks import build_network, preset_of
from radarode.models.pretrained import Pretrained
from radarode.reconstruction.curve import from_curve
from radarode.reconstruction.settings import ReconstructSettings
from radarode.simulate import Conditions, iter_recordings, simulate_empty
from radarode.simulate.cohort import plain_cohort
from radarode.tasks import TaskSettings
from tests.train.stopping import stop_after

QUICK = [
    "framework=mmecg",
    "transform={name: stft}",
    "model.preset=tiny",
    "data.batch_channels=[1, 3]",
    "train.batch=4",
    "train.epochs=2",
    "train.steps_per_epoch=4",
    "train.threads=1",
]


def people(seed: int = 3, count: int = 3, duration_s: float = 16.0) -> list[Recording]:
    conditions = Conditions(snr_db=float("inf"), n_channels=3, movement_per_min=0.0)
    return list(iter_recordings(replace(plain_cohort(seed, count, duration_s), conditions=conditions)))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "store"
    write_store(folder, people(), {"name": "stft"}, motion=True)
    return folder


@pytest.fixture(scope="module")
def model() -> Mmecg:
    return build_network("mmecg", preset_of("mmecg", "tiny"), seed=1).eval()


@pytest.fixture(scope="module")
def recording() -> Recording:
    return people(9, 1, 14.0)[0]


def feed_of(store: Path, *, seed: int = 1, **changes: Any) -> MotionFeed:
    config = preset_of("mmecg", "tiny", changes)
    recordings = open_store(store).recordings
    settings = {"step_s": 0.5, "augment": None, "channels": (1, 3), "seed": seed, "training": True}
    return make_motion_feed(recordings, TaskSettings(), config, **settings)


def test_resumed_equals_uninterrupted_bit_for_bit(store: Path, tmp_path: Path) -> None:
    experiment = read_experiment(None, QUICK)
    run_experiment(experiment, tmp_path / "whole", store=store)
    with pytest.raises(WorkInterruptedError, match="--resume"):
        run_experiment(experiment, tmp_path / "broken", store=store, watchers=[stop_after(6)])
    run_experiment(experiment, tmp_path / "broken", store=store, resume=True)
    whole, broken = (
        torch.load(tmp_path / name / "checkpoint.pt", weights_only=True)["model"] for name in ("whole", "broken")
    )
    assert all(torch.equal(whole[name], broken[name]) for name in whole)
    assert (tmp_path / "whole" / "log.jsonl").read_text() == (tmp_path / "broken" / "log.jsonl").read_text()
    loaded = load_framework(tmp_path / "whole" / "weights")
    assert isinstance(loaded, MmecgFramework)
    assert {"loss_ecg", "pcc_free", "pcc_forced", "entropy_forced"} <= set(loaded.pretrained.facts["validation"])


def test_a_few_steps_lower_the_loss(store: Path) -> None:
    model = build_network("mmecg", preset_of("mmecg", "tiny"), seed=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    losses = []
    for batch in feed_of(store).epoch(0, 6, 20):
        loss = ecg_loss(model, batch)
        assert loss is not None
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-5:]) < 0.9 * losses[0]


def test_batches_depend_on_seed_epoch_and_step_alone(store: Path) -> None:
    whole = list(feed_of(store).epoch(1, 4, 5))
    tail = list(feed_of(store).epoch(1, 4, 5, first_step=3))
    other = next(iter(feed_of(store, seed=2).epoch(1, 4, 5)))
    for a, b in zip(whole[3:], tail, strict=True):
        for name in ("motion", "positions_m", "past"):
            assert torch.equal(getattr(a, name), getattr(b, name))
    assert whole[0].motion.shape != other.motion.shape or not torch.equal(whole[0].motion, other.motion)


def test_a_batch_is_aligned_with_its_recording(store: Path) -> None:
    feed = replace(feed_of(store, past_dropout=0.0, past_noise=0.0), channels=None)
    recordings = open_store(store).recordings
    batch = next(feed.in_order(5))
    assert batch.motion.shape == (5, 3, 640)
    owner, start = feed.owner[3], feed.start[3]
    stored = np.asarray(recordings[owner].motion[start : start + 640], dtype=np.float64).T
    for channel, values in zip(batch.motion[3].numpy(), stored, strict=True):
        assert np.corrcoef(channel, values.clip(-8 * values.std(), 8 * values.std()))[0, 1] > 0.999
    curve = reference_curve(recordings[owner], TaskSettings())[start : start + 640]
    np.testing.assert_allclose(batch.target[3].numpy(), 2 * curve - 1, atol=1e-6)
    known = batch.past[3, 1, 1:] > 0
    assert torch.equal(batch.past[3, 0, 1:][known], batch.target[3, :-1][known])
    assert batch.past[:, :, 0].abs().max() == 0


def test_the_target_follows_the_reference_and_is_scaled_in_every_cycle(store: Path) -> None:
    stored = open_store(store).recordings[0]
    curve = reference_curve(stored, TaskSettings())
    known = np.isfinite(curve)
    assert known.mean() > 0.8
    assert np.nanmin(curve) == pytest.approx(0.0, abs=1e-3)
    assert np.nanmax(curve) == pytest.approx(1.0, abs=5e-3)
    assert np.corrcoef(curve[known], stored.ecg_mv[known])[0, 1] > 0.97
    # What evaluation makes of a perfect answer: the same beats, the same curve.
    ecg = from_curve(curve, ~known)
    inner = stored.r_peaks_s[2:-2]
    assert np.abs(ecg.beats.r_s[:, None] - inner).min(axis=0).max() < 0.01


def test_a_recording_without_a_heart_is_flat(tmp_path: Path) -> None:
    write_store(
        tmp_path / "store", [simulate_empty(8.0, np.random.default_rng(1), 2, "empty")], {"name": "stft"}, motion=True
    )
    curve = reference_curve(open_store(tmp_path / "store").recordings[0], TaskSettings())
    assert (curve == np.float32(FLAT)).all()


def test_published_past_is_the_true_one(rng: np.random.Generator) -> None:
    past = shift_past(torch.rand(20, 640) * 2 - 1)
    assert torch.equal(disturb_past(past, preset_of("mmecg", "paper"), rng), past)


def test_past_is_dropped_or_noisy(rng: np.random.Generator) -> None:
    past = shift_past(torch.rand(400, 64) * 2 - 1)
    told = disturb_past(past, preset_of("mmecg", "tiny", {"past_dropout": 0.25, "past_noise": 0.4}), rng)
    dropped = told[:, 1].amax(dim=1) == 0
    assert float(dropped.float().mean()) == pytest.approx(0.25, abs=0.06)
    assert told[dropped].abs().max() == 0
    noise = (told - past)[~dropped, 0, 1:].std(dim=1)
    assert 0.3 < float(noise.max()) < 0.5
    assert float(noise.min()) < 0.05
    assert torch.equal(told[~dropped, 1], past[~dropped, 1])


@torch.inference_mode()
def test_the_epoch_is_judged_without_the_true_past(store: Path, model: Mmecg) -> None:
    batch = next(feed_of(store).in_order(4))
    judged = ecg_loss(model, batch)
    blind = ecg_loss(model, replace(batch, past=torch.zeros_like(batch.past)))
    assert judged is not None
    assert blind is not None
    assert torch.equal(judged, blind)
    assert 0.0 <= float(judged) <= 2.0


def test_unknown_samples_do_not_count() -> None:
    logits = torch.randn(2, 256, 10, generator=torch.Generator().manual_seed(0))
    target = torch.linspace(-1, 1, 20).reshape(2, 10)
    half = target.clone()
    half[:, 5:] = torch.nan
    torch.testing.assert_close(sample_entropy(logits, half), sample_entropy(logits[:, :, :5], target[:, :5]))


def test_the_reference_is_never_looked_at(model: Mmecg, recording: Recording) -> None:
    framework = MmecgFramework(Pretrained(model, framework="mmecg"))
    blind = replace(recording, ecg_mv=None, r_peaks_s=None)
    np.testing.assert_array_equal(framework.reconstruct(recording).ecg, framework.reconstruct(blind).ecg)
    curves = [curve_of(model, one, ReconstructSettings())[0] for one in (recording, blind)]
    np.testing.assert_array_equal(curves[0], curves[1])
    assert np.isfinite(curves[0]).all()
    assert curves[0].min() >= 0.0
    assert curves[0].max() <= 1.0


def test_gaps_are_gaps_and_what_stands_behind_starts_anew(model: Mmecg, recording: Recording) -> None:
    rcg = recording.rcg.copy()
    rcg[:, 1200:1400] = np.nan
    rcg[0, 2000:2300] = np.nan
    curve, missing = curve_of(model, replace(recording, rcg=rcg), ReconstructSettings())
    assert missing[1200:1400].all()
    assert missing.sum() == 200
    np.testing.assert_array_equal(np.isnan(curve), missing)
    ecg = MmecgFramework(Pretrained(model)).reconstruct(replace(recording, rcg=rcg))
    assert np.isnan(ecg.ecg[1200:1400]).all()
    short = rcg.copy()
    short[:, 1200:1400] = recording.rcg[:, 1200:1400]
    short[:, 700:710] = np.nan
    assert not curve_of(model, replace(recording, rcg=short), ReconstructSettings())[1].any()


def test_a_channel_that_is_not_there_does_not_matter(model: Mmecg, recording: Recording) -> None:
    silent = np.concatenate([recording.rcg, np.zeros_like(recording.rcg[:1])])
    more = replace(recording, rcg=silent, positions_m=None)
    plain = replace(recording, positions_m=None)
    expected = conditions_of(model, plain, ReconstructSettings())[0]
    np.testing.assert_allclose(conditions_of(model, more, ReconstructSettings())[0], expected, atol=1e-4)


@pytest.mark.parametrize("samples", [640, 641, 1999])
def test_one_channel_without_places_of_any_length(model: Mmecg, recording: Recording, samples: int) -> None:
    one = Recording(recording.rcg[:1, :samples], 200.0)
    curve, missing = curve_of(model, one, ReconstructSettings())
    assert curve.shape == missing.shape == (samples,)
    assert np.isfinite(curve).all()


def test_conditions_fade_between_windows_and_do_not_depend_on_the_batch(model: Mmecg, recording: Recording) -> None:
    found = [conditions_of(model, recording, ReconstructSettings(batch=size))[0] for size in (1, 16)]
    np.testing.assert_allclose(found[0], found[1], atol=1e-5)
    single = Recording(recording.rcg[:, :640], 200.0)
    whole = conditions_of(model, single, ReconstructSettings(step_s=4.0))[0]
    alone = model.encode(scale_motion(torch.from_numpy(single.rcg)[None]), torch.zeros(1, 3, 3)).detach()[0]
    np.testing.assert_allclose(whole, alone, atol=1e-5)


def test_refuses_what_it_cannot_read(model: Mmecg, recording: Recording) -> None:
    framework = MmecgFramework(Pretrained(model))
    with pytest.raises(InputError, match=r"one window of 3\.2 s"):
        framework.reconstruct(replace(recording, rcg=recording.rcg[:, :600], ecg_mv=None))
    with pytest.raises(InputError, match="200 Hz"):
        framework.reconstruct(replace(recording, fs_hz=250.0))
    paper = build_network("mmecg", preset_of("mmecg", "paper", {"widths": [4] * 4, "channels": 7}), 1).eval()
    with pytest.raises(InputError, match="`channels` must be 7"):
        MmecgFramework(Pretrained(paper)).reconstruct(recording)


def test_refuses_settings_that_cannot_work(store: Path, tmp_path: Path) -> None:
    fixed = [*QUICK, "model.changes={channels: 5}"]
    with pytest.raises(InputError, match="batch_channels"):
        run_experiment(read_experiment(None, fixed), tmp_path / "run", store=store)
    with pytest.raises(InputError, match="`channels` must be 5"):
        run_experiment(read_experiment(None, [*fixed, "data.batch_channels=null"]), tmp_path / "run", store=store)
    assert not (tmp_path / "run").exists()


def test_the_published_configuration_is_one() -> None:
    experiment = read_experiment("mmecg-published")
    MmecgFramework.check(experiment)
    assert (experiment.train.batch, experiment.train.lr, experiment.data.step_s) == (64, 1e-3, 30 / 200)
