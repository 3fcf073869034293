"""Real OTLP receivers for tests, over gRPC and HTTP, and readers of what they got."""

import gzip
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, NamedTuple

import grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint

type_of_path = {
    "/v1/traces": (ExportTraceServiceRequest, ExportTraceServiceResponse),
    "/v1/metrics": (ExportMetricsServiceRequest, ExportMetricsServiceResponse),
}


class ReceivedSpan(NamedTuple):
    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    start: int
    end: int
    attributes: dict[str, Any]


class ReceivedPoint(NamedTuple):
    metric: str
    unit: str
    monotonic: bool
    temporality: int
    value: int | float
    attributes: dict[str, Any]


class Receiver:
    """What arrived, as it arrived."""

    def __init__(self, protocol: str, endpoint: str = "") -> None:
        self.protocol = protocol
        self.endpoint = endpoint
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        self.clear()

    def clear(self) -> None:
        self.traces: list[ExportTraceServiceRequest] = []
        self.metrics: list[ExportMetricsServiceRequest] = []
        self.headers: list[dict[str, str]] = []
        self.failures: list[int] = []
        """Status codes to answer the next HTTP requests with; none are left when all is well."""

    def take(self, request: ExportTraceServiceRequest | ExportMetricsServiceRequest, headers: dict[str, str]) -> None:
        self.headers.append(headers)
        if isinstance(request, ExportTraceServiceRequest):
            self.traces.append(request)
        else:
            self.metrics.append(request)

    def spans(self) -> list[ReceivedSpan]:
        return [
            ReceivedSpan(
                span.trace_id,
                span.span_id,
                span.parent_span_id,
                span.name,
                span.start_time_unix_nano,
                span.end_time_unix_nano,
                attributes(span.attributes),
            )
            for request in self.traces
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def exports_of_points(self) -> list[list[ReceivedPoint]]:
        """The points of each export of counters, in order."""
        return [
            [
                ReceivedPoint(
                    metric.name,
                    metric.unit,
                    metric.sum.is_monotonic,
                    metric.sum.aggregation_temporality,
                    number(point),
                    attributes(point.attributes),
                )
                for resource in request.resource_metrics
                for scope in resource.scope_metrics
                for metric in scope.metrics
                for point in metric.sum.data_points
            ]
            for request in self.metrics
        ]

    def points(self) -> list[ReceivedPoint]:
        """The points of the last export: it holds all totals, because counters are cumulative."""
        return self.exports_of_points()[-1] if self.metrics else []


def number(point: NumberDataPoint) -> int | float:
    return point.as_int if point.WhichOneof("value") == "as_int" else point.as_double


def attributes(pairs: Any) -> dict[str, Any]:
    def value(of: AnyValue) -> Any:
        return getattr(of, of.WhichOneof("value"))

    assert all(isinstance(pair, KeyValue) for pair in pairs)
    found = {pair.key: value(pair.value) for pair in pairs}
    assert len(found) == len(pairs), "an attribute is there twice"
    return found


def decimal(value: float) -> Decimal:
    """The decimal that a float was made from, if it had 15 digits or fewer."""
    return Decimal(repr(value))


class _Servicer(trace_service_pb2_grpc.TraceServiceServicer, metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self, receiver: Receiver, response: Any) -> None:
        self._receiver, self._response = receiver, response

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - its name in the protocol
        self._receiver.take(request, {k: str(v) for k, v in context.invocation_metadata()})
        return self._response


@contextmanager
def grpc_receiver() -> Iterator[Receiver]:
    receiver = Receiver("grpc")
    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(_Servicer(receiver, ExportTraceServiceResponse()), server)
    metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(
        _Servicer(receiver, ExportMetricsServiceResponse()), server
    )
    receiver.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield receiver
    finally:
        server.stop(grace=None).wait()


@contextmanager
def http_receiver() -> Iterator[Receiver]:
    receiver = Receiver("http")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            decode = {"gzip": gzip.decompress, "deflate": zlib.decompress}.get(
                self.headers.get("content-encoding", ""), bytes
            )
            request_type, response_type = type_of_path[self.path]
            if receiver.failures:
                self.send_response(receiver.failures.pop(0))
                answer = b""
            else:
                receiver.take(request_type.FromString(decode(body)), {k.lower(): v for k, v in self.headers.items()})
                self.send_response(200)
                answer = response_type().SerializeToString()
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=[0.05])
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
