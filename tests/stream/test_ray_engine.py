"""Streams on Ray actors give what they give here, and go on from their state when an actor is killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from radarode.core.errors import InputError
from radarode.data.native import save_recording
from radarode.models.pretrained import Pretrained, load_model
from radarode.simulate import person_of, simulate_recording
from radarode.stream import ray_engine as ray_engine_module
from radarode.stream.ray_engine import RayEngine, RayRunner
from radarode.stream.ray_group import MOST_WAITING, StreamGroup
from radarode.stream.resume import ResumingRunner
from radarode.stream.spec import StreamSpec, open_runner
from radarode.stream.types import SourceFacts, Update

ray = pytest.importorskip("ray")
SECONDS = 24


class Heard(list[SourceFacts | Update]):
    """What listeners were told."""

    @property
    def updates(self) -> list[Update]:
        return [one for one in self if isinstance(one, Update) and one.rcg.shape[1] + len(one.settled)]

    def join(self, part: str) -> np.ndarray:
        return np.concatenate([getattr(one, part) for one in self.updates], axis=-1)

    def consecutive(self) -> bool:
        for first, size in (("rcg_first", "rcg"), ("drawn_first", "drawn"), ("settled_first", "settled")):
            at = 0
            for one in self.updates:
                if getattr(one, first) != at:
                    return False
                at += getattr(one, size).shape[-1]
        return True


@pytest.fixture(scope="module")
def weights() -> Pretrained:
    return load_model()


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    from radarode.core.ray_cluster import own_cluster

    release = own_cluster(2)
    yield
    release()


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulated") / "chest.h5"
    save_recording(path, simulate_recording(person_of(1, 0), SECONDS, "NB", np.random.default_rng(1)))
    return path


@pytest.fixture(scope="module")
def here(weights: Pretrained, recording: Path) -> Heard:
    """What the stream gives in one go, in this process."""
    heard, runner = Heard(), open_runner(spec_of(recording, float("inf")), weights)
    runner.listeners.append(heard.append)
    asyncio.run(runner.run())
    assert np.isfinite(heard.join("settled")).mean() > 0.9
    return heard


def spec_of(path: Path, speed: float, name: str = "one") -> StreamSpec:
    return StreamSpec(name, str(path), {"speed": speed})


async def until(condition: Callable[[], bool], at_most_s: float = 60.0) -> None:
    async with asyncio.timeout(at_most_s):
        while not condition():
            await asyncio.sleep(0.02)


def same(one: Heard, other: Heard) -> None:
    for part in ("rcg", "drawn", "settled"):
        np.testing.assert_allclose(one.join(part), other.join(part), atol=1e-4, err_msg=part)
    beats = [np.concatenate([u.settled_beats.r_s for u in heard.updates]) for heard in (one, other)]
    np.testing.assert_allclose(*beats, atol=1e-4)
    assert len(beats[0]) > SECONDS / 2


def test_a_killed_actors_stream_goes_on_from_its_state(
    cluster: None, weights: Pretrained, recording: Path, here: Heard
) -> None:
    async def story() -> tuple[Heard, RayRunner]:
        spec, heard = spec_of(recording, 4.0), Heard()
        other = spec_of(recording, 4.0, "two")
        engine = RayEngine(weights, [spec, other], per_group=1, save_every_s=0.3)
        runner = engine.runner(spec)
        runner.listeners.append(heard.append)
        running = asyncio.ensure_future(runner.run())
        await until(lambda: runner._saved is not None and len(heard.updates) >= 10)
        group, actor = engine.actor_of(spec.name)
        shown = len(heard.updates)
        ray.kill(actor)
        await asyncio.wait_for(running, 60.0)
        assert len(heard.updates) > shown
        assert engine.placement[spec.name] != group
        await engine.close()
        return heard, runner

    heard, runner = asyncio.run(story())
    assert (runner.state, runner.moves) == ("ended", 1)
    assert [type(one) for one in heard].count(SourceFacts) == 1, "to a viewer the stream never began anew"
    assert heard.consecutive()
    assert heard.join("rcg").shape[1] == 200 * SECONDS
    same(heard, here)


def test_streams_are_spread_and_what_fails_is_told(
    cluster: None, weights: Pretrained, recording: Path, tmp_path: Path
) -> None:
    async def story() -> None:
        specs = [spec_of(recording, 1.0, "a"), StreamSpec("b", str(tmp_path / "nowhere.h5")), StreamSpec("c", "udp:x")]
        engine = RayEngine(weights, specs, per_group=2)
        runners = [engine.runner(spec) for spec in specs]
        tasks = [asyncio.ensure_future(runner.run()) for runner in runners]
        await asyncio.wait_for(asyncio.gather(*tasks[1:]), 60.0)
        assert "nowhere.h5" in (runners[1].error or "")
        assert "udp" in (runners[2].error or "")
        assert {runner.state for runner in runners[1:]} == {"failed"}
        await until(lambda: runners[0].state == "running")
        assert set(engine.placement.values()) == {0, 1}
        tasks[0].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(tasks[0], 10.0)
        await engine.close()

    asyncio.run(story())


def test_workers_have_the_same_share_of_the_processor_as_we(cluster: None) -> None:
    assert ray.get(ray.remote(lambda: os.nice(0)).remote(), timeout=60.0) == os.nice(0)


def test_a_group_keeps_what_is_not_fetched_within_bounds(weights: Pretrained, recording: Path, tmp_path: Path) -> None:
    async def story() -> None:
        group = StreamGroup(weights, None, 0.0)
        sinks = (f"wfdb:{tmp_path / 'kept'}",)
        spec = StreamSpec("one", str(recording), {"speed": float("inf")}, sinks)
        assert await group.start(spec, None) is None
        state, items, saved = "running", 0, None
        while state == "running" or state == "starting":
            news = await group.news("one", 1.0)
            state, items, saved = news.state, items + len(news.items), news.saved or saved
            assert len(news.items) <= MOST_WAITING
        assert (state, news.error, news.dropped) == ("ended", None, 0)
        assert items >= SECONDS
        assert news.recording is not None
        assert news.recording["bytes"] > 200 * SECONDS
        assert saved is not None
        held = group._held["one"]
        for _ in range(MOST_WAITING + 5):
            group._heard(held, SourceFacts("x", 1, 200.0, "acceleration"))
        news = await group.news("one", 1.0)
        assert (len(news.items), news.dropped) == (MOST_WAITING, 5)
        await group.mark("nobody", 1.0, "x")
        await group.stop("one")

    asyncio.run(story())


def test_a_runner_goes_on_from_saved_bytes(weights: Pretrained, recording: Path, here: Heard) -> None:
    async def story() -> tuple[Heard, Heard]:
        first, second, spec = Heard(), Heard(), spec_of(recording, 20.0)
        runner, saved = open_runner(spec, weights), list[bytes]()

        def listen(what: SourceFacts | Update) -> None:
            first.append(what)
            if len(first.updates) == 20:
                saved.append(runner.save() or b"")

        runner.listeners.append(listen)
        running = asyncio.ensure_future(runner.run())
        await until(lambda: len(first.updates) >= 20)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        del first[first.index(first.updates[19]) + 1 :]
        again: ResumingRunner = open_runner(spec, weights, saved=saved[0])
        again.listeners.append(second.append)
        await again.run()
        return first, second

    first, second = asyncio.run(story())
    assert second.updates[0].rcg_first > 0, "it did not begin anew"
    whole = Heard([*first, *second])
    same(whole, here)


def test_actors_that_die_for_ever_are_replaced_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.exceptions import RayActorError

    monkeypatch.setattr(ray_engine_module, "LONGEST_PAUSE_S", 0.0)

    class Dead:
        def __getattr__(self, name: str) -> Dead:
            return self

        async def remote(self, *_: object) -> None:
            raise RayActorError

    class Deaths:
        count = 0

        def actor_of(self, name: str) -> tuple[int, Dead]:
            self.count += 1
            if self.count > 1100:
                raise InputError("enough")
            return 0, Dead()

        def lost(self, group: int) -> None: ...

    runner = RayRunner(Deaths(), StreamSpec("a", "simulate"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="enough"):
        asyncio.run(runner.run())
    assert runner.moves == 1100
