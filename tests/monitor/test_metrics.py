"""Metrics hold what the service knows, in Prometheus' format."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.monitor.fakes import Running, next_of, until


def values(text: str) -> dict[tuple[str, str], float]:
    """Return {(metric, label values): value}."""
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_of_streams_viewers_refusals_and_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("radarode.monitor.service.FIRST_WAIT_S", 60.0)  # one failure, however long the test takes

    async def story() -> None:
        async with Running("run", "fails") as monitor, monitor.connect() as viewer:
            await next_of(viewer, "state", stream=0)
            await until(lambda: monitor.service.lines[1].failures == 1)
            await monitor.get("/", Host="evil.example")
            answer = await monitor.get("/metrics")
            assert answer.headers["content-type"].startswith("text/plain")
            found = values(answer.text)
            assert found["radarode_streams", ""] == 2
            assert found["radarode_viewers", ""] == 1
            states = {key: value for key, value in found.items() if key[0] == "radarode_stream_state" and value}
            assert sorted(" ".join(sorted(key[1].split())) for key in states) == ["0 running stream", "1 failed stream"]
            assert found["radarode_heart_rate_bpm", "stream 0"] == 60
            assert ("radarode_heart_rate_bpm", "stream 1") not in found, "not known is not 0"
            assert found["radarode_lag_seconds", "stream 0"] == 2.5
            assert found["radarode_samples_total", "stream 0"] > 0
            assert found["radarode_source_failures", "stream 1"] == 1
            assert found["radarode_requests_refused_total", "this name is not one of the monitor's"] == 1
            assert found["process_resident_memory_bytes", ""] > 1e7
            assert found["process_cpu_seconds_total", ""] > 0
            again = values((await monitor.get("/metrics")).text)
            assert again["radarode_samples_total", "stream 0"] >= found["radarode_samples_total", "stream 0"]

    asyncio.run(story())


def test_two_services_in_one_process_do_not_mix() -> None:
    async def story() -> None:
        async with Running("run") as one, Running("run", "run") as two:
            assert values((await one.get("/metrics")).text)["radarode_streams", ""] == 1
            assert values((await two.get("/metrics")).text)["radarode_streams", ""] == 2

    asyncio.run(story())


def test_samples_that_the_disk_did_not_take_are_a_metric() -> None:
    async def story() -> None:
        async with Running("run", "run") as monitor:
            said = {"path": "a.hea", "bytes": 7, "error": None, "lost_samples": 400, "sink_errors": None}
            monitor.service.lines[0].watch.recording = lambda: said
            text = (await monitor.get("/metrics")).text
            found = values(text)
            assert found["radarode_recording_lost_samples_total", "stream 0"] == 400
            assert ("radarode_recording_lost_samples_total", "stream 1") not in found
            assert "lost on the link" in next(line for line in text.splitlines() if "HELP radarode_refused" in line)

    asyncio.run(story())
