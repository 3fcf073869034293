"""Telemetry of a measurement: where it goes, when it goes nowhere, and what is said when it does not arrive."""

import io
import json
import logging
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_DELTA

from durameter.errors import UsageError
from durameter.telemetry import ExporterName, Telemetry, open_telemetry
from durameter_collectors.otel import UnitTelemetry
from durameter_collectors.units import TaskLabel, Unit
from otlp_receiver import Receiver, attributes, grpc_receiver, http_receiver
from running import patience

pytestmark = pytest.mark.long

TASK = TaskLabel("durameter/support_agent", "default", "task-1")
START = datetime(2026, 11, 23, 10, tzinfo=UTC)
END = START + timedelta(seconds=9)

UNIT = Unit(
    engine="temporal",
    workload=TASK.workload,
    variant=TASK.variant,
    task=TASK.task,
    run="run-1",
    kind="schedule_activity",
    cause="call_model",
    step="message 1 / call_model 1",
    attempt=1,
    quantity=Decimal(1),
    reading="documented",
    rule="activity",
    time=START,
    source="history",
    evidence="5",
)
SPANS = 4  # of a task with one unit: task, run, step, unit


def record(telemetry: UnitTelemetry | None, units: list[Unit] | None = None) -> None:
    assert telemetry is not None
    telemetry.record_task(units or [UNIT], task=TASK, engine="temporal", state="completed", started=START, ended=END)


def measure(exporter: ExporterName | None = None, **options: Any) -> Telemetry:
    """One measurement with one task of one unit."""
    telemetry = open_telemetry(exporter, **options)
    with telemetry as units:
        record(units)
    return telemetry


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Without the OTEL_* variables that the tests' own machine may have."""
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture(scope="module")
def running_grpc() -> Iterator[Receiver]:
    with grpc_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def running_http() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


@pytest.fixture
def grpc(running_grpc: Receiver) -> Receiver:
    running_grpc.clear()
    return running_grpc


@pytest.fixture
def http(running_http: Receiver) -> Receiver:
    running_http.clear()
    return running_http


@pytest.fixture(params=["otlp-grpc", "otlp-http"])
def exporter(request: pytest.FixtureRequest) -> ExporterName:
    name: ExporterName = request.param
    return name


@pytest.fixture
def receiver(exporter: ExporterName, grpc: Receiver, http: Receiver, environment: pytest.MonkeyPatch) -> Receiver:
    """The receiver that the exporter's endpoint points to."""
    chosen = grpc if exporter == "otlp-grpc" else http
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", chosen.endpoint)
    return chosen


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port on which connections would be seen, and are never answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        yield server


def url(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


# Where it goes


def test_a_setting_exports_both_signals(receiver: Receiver, exporter: ExporterName) -> None:
    telemetry = measure(exporter)
    assert telemetry.warnings == []
    assert sorted(span.name for span in receiver.spans()) == [
        "message 1 / call_model 1",
        "run",
        "schedule_activity",
        "task",
    ]
    (point,) = receiver.points()
    assert (point.metric, point.value) == ("durameter.temporal.actions", 1)
    assert len(receiver.metrics) == 1  # the shutdown does not send them again


@pytest.mark.parametrize(
    ("variables", "traces", "metrics"),
    [
        ({}, "", ""),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "grpc", ""),  # gRPC is the SDK's own default
        ({"OTEL_METRICS_EXPORTER": "otlp"}, "", "grpc"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp"}, "grpc", "grpc"),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            },
            "http",
            "http",
        ),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
                "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
            },
            "grpc",
            "http",
        ),
        (
            {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_METRICS_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            },
            "http",
            "grpc",
        ),
        ({"OTEL_TRACES_EXPORTER": " OTLP ", "OTEL_METRICS_EXPORTER": "None"}, "grpc", ""),
        ({"OTEL_TRACES_EXPORTER": "otlp_proto_http", "OTEL_METRICS_EXPORTER": "otlp_proto_grpc"}, "http", "grpc"),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "True"}, "", ""),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "false"}, "grpc", ""),
    ],
)
def test_the_standard_variables_choose(
    *,
    grpc: Receiver,
    http: Receiver,
    environment: pytest.MonkeyPatch,
    variables: dict[str, str],
    traces: str,
    metrics: str,
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    for signal, wanted in (("TRACES", traces), ("METRICS", metrics)):
        to_http = wanted == "http"
        endpoint = http.endpoint + f"/v1/{signal.lower()}" if to_http else grpc.endpoint
        environment.setenv(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", endpoint)

    telemetry = open_telemetry()
    with telemetry as units:
        assert (units is not None) == bool(traces or metrics)
        if units is not None:
            record(units)

    assert telemetry.warnings == []
    arrived = [(r.protocol, len(r.spans()), len(r.points())) for r in (grpc, http)]
    assert arrived == [(p, SPANS * (p in traces), int(p in metrics)) for p in ("grpc", "http")]


def test_a_signal_may_go_to_two_places(http: Receiver, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OTEL_TRACES_EXPORTER", "console, otlp")
    environment.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http.endpoint)
    stream = io.StringIO()
    assert measure(stream=stream).warnings == []
    assert len(json_documents(stream.getvalue())) == len(http.spans()) == SPANS


def test_the_setting_wins_over_the_variables(http: Receiver, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OTEL_TRACES_EXPORTER", "console")
    environment.setenv("OTEL_METRICS_EXPORTER", "none")
    environment.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http.endpoint)
    stream = io.StringIO()
    assert measure("otlp-http", stream=stream).warnings == []
    assert (len(http.spans()), len(http.points()), stream.getvalue()) == (SPANS, 1, "")


# How it goes there


def test_the_exporters_read_headers_and_compression(
    receiver: Receiver, exporter: ExporterName, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc,x-team=cost")
    environment.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    assert measure(exporter).warnings == []
    assert (len(receiver.spans()), len(receiver.points())) == (SPANS, 1)
    for headers in receiver.headers:
        assert headers["authorization"] == "Bearer abc"
        assert headers["x-team"] == "cost"
        if exporter == "otlp-http":  # gRPC does not show it
            assert headers["content-encoding"] == "gzip"


def test_the_resource_says_who_measures(receiver: Receiver, exporter: ExporterName) -> None:
    measure(exporter)
    for found in resources(receiver):
        assert found["service.name"] == "durameter"
        assert found["service.version"] == version("durameter")
        assert found["telemetry.sdk.language"] == "python"
    for request in receiver.traces:
        assert request.resource_spans[0].scope_spans[0].scope.name == "durameter"
    for request in receiver.metrics:
        assert request.resource_metrics[0].scope_metrics[0].scope.name == "durameter"


def test_the_resource_is_the_user_s_where_they_say_so(
    receiver: Receiver, exporter: ExporterName, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("OTEL_SERVICE_NAME", "agent-cost")
    environment.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=ci,service.version=build-7")
    measure(exporter)
    for found in resources(receiver):
        assert found["service.name"] == "agent-cost"
        assert found["service.version"] == "build-7"
        assert found["deployment.environment"] == "ci"


def resources(receiver: Receiver) -> list[dict[str, Any]]:
    of_traces = [r.resource.attributes for request in receiver.traces for r in request.resource_spans]
    of_metrics = [r.resource.attributes for request in receiver.metrics for r in request.resource_metrics]
    assert of_traces
    assert of_metrics
    return [attributes(pairs) for pairs in of_traces + of_metrics]


def test_a_sampler_for_the_measured_program_does_not_thin_the_ledger_out(
    receiver: Receiver, exporter: ExporterName, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("OTEL_TRACES_SAMPLER", "always_off")
    assert measure(exporter).warnings == []
    assert len(receiver.spans()) == SPANS


def test_a_large_task_arrives_whole(
    receiver: Receiver, exporter: ExporterName, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "100")  # of the SDK; its default of 2048 would do as well
    environment.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "500")
    units = [UNIT.model_copy(update={"evidence": str(n)}) for n in range(20_000)]
    telemetry = open_telemetry(exporter)
    with telemetry as task:
        record(task, units)
    assert telemetry.warnings == []
    spans = receiver.spans()
    assert len(spans) == 20_003  # task, run, step, units
    assert {span.attributes.get("durameter.evidence") for span in spans} == {None, *(str(n) for n in range(20_000))}
    assert [point.value for point in receiver.points()] == [20_000]


def test_counters_are_sent_in_between_and_cumulative(
    receiver: Receiver, exporter: ExporterName, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")  # milliseconds
    telemetry = open_telemetry(exporter)
    with telemetry as units:
        for tasks in range(1, 4):
            record(units)
            wait_until(lambda tasks=tasks: [point.value for point in receiver.points()] == [tasks])
    values = [point.value for points in receiver.exports_of_points() for point in points]
    assert values == sorted(values)
    assert values[-1] == 3
    assert telemetry.warnings == []


def test_deltas_when_the_user_prefers_them(
    receiver: Receiver, exporter: ExporterName, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta")
    environment.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    telemetry = open_telemetry(exporter)
    with telemetry as units:
        for tasks in range(1, 4):
            record(units)
            wait_until(lambda tasks=tasks: sum_of_deltas(receiver) == tasks)
    assert sum_of_deltas(receiver) == 3
    assert telemetry.warnings == []


def sum_of_deltas(receiver: Receiver) -> float:
    points = [point for points in receiver.exports_of_points() for point in points]
    assert {point.temporality for point in points} <= {AGGREGATION_TEMPORALITY_DELTA}
    return sum(point.value for point in points)


def wait_until(condition: Any, seconds: float = 10.0) -> None:
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds * patience()
        time.sleep(0.01)


# The console


def json_documents(text: str) -> list[dict[str, Any]]:
    decoder = json.JSONDecoder()
    found = []
    while text := text.lstrip():
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def test_the_console_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert measure("console").warnings == []
    out, err = capsys.readouterr()
    assert out == ""  # where --json goes
    *spans, counters = sorted(json_documents(err), key=lambda document: "resource_metrics" in document)
    assert [span["name"] for span in spans] == ["schedule_activity", "message 1 / call_model 1", "run", "task"]
    assert spans[-1]["attributes"]["durameter.task"] == "task-1"
    (metric,) = counters["resource_metrics"][0]["scope_metrics"][0]["metrics"]
    assert (metric["name"], metric["unit"]) == ("durameter.temporal.actions", "{action}")
    assert [point["value"] for point in metric["data"]["data_points"]] == [1]


def test_the_console_may_be_another_stream(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    measure("console", stream=stream)
    assert len(json_documents(stream.getvalue())) == SPANS + 1
    assert capsys.readouterr() == ("", "")


def test_a_console_that_is_gone_is_a_warning() -> None:
    stream = io.StringIO()
    stream.close()
    warnings = measure("console", stream=stream).warnings
    assert warnings[:2] == [
        "Telemetry by console: 4 of 4 spans did not arrive.",
        "Telemetry by console: the counters did not arrive in full.",
    ]


# Where it does not go


@pytest.mark.parametrize(
    ("exporter", "variables"),
    [
        (None, {}),  # an endpoint alone is no consent
        ("none", {}),
        ("none", {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp"}),
        (None, {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}),
        (None, {"OTEL_TRACES_EXPORTER": "", "OTEL_LOGS_EXPORTER": "otlp"}),
        (None, {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}),
        (None, {"OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "console"}),
        ("console", {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp"}),
    ],
)
def test_nothing_connects_unasked(
    listener: socket.socket,
    environment: pytest.MonkeyPatch,
    exporter: ExporterName | None,
    variables: dict[str, str],
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url(listener))
    environment.setenv("OTEL_METRIC_EXPORT_INTERVAL", "10")
    telemetry = open_telemetry(exporter, stream=io.StringIO())
    with telemetry as units:
        if units is not None:
            record(units)
            time.sleep(0.1)  # time enough for an export or two in between
    assert telemetry.warnings == []
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_the_listener_would_have_seen_it(listener: socket.socket, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url(listener))
    environment.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    measure("otlp-http", timeout=1)
    listener.accept()[0].close()


def test_nothing_is_yielded_when_nothing_is_exported() -> None:
    with open_telemetry() as units:
        assert units is None


def test_a_disabled_sdk_and_a_setting_that_asks_for_it(
    listener: socket.socket, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("OTEL_SDK_DISABLED", "true")
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url(listener))
    telemetry = open_telemetry("otlp-http")
    with telemetry as units:
        assert units is None
    (warning,) = telemetry.warnings
    assert "OTEL_SDK_DISABLED" in warning
    assert "otlp-http" in warning
    with pytest.raises(BlockingIOError):
        listener.accept()


# When it does not arrive


def lost(exporter: ExporterName) -> list[str]:
    return [
        f"Telemetry by {exporter}: 4 of 4 spans did not arrive.",
        f"Telemetry by {exporter}: the counters did not arrive in full.",
    ]


def test_an_unreachable_receiver_is_a_warning_after_bounded_time(
    exporter: ExporterName, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # free again when this block ends
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{port}")
    environment.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")
    before = time.monotonic()
    warnings = measure(exporter, timeout=4).warnings
    # The exporter's two seconds (old releases of it take a minute), both signals at once; 4 s are our own limit.
    assert time.monotonic() - before < 8 * patience()
    assert warnings[:2] == lost(exporter)
    assert capsys.readouterr() == ("", "")


def test_a_receiver_that_never_answers_is_given_up(
    exporter: ExporterName, listener: socket.socket, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url(listener))
    before = time.monotonic()
    warnings = measure(exporter, timeout=0.5).warnings
    # 0.5 s, and at most 2 s of giving up; the SDK alone takes 10 s and more.
    assert time.monotonic() - before < 8 * patience()
    assert warnings[:2] == lost(exporter)
    assert "not finished within 0.5 s" in warnings[2]


def test_a_receiver_that_refuses_is_a_warning_that_says_how(http: Receiver, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http.endpoint)
    http.failures = [403, 403]
    warnings = measure("otlp-http").warnings
    assert warnings[:2] == lost("otlp-http")
    assert "403" in warnings[2]


def test_part_of_it_lost_is_said_in_numbers(http: Receiver, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OTEL_TRACES_EXPORTER", "otlp")
    environment.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http.endpoint)
    environment.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3")
    http.failures = [403]
    # Four spans are a batch of three, refused, and one of one.
    assert measure().warnings[0] == "Telemetry by otlp-http: 3 of 4 spans did not arrive."
    assert [span.name for span in http.spans()] == ["task"]


@pytest.mark.parametrize(("temporality", "complete"), [("cumulative", True), ("delta", False)])
def test_a_lost_export_in_between_matters_for_deltas_only(
    http: Receiver, environment: pytest.MonkeyPatch, temporality: str, complete: bool
) -> None:
    environment.setenv("OTEL_METRICS_EXPORTER", "otlp")
    environment.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http.endpoint)
    environment.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", temporality)
    environment.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    http.failures = [403]
    telemetry = open_telemetry()
    with telemetry as units:
        record(units)
        wait_until(lambda: not http.failures)
        record(units)
    arrived = sum(point.value for points in http.exports_of_points()[-1:] for point in points)
    assert (arrived == 2) == complete
    assert (telemetry.warnings == []) == complete


def test_what_could_not_be_recorded_is_a_warning(http: Receiver, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", http.endpoint)
    telemetry = open_telemetry("otlp-http")
    with telemetry as units:
        record(units, [UNIT.model_copy(update={"engine": "no such name"})])
    assert [warning.partition(" task-1")[0] for warning in telemetry.warnings] == [
        "Telemetry is incomplete: the counters lack task"
    ]


# The measured program


def test_an_error_of_the_measurement_passes_and_what_was_recorded_arrives(
    receiver: Receiver, exporter: ExporterName
) -> None:
    with pytest.raises(KeyError, match="of the measurement"), open_telemetry(exporter) as units:
        record(units)
        raise KeyError("of the measurement")
    assert len(receiver.spans()) == SPANS


def test_closing_twice_and_unused_is_harmless(receiver: Receiver, exporter: ExporterName) -> None:
    telemetry = open_telemetry(exporter)
    telemetry.close()
    telemetry.close()
    assert telemetry.warnings == []
    assert receiver.headers == []


def test_ids_are_not_drawn_from_the_module_random(receiver: Receiver, exporter: ExporterName) -> None:
    # A workload that seeds it would get the same ids in every measurement, and other numbers than without telemetry.
    for _ in range(2):
        telemetry = open_telemetry(exporter)
        random.seed(42)
        record(telemetry.units)
        drawn = random.random()  # noqa: S311 - no secret
        telemetry.close()
        random.seed(42)
        assert drawn == random.random()  # noqa: S311 - no secret
    assert len({span.trace_id for span in receiver.spans()}) == 2
    assert len({span.span_id for span in receiver.spans()}) == 2 * SPANS


def test_nothing_is_left_behind(receiver: Receiver, exporter: ExporterName) -> None:
    threads, handlers = set(threading.enumerate()), list(logging.getLogger("opentelemetry").handlers)
    measure(exporter)
    assert logging.getLogger("opentelemetry").handlers == handlers
    left = {thread.name for thread in set(threading.enumerate()) - threads}
    assert not {name for name in left if "Otel" in name}
    assert receiver.spans()


def test_a_process_ends_in_bounded_time_and_quietly(
    listener: socket.socket, exporter: ExporterName, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url(listener))  # it never answers
    program = f"""
import time
from durameter.telemetry import open_telemetry
from durameter_collectors.units import TaskLabel, Unit
unit = Unit.model_validate_json({UNIT.model_dump_json()!r})
telemetry = open_telemetry({exporter!r}, timeout=0.5)
with telemetry as units:
    units.record_task(
        [unit], task=TaskLabel("w", "v", "t"), engine="temporal", state="completed", started=unit.time, ended=unit.time
    )
    asked = time.time()
print(asked, len(telemetry.warnings))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program],
        capture_output=True,
        text=True,
        timeout=60 * patience(),
        check=True,
    )
    asked, warnings = done.stdout.split()
    # 0.5 s, at most 2 s of giving up, and the interpreter's end. The SDK alone takes 10 s and more.
    assert time.time() - float(asked) < 8 * patience()
    assert (warnings, done.stderr) == ("3", "")


# Settings that are wrong


def test_an_exporter_that_is_not_installed(exporter: ExporterName, environment: pytest.MonkeyPatch) -> None:
    protocol = exporter.removeprefix("otlp-")
    environment.setitem(sys.modules, f"opentelemetry.exporter.otlp.proto.{protocol}.trace_exporter", None)
    with pytest.raises(UsageError, match=r"pip install 'durameter\[otlp\]'"):
        open_telemetry(exporter)
    assert measure("console", stream=io.StringIO()).warnings == []  # needs no extra


@pytest.mark.parametrize(
    ("exporter", "variable", "value"),
    [
        ("otlp-grpc", "OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
        ("otlp-grpc", "OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
        ("console", "OTEL_METRIC_EXPORT_INTERVAL", "0"),
        ("console", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "many"),
    ],
)
def test_a_variable_that_the_sdk_refuses(
    environment: pytest.MonkeyPatch, exporter: ExporterName, variable: str, value: str
) -> None:
    environment.setenv(variable, value)
    with pytest.raises(UsageError, match="OTEL_"):
        open_telemetry(exporter, stream=io.StringIO())


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, ["OTEL_TRACES_EXPORTER=zipkin", "none, console, otlp"]),
        ({"OTEL_METRICS_EXPORTER": "prometheus"}, ["OTEL_METRICS_EXPORTER=prometheus"]),
        (
            {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
            ["OTEL_EXPORTER_OTLP_PROTOCOL=http/json", "no traces are exported"],
        ),
        (
            {"OTEL_METRICS_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "soap"},
            ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=soap", "no metrics are exported"],
        ),
    ],
)
def test_a_variable_meant_for_others_is_a_warning(
    environment: pytest.MonkeyPatch, variables: dict[str, str], words: list[str]
) -> None:
    for name, value in variables.items():
        environment.setenv(name, value)
    telemetry = open_telemetry()
    with telemetry as units:
        assert units is None
    (warning,) = telemetry.warnings
    assert all(word in warning for word in words)
