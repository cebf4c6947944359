from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.core.types import Recording
from radarode.data.native import save_recording
from radarode.simulate import Conditions, person_of, simulate_recording
from radarode.stream.sources.replay import ReplaySource
from radarode.stream.types import Packet, SourceFacts
from tests.stream.made import facts_of, packets_of, run, take


@pytest.fixture
def recording() -> Recording:
    conditions = Conditions(n_channels=3)
    return simulate_recording(person_of(1, 0), 6.05, "NB", np.random.default_rng(0), conditions)


@pytest.fixture
def path(recording: Recording, tmp_path: Path) -> Path:
    save_recording(tmp_path / "somebody.h5", recording)
    return tmp_path / "somebody.h5"


def test_packets_are_the_recording(recording: Recording, path: Path) -> None:
    items = run(take(ReplaySource(path, speed=math.inf), lambda _: False))
    facts, packets = facts_of(items), packets_of(items)
    assert isinstance(items[0], SourceFacts)
    assert len(facts) == 1
    assert (facts[0].name, facts[0].channels, facts[0].fs_hz, facts[0].kind) == ("somebody", 3, 200.0, "acceleration")
    assert facts[0].simulated
    assert [packet.index for packet in packets] == list(range(0, 1210, 20))
    assert all(packet.device_s is None for packet in packets)
    assert np.array_equal(np.concatenate([packet.motion for packet in packets], axis=1), recording.rcg)


def test_real_time_is_real_and_has_device_time(path: Path) -> None:
    source = ReplaySource(path)
    items = run(take(source, lambda items: len(items) >= 8))
    packets = packets_of(items)
    arrived_s = np.array([packet.arrived_s for packet in packets])
    assert arrived_s[-1] - arrived_s[0] == pytest.approx(0.6, abs=0.08)
    assert [packet.device_s for packet in packets] == pytest.approx([0.1 * k for k in range(7)])
    assert source.lost() == 0


def test_speed_is_kept(path: Path) -> None:
    packets = packets_of(run(take(ReplaySource(path, speed=20.0), lambda _: False)))
    assert packets[-1].arrived_s - packets[0].arrived_s == pytest.approx(6.0 / 20, abs=0.1)


def test_loop_begins_anew_with_facts(path: Path) -> None:
    items = run(take(ReplaySource(path, speed=math.inf, loop=True), lambda items: len(facts_of(items)) == 3))
    begins = [number for number, item in enumerate(items) if isinstance(item, SourceFacts)]
    assert begins == [0, 62, 124]
    first = items[63]
    assert isinstance(first, Packet)
    assert first.index == 0


def test_replay_can_begin_within_the_file(recording: Recording, path: Path) -> None:
    packets = packets_of(run(take(ReplaySource(path, speed=math.inf, start_s=5.5), lambda _: False)))
    assert packets[0].index == 1100
    assert np.array_equal(np.concatenate([packet.motion for packet in packets], axis=1), recording.rcg[:, 1100:])


def test_what_cannot_be_replayed_is_one_line(path: Path, tmp_path: Path) -> None:
    for speed in (0.0, -1.0, math.nan, 1e6):
        with pytest.raises(InputError, match="speed"):
            ReplaySource(path, speed=speed)
    with pytest.raises(FileNotFoundError, match="no file"):
        run(take(ReplaySource(tmp_path / "none.h5"), lambda _: False))
    (tmp_path / "junk.mat").write_bytes(b"junk" * 100)
    with pytest.raises(InputError, match=r"junk\.mat"):
        run(take(ReplaySource(tmp_path / "junk.mat"), lambda _: False))


def test_table_takes_its_rate_from_the_options(tmp_path: Path) -> None:
    table = np.random.default_rng(0).normal(size=(1000, 2))
    np.savetxt(tmp_path / "t.csv", table, delimiter=",", header="rcg_1,rcg_2", comments="")
    source = ReplaySource(tmp_path / "t.csv", speed=math.inf, fs_hz=100.0, motion="acceleration")
    packets = packets_of(run(take(source, lambda _: False)))
    assert sum(packet.motion.shape[1] for packet in packets) == pytest.approx(2000, abs=2)


def test_closing_it_early_leaves_nothing_running(path: Path) -> None:
    started_s = time.monotonic()
    run(take(ReplaySource(path), lambda items: len(items) >= 2))
    assert time.monotonic() - started_s < 5
