"""A radar over a bad link, through real UDP on the loopback, to the ECG: nothing crashes, and every loss is counted."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np

from radarode.models.pretrained import load_model
from radarode.stream.player import Faults
from radarode.stream.runner import Runner
from radarode.stream.types import SourceFacts, StreamSettings, Update
from tests.stream.made import until
from tests.stream.radar_udp import capture, playing, source

SPEED, SECONDS = 6.0, 36.0
DARK_S = (14.0, 10.0)
WINDOW_S = 4.0
FAULTS = Faults(lost=0.05, reordered=0.05, corrupt=0.01, blackout_s=DARK_S, seed=4)


def test_losses_reordering_damage_and_a_blackout(tmp_path: Path) -> None:
    path, settings = capture(tmp_path, SECONDS), StreamSettings()
    udp = source(SPEED)
    runner = Runner(udp, load_model("default"), settings)
    told: list[SourceFacts | Update] = []
    runner.listeners.append(told.append)

    async def go() -> dict[str, float]:
        task = asyncio.create_task(runner.run())
        async with playing(path, udp, FAULTS, SPEED) as player:
            pass
        sent = player.played
        await until(
            lambda: udp.counts.received + udp.counts.damaged >= sent.intact + sent.reordered + sent.corrupt, 40.0
        )
        end = round((SECONDS - 1.0) * 200)
        await until(lambda: runner.last is not None and runner.counts.samples >= end, 40.0)
        assert not task.done()
        assert (runner.state, runner.error) == ("running", None)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return player.played.to_dict()

    played = asyncio.run(go())
    counts = udp.counts
    assert played["lost"] == round(0.05 * played["packets"])
    assert played["corrupt"] == round(0.01 * played["packets"])
    assert counts.received == played["packets"] - played["missing"]
    assert counts.lost == udp.lost() == played["missing"]
    assert counts.damaged == played["corrupt"]
    assert (counts.repeated, counts.late, counts.restarts) == (0, 0, 0)
    assert runner.counts.refused_packets == played["missing"]
    assert (runner.counts.dropped_packets, runner.counts.late_packets, runner.counts.restarts) == (0, 0, 0)
    assert isinstance(told[0], SourceFacts)
    assert told[0].simulated
    _check_recovery([one for one in told if isinstance(one, Update) and one.rcg.shape[1]], settings)


def _check_recovery(updates: list[Update], settings: StreamSettings) -> None:
    """The ECG is there before the blackout, missing in it, and there again within a window and the lag behind it."""
    begin, end = (round(200 * at) for at in (DARK_S[0], sum(DARK_S)))
    assert [one.drawn_first + len(one.drawn) for one in updates[:-1]] == [one.drawn_first for one in updates[1:]]
    drawn = np.concatenate([one.drawn for one in updates])
    motion = np.concatenate([one.rcg for one in updates], axis=1)
    gap = np.isnan(motion).all(axis=0)
    assert gap[begin + 20 : end - 20].all()
    assert gap.sum() < 10.3 * 200
    assert np.isfinite(drawn[1000:begin]).mean() > 0.9
    assert np.isnan(drawn[begin + 200 : end - 200]).all()
    back = next(one for one in updates if np.isfinite(one.drawn[max(0, end - one.drawn_first) :]).any())
    seen_s = (back.rcg_first + back.rcg.shape[1] - end) / 200
    assert seen_s <= WINDOW_S + settings.draw_after_s + settings.hop_s
    first = end + int(np.argmax(np.isfinite(drawn[end:])))
    assert (first - end) / 200 <= WINDOW_S
    assert np.isfinite(drawn[first:]).mean() > 0.9
    beats = np.concatenate([one.drawn_beats.r_s for one in updates])
    after = beats[beats > end / 200 + WINDOW_S]
    assert 60 / np.median(np.diff(after)) == np.clip(60 / np.median(np.diff(after)), 60, 80)
