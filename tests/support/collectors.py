"""Real receivers of metrics: a StatsD server and an OpenTelemetry collector, each on a free local port."""

from __future__ import annotations

import re
import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

_LINE = re.compile(r"(?P<name>[\w.]+)(?P<tags>(,[^:]*)?):(?P<value>-?[\d.]+)\|(?P<kind>\w+)")


@dataclass(frozen=True)
class Metric:
    """One received measurement: its name, kind, value, and the stream in its tags, None without one."""

    name: str
    kind: str
    value: float
    stream: str | None


@dataclass
class Collector:
    """The measurements received at a port."""

    port: int
    metrics: list[Metric] = field(default_factory=list)

    def find(self, prefix: str) -> dict[str, list[Metric]]:
        """Return the metrics whose name begins with a prefix, by the rest of the name."""
        found: dict[str, list[Metric]] = {}
        for metric in self.metrics:
            if metric.name.startswith(prefix):
                found.setdefault(metric.name.removeprefix(prefix), []).append(metric)
        return found


@contextmanager
def collect_statsd() -> Generator[Collector]:
    """Receive StatsD lines by UDP, with tags in InfluxDB's format."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))
        listening.settimeout(0.1)
        collector, running = Collector(listening.getsockname()[1]), [True]

        def receive() -> None:
            while True:  # also reads what is in the socket's buffer at the end
                try:
                    text = listening.recv(65_535).decode()
                except TimeoutError:
                    if not running:
                        return
                    continue
                collector.metrics += _read_lines(text)

        thread = Thread(target=receive, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            running.clear()
            thread.join()


def _read_lines(text: str) -> Iterator[Metric]:
    for found in _LINE.finditer(text):
        tags = dict(pair.split("=", 1) for pair in found["tags"].split(",") if "=" in pair)
        kind = {"c": "counter", "g": "gauge"}.get(found["kind"], found["kind"])
        yield Metric(found["name"], kind, float(found["value"]), tags.get("stream"))


@contextmanager
def collect_otlp() -> Generator[Collector]:
    """Receive OpenTelemetry's metrics by HTTP."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = ExportMetricsServiceRequest()
            request.ParseFromString(self.rfile.read(int(self.headers["Content-Length"])))
            collector.metrics += _read_request(request)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_port)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()


def _read_request(request: ExportMetricsServiceRequest) -> Iterator[Metric]:
    scopes = (scope for resource in request.resource_metrics for scope in resource.scope_metrics)
    for metric in (metric for scope in scopes for metric in scope.metrics):
        kind = "counter" if metric.HasField("sum") else "gauge"
        for point in (metric.sum if kind == "counter" else metric.gauge).data_points:
            tags = {tag.key: tag.value.string_value for tag in point.attributes}
            value = point.as_double if point.HasField("as_double") else point.as_int
            yield Metric(metric.name, kind, float(value), tags.get("stream"))
