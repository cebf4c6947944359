from __future__ import annotations

from pathlib import Path

import pytest

from radarode.stream.outlets import Outlets
from radarode.stream.resume import ResumingRunner
from radarode.stream.sinks.recorder import Recorder
from radarode.stream.sources import open_source
from radarode.stream.spec import recording_of
from tests.stream.live_help import untrained
from tests.stream.made import FACTS, run, updates


class Broker:
    """A sink that nobody answers."""

    def begin(self, facts: object) -> None: ...

    def write(self, update: object) -> None:
        raise OSError("no broker")

    def close(self) -> None: ...


def runner_after_updates(*sinks: Broker | Recorder) -> ResumingRunner:
    runner = ResumingRunner(open_source("simulate:7"), untrained(), sinks=sinks)

    async def story(outlets: Outlets) -> None:
        await outlets.begin(FACTS)
        for update in updates(5.0):
            await outlets.write(update)

    run(story(runner._outlets))
    return runner


def test_a_broker_out_of_reach_does_not_mean_that_nothing_is_recorded(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    said = recording_of(runner_after_updates(Broker(), recorder))
    assert said is not None
    assert (said["error"], said["sink_errors"], said["lost_samples"]) == (None, "no broker", 0)
    assert said["bytes"] > 0
    recorder.close()


def test_errors_of_the_recorder_are_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path)

    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(recorder, "_store", full)
    said = recording_of(runner_after_updates(recorder))
    assert said is not None
    assert said["error"].startswith("No space left on device")
    assert said["sink_errors"] is None


def test_without_a_recorder_only_the_other_sinks_are_told_of() -> None:
    said = recording_of(runner_after_updates(Broker()))
    assert said == {"path": None, "bytes": 0, "error": None, "lost_samples": 0, "sink_errors": "no broker"}
    assert recording_of(ResumingRunner(open_source("simulate:7"), untrained())) is None
