"""What holds for every transform: axes, time alignment, localisation, streaming, input checks."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from radarode.core.errors import InputError
from radarode.signal.timefrequency import TRANSFORMS, make_transform

FS_HZ = 200
NAMES = sorted(TRANSFORMS)
ALL = [(name, {}) for name in NAMES] + [("sst", {"binning": "nearest"}), ("sst", {"binning": "floor"})]


def tone(freq_hz: float, duration_s: float = 8.0) -> np.ndarray:
    return np.sin(2 * np.pi * freq_hz * np.arange(round(duration_s * FS_HZ)) / FS_HZ)[None]


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.linalg.norm(a - b) / torch.linalg.norm(b))


def stream(transform, x, lengths) -> torch.Tensor:
    state, frames, start = transform.init_state(x.shape[0]), [], 0
    for length in lengths:
        state, new = transform.step(state, x[:, start : start + length])
        frames.append(new)
        start += length
    assert start >= x.shape[1]
    return torch.cat([*frames, transform.flush(state)], dim=-1)


@pytest.mark.parametrize("name", NAMES)
def test_axes_and_frame_count(name):
    transform = make_transform(name)
    assert transform.freqs_hz.shape == (71,)
    assert transform.freqs_hz[[0, -1]] == pytest.approx([1.0, 25.0])
    assert np.ptp(np.diff(np.log(transform.freqs_hz))) < 1e-12
    for n_samples, n_frames in ((800, 120), (801, 121), (1, 1), (7, 2), (35505, 5326)):
        assert transform.n_frames(n_samples) == n_frames
    for n_samples in (1, 7, 800, 801):
        spectrogram = transform(np.ones((2, n_samples)))
        assert spectrogram.values.shape == (2, 71, transform.n_frames(n_samples))
        assert spectrogram.values.dtype == torch.float32
        assert spectrogram.transform == name


@pytest.mark.parametrize(("name", "settings"), ALL)
@pytest.mark.parametrize("freq_hz", [1.5, 4.0, 11.0, 22.0])
def test_a_tone_stands_at_its_row(name, settings, freq_hz):
    transform = make_transform(name, **settings)
    values = transform(tone(freq_hz)).values[0, :, 110:130].mean(dim=1).numpy()
    row = int(values.argmax())
    step = transform.freqs_hz[1] / transform.freqs_hz[0]
    allowed = step**4 if name == "stft" and freq_hz < 2 else step
    assert 1 / allowed < transform.freqs_hz[row] / freq_hz < allowed


@pytest.mark.parametrize("name", ["cwt", "stft"])
def test_magnitude_of_a_unit_tone_is_one(name):
    transform = make_transform(name)
    freq_hz = float(transform.freqs_hz[40])
    assert transform(tone(freq_hz)).values[0, 40, 100:140].mean() == pytest.approx(1.0, abs=0.02)


def test_sst_of_a_unit_tone_sums_to_one():
    transform = make_transform("sst")
    total = transform(tone(5.0)).values[0, :, 100:140].sum(dim=0)
    assert total.mean() == pytest.approx(1.0, abs=0.02)


def test_sst_is_sharper_than_cwt_and_separates_two_tones():
    x = tone(4.0) + tone(7.0)
    sst = make_transform("sst")(x)
    middle = sst.values[0, :, 100:140].mean(dim=1).numpy() ** 2
    near = np.abs(np.log(sst.freqs_hz[:, None] / [4.0, 7.0])).min(axis=1) < 0.08
    assert middle[near].sum() > 0.95 * middle.sum()
    cwt = make_transform("cwt")(x).values[0, :, 100:140].mean(dim=1).numpy() ** 2
    assert cwt[near].sum() < 0.6 * cwt.sum()


def test_sst_follows_a_chirp():
    t = np.arange(12 * FS_HZ) / FS_HZ
    transform = make_transform("sst")
    values = transform(np.cos(2 * np.pi * (3 * t + 0.5 * t**2))[None]).values[0]
    for second in (3, 6, 9):
        found = transform.freqs_hz[int(values[:, 30 * second].argmax())]
        assert found == pytest.approx(3 + second, rel=0.06)


@pytest.mark.parametrize(("name", "settings"), ALL)
@pytest.mark.parametrize("sample", [640, 803, 1207])
def test_frame_k_stands_at_k_thirtieths_of_a_second(name, settings, sample):
    x = np.zeros((1, 1800))
    x[0, sample] = 1.0
    energy = make_transform(name, **settings)(x).values[0].square().sum(dim=0).double()
    centre_s = float((energy * torch.arange(len(energy))).sum() / energy.sum()) / 30
    assert centre_s == pytest.approx(sample / FS_HZ, abs=0.004)


@pytest.mark.parametrize(
    ("name", "settings"), [*ALL[:3], ("sst", {"internal_rate_hz": 120, "support_s": 1.0}), ("sst", {"support_s": 0.5})]
)
def test_streamed_frames_equal_offline_frames(name, settings, rng):
    x = rng.normal(size=(2, 2600)).astype(np.float32) + 3
    x[:, 600:1400] *= np.sin(np.arange(800) / 5)
    transform = make_transform(name, **settings)
    offline = transform(x).values
    for largest in (5, 90, 1500):
        lengths = rng.integers(0, largest, 4 * 2600 // largest)
        streamed = stream(transform, x, [*lengths, 2600])
        assert streamed.shape == offline.shape
        assert relative(streamed, offline) < 1e-5


def test_sample_by_sample_stream_emits_after_its_lag_and_never_before(rng):
    transform = make_transform("sst", support_s=0.5)
    x = rng.normal(size=(1, 600))
    state, seen, late_s = transform.init_state(1), 0, []
    for n in range(600):
        state, frames = transform.step(state, x[:, n : n + 1])
        for k in range(seen, seen + frames.shape[-1]):
            late_s.append((n + 1) / FS_HZ - k / 30)
        seen += frames.shape[-1]
    assert seen == state.n_frames > 40
    assert min(late_s) >= transform.lag_s - 0.5 / FS_HZ
    assert max(late_s) <= transform.lag_s + 2 / 30 + 1 / FS_HZ


def test_slow_motion_far_outside_the_band_does_not_spoil_the_stream(rng):
    t = np.arange(2000) / FS_HZ
    x = (rng.normal(size=2000) + 100 + 50 * np.sin(2 * np.pi * 0.3 * t))[None]
    transform = make_transform("sst")
    assert relative(stream(transform, x, [77] * 26), transform(x).values) < 1e-5


def test_state_is_a_value_that_can_be_saved(rng, tmp_path):
    transform = make_transform("sst", support_s=1.0)
    x = torch.from_numpy(rng.normal(size=(2, 900))).float()
    state, head = transform.step(transform.init_state(2), x[:, :500])
    before = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    before = {key: value.clone() if torch.is_tensor(value) else value for key, value in before.items()}
    torch.save(before, tmp_path / "state.pt")
    after, tail = transform.step(state, x[:, 500:])
    again = type(state)(**torch.load(tmp_path / "state.pt", weights_only=True))
    _, tail_again = transform.step(again, x[:, 500:])
    assert torch.equal(tail, tail_again)
    assert torch.equal(state.samples, before["samples"])
    joined = torch.cat([head, tail, transform.flush(after)], dim=-1)
    assert relative(joined, transform(x).values) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_blocks_join_to_the_whole_and_do_not_depend_on_their_length(name, rng, monkeypatch):
    x = rng.normal(size=(2, 30_000)).astype(np.float32)
    transform = make_transform(name)
    whole = transform(x).values
    blocks = list(transform.blocks(x))
    assert len(blocks) > 2
    assert torch.equal(torch.cat(blocks, dim=-1), whole)
    monkeypatch.setattr("radarode.signal.blocks.BLOCK_SAMPLES", 4000)
    assert relative(transform(x).values, whole) < 1e-5


def test_channels_are_independent_and_scale_is_linear(rng):
    x = rng.normal(size=(3, 1000))
    transform = make_transform("sst")
    whole = transform(x).values
    assert relative(transform(x[1:2]).values, whole[1:2]) < 1e-5
    assert relative(transform(1e-4 * x).values, 1e-4 * whole) < 1e-5


@pytest.mark.parametrize("threads", [1, 2])
def test_thread_setting_is_left_alone(threads, rng):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        make_transform("cwt")(rng.normal(size=(3, 900)))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", NAMES)
def test_silence_gives_zeros(name):
    assert float(make_transform(name)(np.zeros((1, 900))).values.abs().max()) == 0


@pytest.mark.parametrize(
    ("x", "word"),
    [
        (np.zeros(800), "channel, time"),
        (np.zeros((0, 800)), "channel, time"),
        (np.full((1, 800), np.nan), "finite"),
        (np.full((1, 800), np.inf), "finite"),
    ],
)
def test_bad_samples_are_refused(x, word):
    transform = make_transform("sst")
    with pytest.raises(InputError, match=word):
        transform(x)
    with pytest.raises(InputError, match=word):
        transform.step(transform.init_state(1), x)


def test_another_channel_count_is_refused():
    transform = make_transform("sst")
    with pytest.raises(InputError, match="2 channels"):
        transform.step(transform.init_state(2), np.zeros((3, 10)))
    with pytest.raises(InputError, match="n_channels"):
        transform.init_state(0)


@pytest.mark.parametrize(
    ("name", "settings", "word"),
    [
        ("wvd", {}, "one of sst"),
        ("sst", {"bining": "linear"}, "binning"),
        ("sst", {"binning": "round"}, "linear"),
        ("sst", {"band_hz": (5.0, 1.0)}, "band_hz"),
        ("sst", {"band_hz": (1.0, 60.0)}, "internal_rate_hz"),
        ("sst", {"n_rows": 1}, "n_rows"),
        ("sst", {"internal_rate_hz": 100.0}, "multiple"),
        ("sst", {"fs_hz": 250.371}, "Resample"),
        ("sst", {"fs_hz": -1.0}, "positive"),
        ("cwt", {"fs_hz": 60.0}, "rates"),
        ("cwt", {"support_s": 0.0}, "support_s"),
        ("stft", {"window_sigma_s": 0.0}, "window_sigma_s"),
    ],
)
def test_bad_settings_are_refused(name, settings, word):
    with pytest.raises(InputError, match=word):
        make_transform(name, **settings)


@pytest.mark.parametrize("fs_hz", [100, 250, 200])
def test_channels_side_by_side_and_in_pieces_are_the_whole(fs_hz, rng):
    x = rng.normal(size=(3, 40 * fs_hz)).astype(np.float32)
    transform = make_transform("sst", fs_hz=fs_hz, support_s=1.0)
    whole = transform(x).values
    assert whole.shape[2] == transform.n_frames(40 * fs_hz)
    assert relative(torch.cat([transform(one[None]).values for one in x]), whole) < 1e-6
    assert relative(stream(transform, x, [17 * fs_hz, 1, 23 * fs_hz]), whole) < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_a_record_without_samples_has_no_frames(name):
    assert make_transform(name)(np.zeros((2, 0))).values.shape == (2, 71, 0)


@pytest.mark.parametrize(
    ("name", "settings"), [("sst", {}), ("cwt", {}), ("stft", {}), ("stft", {"window_sigma_s": 1.0})]
)
def test_a_live_update_is_the_product_with_the_filters_under_a_large_offset(name, settings, rng):
    bank = make_transform(name, **settings).bank
    x = torch.from_numpy((rng.normal(size=(2, bank.width + 3 * bank.samples)) + 1e4).astype(np.float32))
    position = np.arange(bank.width) - bank.half
    for point in range(bank.points):
        filters = bank.atoms.sample((position - point * bank.samples / bank.points) / bank.fs_hz)[: bank.n_parts]
        exact = np.stack([x[:, : bank.width].double().numpy() @ (one.T / bank.fs_hz) for one in filters])
        found = bank(x, 4)[..., point].numpy()
        quiet = np.stack([rng.normal(size=bank.width) @ (one.T / bank.fs_hz) for one in filters])
        assert (np.abs(found - exact) < 1e-3 * np.abs(quiet).max() + 1e-6 * np.abs(exact)).all()
