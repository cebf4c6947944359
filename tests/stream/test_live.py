"""One stream from packets to updates: consecutive, saved and loaded, begun anew."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.stream.live import LiveStream
from radarode.stream.types import Packet, SourceFacts, Update
from tests.stream.live_help import FACTS, joined, packets, simulated, trained, untrained

NAMES = ("rcg", "frames", "drawn", "settled")


def push(live: LiveStream, items: list[Packet]) -> list[Update]:
    return [update for packet in items if (update := live.push(packet)) is not None]


def consecutive(updates: list[Update]) -> bool:
    pairs = pairwise(updates)
    return all(
        getattr(after, f"{name}_first") == getattr(before, f"{name}_first") + getattr(before, name).shape[-1]
        for before, after in pairs
        for name in NAMES
    )


@pytest.fixture
def motion() -> np.ndarray:
    return simulated(20.0, 3).rcg


def test_updates_are_consecutive_and_complete(motion: np.ndarray) -> None:
    live = LiveStream(untrained(), FACTS)
    updates = push(live, packets(motion))
    assert {one.rcg.shape[1] for one in updates} == {100, 200}  # the first second comes at once
    updates.append(live.finish())
    assert consecutive(updates)
    assert {name: joined(updates, name).shape[-1] for name in NAMES} == {
        "rcg": 4000,
        "frames": 600,
        "drawn": 4000,
        "settled": 4000,
    }
    assert updates[-1].counts.samples == 4000
    assert live.finished


def test_most_packets_bring_nothing_new(motion: np.ndarray) -> None:
    live = LiveStream(untrained(), FACTS)
    answers = [live.push(packet) for packet in packets(motion[:, :1600], 10)]
    assert sum(answer is not None for answer in answers) <= 16


@pytest.mark.parametrize("cut", [3, 90])
def test_a_saved_stream_goes_on_as_if_nothing_had_happened(cut: int, motion: np.ndarray) -> None:
    items = packets(motion)
    items[60], items[61] = items[61], items[60]
    del items[90]
    whole, first = LiveStream(untrained(), FACTS), LiveStream(untrained(), FACTS)
    expected = [*push(whole, items), whole.finish()]
    updates = push(first, items[:cut])
    second = LiveStream.load(first.save(), untrained())
    updates += [*push(second, items[cut:]), second.finish()]
    for name in NAMES:
        np.testing.assert_array_equal(joined(updates, name), joined(expected, name))
    assert updates[-1].counts == expected[-1].counts
    assert updates[-1].counts.lost_samples == 20
    assert consecutive(updates)


def test_a_state_of_other_weights_or_none_is_refused(motion: np.ndarray) -> None:
    live = LiveStream(untrained(), FACTS)
    push(live, packets(motion[:, :1200]))
    data = live.save()
    with pytest.raises(InputError, match="other weights"):
        LiveStream.load(data, trained())
    with pytest.raises(InputError, match="damaged"):
        LiveStream.load(data[:-100], untrained())


def test_new_facts_end_the_old_stream_and_begin_at_zero(motion: np.ndarray) -> None:
    live = LiveStream(untrained(), FACTS)
    push(live, packets(motion[:, :1010]))
    facts = SourceFacts("other", 2, 100.0, "velocity")
    last = live.restart(facts)
    assert last is not None
    assert last.settled_first + len(last.settled) == 1010
    assert last.counts.restarts == 0
    updates = push(live, packets(motion[:2, :800], 10, 100.0))
    assert updates[0].rcg_first == updates[0].drawn_first == 0
    assert updates[0].rcg.shape[0] == 2
    assert updates[-1].counts.restarts == 1
    assert live.facts == facts


def test_a_source_that_starts_again_is_followed(motion: np.ndarray) -> None:
    live = LiveStream(untrained(), FACTS)
    before = push(live, packets(motion[:, :2000]))
    after = push(live, packets(motion[:, :2000], at_s=15.0))
    end, rest = after[0], after[1:]
    assert end.settled_first + len(end.settled) == 2000
    assert rest[0].rcg_first == 0
    assert [one.counts.restarts for one in (before[-1], end, rest[0], rest[-1])] == [0, 0, 1, 1]
    assert rest[-1].counts.samples == 2000 + sum(one.rcg.shape[1] for one in rest)
    np.testing.assert_array_equal(joined(rest, "rcg")[:, :1500], joined(before, "rcg")[:, :1500])


def test_motion_at_another_rate_gives_the_same_heart(motion: np.ndarray) -> None:
    t = np.arange(20 * 250) / 250
    fast = np.stack([np.interp(t, np.arange(4000) / 200, channel) for channel in motion])
    live = LiveStream(trained(), replace(FACTS, fs_hz=250.0))
    updates = [*push(live, packets(fast, 25, 250.0)), live.finish()]
    slow = LiveStream(trained(), FACTS)
    expected = [*push(slow, packets(motion)), slow.finish()]
    assert updates[-1].counts.samples == pytest.approx(4000, abs=1)
    found, wanted = (np.concatenate([one.drawn_beats.r_s for one in part]) for part in (updates, expected))
    assert len(wanted) > 15
    assert np.mean([np.abs(found - one).min() < 0.03 for one in wanted]) > 0.9


def test_a_stream_that_ended_begins_anew_with_the_next_packet(motion: np.ndarray) -> None:
    live = LiveStream(untrained(), FACTS)
    push(live, packets(motion[:, :900]))
    live.finish()
    updates = push(live, packets(motion[:, :900], at_s=5.0))
    assert updates[0].rcg_first == 0
    assert updates[-1].counts.restarts == 1


def test_an_empty_stream_ends(motion: np.ndarray) -> None:
    update = LiveStream(untrained(), FACTS).finish()
    assert update.rcg.shape == (3, 0)
    assert update.signal in ("warming up", "no signal")


def test_a_rate_that_nothing_has_is_refused() -> None:
    with pytest.raises(InputError, match="fs_hz"):
        LiveStream(untrained(), replace(FACTS, fs_hz=3.0))
