"""Metrics in Prometheus' format, read from the service whenever they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from radarode.core.version import __version__
from radarode.monitor.service import Line, Service

STATES = ("starting", "running", "ended", "failed")
_COUNTS = {
    "samples": "samples at 200 Hz, gaps included",
    "lost_samples": "samples at 200 Hz that never arrived",
    "late_packets": "packets that came too late or twice",
    "dropped_packets": "packets that this machine was too slow for",
    "refused_packets": "packets that could not be read, and those lost on the link to the source",
    "restarts": "times the stream began anew",
}


class ServiceCollector(Collector):
    """Read the service's figures."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        lines, hub = self._service.lines, self._service.hub
        info = GaugeMetricFamily("radarode_info", "1; the version is a label", labels=["version"])
        info.add_metric([__version__], 1)
        yield info
        yield GaugeMetricFamily("radarode_streams", "streams of the service", value=len(lines))
        yield from self._states(lines)
        yield _gauge("radarode_heart_rate_bpm", "heart rate, where quality carries one", lines, _rate)
        yield _gauge("radarode_quality", "quality of the last beats", lines, _quality)
        yield _gauge("radarode_lag_seconds", "how far the drawn ECG is behind the newest motion", lines, _lag)
        yield _gauge("radarode_alarms", "alarms that stand", lines, lambda line: float(len(line.watch.alarms)))
        yield _gauge("radarode_source_failures", "failures in a row", lines, lambda line: float(line.failures))
        for name, text in _COUNTS.items():
            counter = CounterMetricFamily(f"radarode_{name}", text, labels=["stream"])
            for line in lines:
                counter.add_metric([line.spec.name], getattr(line.watch.counts, name))
            yield counter
        yield _lost_on_disk(lines)
        yield GaugeMetricFamily("radarode_viewers", "open pages", value=hub.viewers)
        yield CounterMetricFamily("radarode_viewer_messages_dropped", "messages too many for slow viewers", hub.dropped)
        yield _reasons("radarode_viewers_closed", "viewers that were closed", hub.closed)
        yield _reasons("radarode_requests_refused", "requests that were refused", self._service.refused)

    def _states(self, lines: tuple[Line, ...]) -> Iterator[Metric]:
        state = GaugeMetricFamily("radarode_stream_state", "1 for the state it is in", labels=["stream", "state"])
        signal = GaugeMetricFamily("radarode_stream_signal", "1 for what it sees", labels=["stream", "signal"])
        for line in lines:
            for one in STATES:
                state.add_metric([line.spec.name, one], float(one == line.state))
            signal.add_metric([line.spec.name, line.watch.signal], 1)
        yield state
        yield signal


def make_registry(service: Service) -> CollectorRegistry:
    """Return a registry of the service and of this process (CPU, memory, files)."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServiceCollector(service))
    ProcessCollector(registry=registry)
    return registry


def exposition(registry: CollectorRegistry) -> bytes:
    """Return the metrics as text."""
    return generate_latest(registry)


def _gauge(name: str, text: str, lines: tuple[Line, ...], value: Callable[[Line], float | None]) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, text, labels=["stream"])
    for line in lines:
        found = value(line)
        if found is not None:
            gauge.add_metric([line.spec.name], found)
    return gauge


def _reasons(name: str, text: str, counts: dict[str, int]) -> CounterMetricFamily:
    counter = CounterMetricFamily(name, text, labels=["reason"])
    for reason, count in counts.items():
        counter.add_metric([reason], count)
    return counter


def _lost_on_disk(lines: tuple[Line, ...]) -> CounterMetricFamily:
    text = "samples at 200 Hz that no recorded file has because the disk was full"
    counter = CounterMetricFamily("radarode_recording_lost_samples", text, labels=["stream"])
    for line in lines:
        recording = line.watch.recording()
        if recording is not None:
            counter.add_metric([line.spec.name], recording.get("lost_samples", 0))
    return counter


def _rate(line: Line) -> float | None:
    return line.watch.heart_rate_bpm


def _quality(line: Line) -> float | None:
    return None if line.watch.last is None else line.watch.last.quality


def _lag(line: Line) -> float | None:
    return None if line.watch.last is None else line.watch.last.lag_s
