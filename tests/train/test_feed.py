"""Batches of windows: parts of a batch are the batch, whoever draws them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from radarode.core.errors import InputError
from radarode.core.types import Segments
from radarode.data.augment import AugmentSettings
from radarode.data.store import open_store
from radarode.data.store_writer import write_store
from radarode.simulate import iter_recordings
from radarode.simulate.cohort import plain_cohort
from radarode.tasks import TaskSettings
from radarode.train.feed import WindowFeed, make_feed
from radarode.train.ranks import Ranks
from radarode.train.share import Divisible, SharedFeed, rows_of

EVERYTHING = AugmentSettings(noise_share=0.5, movement_share=0.5)


@pytest.fixture(scope="module")
def feed(tmp_path_factory: pytest.TempPathFactory) -> WindowFeed:
    folder = tmp_path_factory.mktemp("data") / "store"
    people = iter_recordings(plain_cohort(3, 2, 16.0))
    write_store(folder, people, {"name": "sst"}, max_channels=3, rng=np.random.default_rng(0))
    store = open_store(folder)
    return make_feed(
        store.recordings, TaskSettings(), step_s=0.5, scaling="log_mean",
        freqs_hz=np.asarray(store.index["freqs_hz"]), augment=EVERYTHING, channels=(1, 5), seed=3,
    )  # fmt: skip


def joined(parts: list[Segments]) -> Segments:
    start_s = np.concatenate([part.start_s for part in parts])
    targets = [
        torch.cat([dict(part.targets.items())[name] for part in parts]) for name in ("shape", "length", "anchor")
    ]
    return Segments(torch.cat([part.inputs for part in parts]), start_s, type(parts[0].targets)(*targets))


def assert_same(one: Segments, other: Segments) -> None:
    assert torch.equal(one.inputs, other.inputs)
    assert np.array_equal(one.start_s, other.start_s)
    for (name, a), (_, b) in zip(one.targets.items(), other.targets.items(), strict=True):
        assert torch.equal(a.nan_to_num(-1.0), b.nan_to_num(-1.0)), name


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_parts_of_all_ranks_are_the_whole_batch(feed: WindowFeed, size: int) -> None:
    whole = list(feed.epoch(1, 12, 3, first_step=1))
    parts = [list(feed.part(rank, size).epoch(1, 12, 3, first_step=1)) for rank in range(size)]
    assert len(whole) == 2
    assert {len(part.start_s) for one in parts for part in one} == {12 // size}
    for batch, *shares in zip(whole, *parts, strict=True):
        assert_same(batch, joined(shares))


def test_cutting_a_batch_gives_the_same_parts(feed: WindowFeed) -> None:
    (whole,) = feed.epoch(0, 12, 1)
    (part,) = feed.part(1, 3).epoch(0, 12, 1)
    assert_same(rows_of(whole, 1, 3), part)


def test_every_second_batch_in_order(feed: WindowFeed) -> None:
    whole = list(feed.in_order(5))
    for rank in range(2):
        for one in (SharedFeed(feed, Ranks(rank, 2), torch.device("cpu")), feed.part(rank, 2)):
            found = list(one.in_order(5))
            assert len(found) == len(whole[rank::2])
            for a, b in zip(found, whole[rank::2], strict=True):
                assert_same(a, b)


class Whole:
    """Feed that cannot be divided."""

    def __init__(self, feed: WindowFeed) -> None:
        self.steps, self.epoch, self.in_order = feed.steps, feed.epoch, feed.in_order


def test_a_feed_of_whole_batches_is_cut(feed: WindowFeed) -> None:
    assert isinstance(feed, Divisible)
    assert not isinstance(Whole(feed), Divisible)
    for rank in range(2):
        ranks = Ranks(rank, 2)
        ours, theirs = (SharedFeed(one, ranks, torch.device("cpu")) for one in (feed, Whole(feed)))
        for a, b in zip(ours.epoch(2, 6, 2), theirs.epoch(2, 6, 2), strict=True):
            assert_same(a, b)
        for a, b in zip(ours.in_order(4), theirs.in_order(4), strict=True):
            assert_same(a, b)


def test_fewer_windows_than_processes_are_refused(feed: WindowFeed) -> None:
    with pytest.raises(InputError, match="cannot be shared by 64 processes"):
        next(feed.part(0, 64).epoch(0, 1000, 1))
