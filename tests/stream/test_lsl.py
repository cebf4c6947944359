from __future__ import annotations

import asyncio
import time
import uuid

import numpy as np
import pylsl
import pytest

from radarode.core.errors import InputError
from radarode.core.notice import NOTICE
from radarode.stream.sinks.lsl import MARKER, MARKERS_SUFFIX, LslSink
from radarode.stream.sources import lsl as lsl_source
from radarode.stream.sources.lsl import LslSource
from radarode.stream.types import SourceFacts
from tests.stream.made import DRAWN_ERROR, FACTS, facts_of, packets_of, run, take, truth, updates

FS_HZ = 500.0


@pytest.fixture
def name() -> str:
    return f"test {uuid.uuid4().hex[:12]}"


def outlet(name: str, rate: float = FS_HZ, form: str = "float32", kind: str = "velocity") -> pylsl.StreamOutlet:
    info = pylsl.StreamInfo(name, f"type {name}", 3, rate, form, f"id {name}")
    if kind:
        info.desc().append_child_value("kind", kind)
        info.desc().append_child_value("simulated", "true")
    return pylsl.StreamOutlet(info)


def ramp(first: int, n: int) -> np.ndarray:
    return (np.arange(first, first + n)[:, None] + [0.0, 0.25, 0.5]).astype(np.float32)


async def send(made: pylsl.StreamOutlet, seconds: float, t0_s: float = 1000.0, first: int = 0) -> int:
    """Push 50 samples every 0.1 s, stamped on a clock of the test's own."""
    for _ in range(round(10 * seconds)):
        made.push_chunk(ramp(first, 50), t0_s + (first + 49) / FS_HZ)
        first += 50
        await asyncio.sleep(0.1)
    return first


def test_samples_facts_and_time_stamps_of_a_real_outlet(name: str) -> None:
    async def work() -> tuple[list, LslSource]:
        made, source = outlet(name), LslSource(name)
        taking = asyncio.create_task(
            take(source, lambda items: sum(p.motion.shape[1] for p in packets_of(items)) >= 400)
        )
        while not made.have_consumers():
            await asyncio.sleep(0.02)
        await send(made, 1.2)
        return await taking, source

    items, source = run(work())
    assert items[0] == SourceFacts(name, 3, FS_HZ, "velocity", simulated=True)
    packets = packets_of(items)
    motion = np.concatenate([packet.motion for packet in packets], axis=1)
    first = int(motion[0, 0])
    assert np.array_equal(motion, ramp(first, motion.shape[1]).T)
    places = first + np.cumsum([0] + [packet.motion.shape[1] for packet in packets])[:-1]
    stamps_s = [packet.device_s for packet in packets]
    assert stamps_s == pytest.approx((1000.0 + places / FS_HZ).tolist(), abs=1e-3)
    assert source.lost() == 0


def test_stream_can_be_named_by_its_type_and_kind_be_said(name: str) -> None:
    made = outlet(name, kind="")
    facts = run(take(LslSource(f"type=type {name}", kind="displacement"), lambda items: bool(items)))[0]
    assert isinstance(facts, SourceFacts)
    assert (facts.kind, facts.simulated, facts.warnings) == ("displacement", False, ())
    facts = run(take(LslSource(name), lambda items: bool(items)))[0]
    assert isinstance(facts, SourceFacts)
    assert facts.kind == "acceleration"
    assert "does not say" in facts.warnings[0]
    del made


def test_source_that_never_starts_is_one_clear_line(name: str) -> None:
    started_s = time.monotonic()
    with pytest.raises(InputError, match="no LSL stream") as caught:
        run(take(LslSource(name, timeout_s=0.8), lambda _: False))
    assert time.monotonic() - started_s < 20
    assert "\n" not in str(caught.value)


def test_irregular_text_and_absurd_rates_are_refused(name: str) -> None:
    for rate, form, words in ((0.0, "float32", "irregular"), (5.0, "float32", "srate"), (100.0, "string", "text")):
        made = outlet(f"{name} {words}", rate, form)
        with pytest.raises(InputError, match=words):
            run(take(LslSource(f"{name} {words}"), lambda _: False))
        del made


def test_returning_outlet_is_found_again_and_described_anew(name: str) -> None:
    async def work() -> tuple[list, LslSource]:
        source, made = LslSource(name), outlet(name)
        taking = asyncio.create_task(take(source, lambda items: len(facts_of(items)) == 2, 30.0))
        while not made.have_consumers():
            await asyncio.sleep(0.02)
        await send(made, 0.4)
        del made
        await asyncio.sleep(0.3)
        again = outlet(name)
        items = await taking
        del again
        return items, source

    items, source = run(work())
    assert len(packets_of(items)) >= 2
    assert source.reconnects == 1


def test_cancelling_ends_it_at_once(name: str) -> None:
    async def work() -> float:
        taking = asyncio.create_task(take(LslSource(name, timeout_s=60), lambda _: False))
        await asyncio.sleep(0.2)
        started_s = time.monotonic()
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        return time.monotonic() - started_s

    assert run(work()) < 2.0


def inlet(stream: str) -> pylsl.StreamInlet:
    found = pylsl.resolve_byprop("name", stream, timeout=10.0)
    assert found
    made = pylsl.StreamInlet(found[0])
    made.open_stream(timeout=5.0)
    return made


def test_sink_offers_the_ecg_and_its_beats(name: str) -> None:
    sink = LslSink(name)
    sink.begin(FACTS)
    ecg, markers = inlet(name), inlet(f"{name}{MARKERS_SUFFIX}")
    for made, label in ((ecg, "ECG reconstructed"), (markers, "R peak")):
        info = made.info(timeout=5.0)
        assert info.get_channel_labels() == [label]
        assert info.desc().child_value("notice") == NOTICE
        assert info.desc().child_value("simulated") == "true"
    for update in updates(8.0):
        sink.write(update)
    samples, stamps_s, r_s = [], [], []
    until_s = time.monotonic() + 10
    while (len(samples) < 1600 or len(r_s) < 8) and time.monotonic() < until_s:
        more, when_s = ecg.pull_chunk(timeout=0.2)
        samples, stamps_s = samples + more, stamps_s + when_s
        beats, times_s = markers.pull_chunk(timeout=0.0)
        assert all(beat == [MARKER] for beat in beats)
        r_s += times_s
    assert ecg.info(timeout=5.0).nominal_srate() == 200.0
    values = np.array(samples)[:, 0]
    assert np.allclose(values, truth(1600) + DRAWN_ERROR, atol=1e-5)
    stamps = np.array(stamps_s)
    for number, marker_s in enumerate(r_s):
        place = int(np.argmin(np.abs(stamps - marker_s)))
        assert abs(place - (50 + 200 * number)) <= 100  # the clock settles while the test runs faster than real time
    sink.close()
    sink.close()


def test_bad_options_are_one_line() -> None:
    for make, words in (
        (lambda: LslSource("x", timeout_s=0.0), "timeout_s"),
        (lambda: LslSource("x", kind="speed"), "kind"),  # type: ignore[arg-type]
        (lambda: LslSource("type="), "stream"),
        (lambda: LslSink(" "), "name"),
    ):
        with pytest.raises(InputError, match=words):
            make()


def test_outlet_that_is_found_but_cannot_be_reached_is_one_clear_line(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(_found: pylsl.StreamInfo) -> None:
        time.sleep(3.0)
        raise pylsl.util.TimeoutError("the operation failed due to a timeout.")

    monkeypatch.setattr(lsl_source, "_open", unreachable)
    made = outlet(name)
    with pytest.raises(InputError, match="was found but could not be reached within 3 s") as caught:
        run(take(LslSource(name, timeout_s=3.0), lambda _: False, 12.0))
    assert "\n" not in str(caught.value)
    del made
